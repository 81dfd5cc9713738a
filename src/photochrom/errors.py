"""Every error the library raises for bad input; one tree, so that a caller needs one `except`."""

from __future__ import annotations


class PhotochromError(Exception):
    """Base of all errors: the message says what was wrong, where, and what to do."""


class UnreadableImage(PhotochromError):
    """The bytes are not a picture that can be decoded: empty, truncated, misnamed or damaged."""


class UnreadableFilm(UnreadableImage):
    """The file is no film that can be decoded, or holds no frame that can."""


class ImageTooLarge(UnreadableImage):
    """The picture has more pixels than allowed (`max_pixels`)."""


class UnsupportedFormat(PhotochromError):
    """The picture or the wanted output is of a kind that is not handled."""


class WriteFailed(PhotochromError):
    """A result could not be written: the disk is full, the folder read-only, the file already there."""


class AlreadyThere(WriteFailed):
    """There is a file in the place of the result, and it was not allowed to be replaced."""


class UnknownName(PhotochromError):
    """No model, loss, metric, decoder or dataset has this name."""


class BadPlugin(PhotochromError):
    """A plug-in, a part that another distribution adds, cannot be loaded."""


class BadSetting(PhotochromError):
    """An argument has a value that is not possible."""


class BadRecipe(PhotochromError):
    """A recipe has an unknown key or a value out of range."""


class BadDataset(PhotochromError):
    """A dataset folder or archive holds no pictures, or not what the recipe needs."""


class BadCheckpoint(PhotochromError):
    """A model file or a run folder is damaged, of another kind, or of a newer version."""


class DeviceUnavailable(PhotochromError):
    """The device that was asked for is not there."""


class OutOfMemory(PhotochromError):
    """Memory ran out; the result would not have been complete, so there is none."""


class MissingExtra(PhotochromError):
    """A capability needs a package that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'; install it from the clone with: pip install '.[{extra}]'")
        self.what, self.extra = what, extra

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        # Without this it could not come back from a worker process: its one argument there is the message.
        return MissingExtra, (self.what, self.extra)


class ServerRefused(PhotochromError):
    """A server did not take a request, or is not there.

    Args:
        message: what the server says.
        status: of the response; 0 where there was none.
        retry_after: seconds after which it may be asked again, if it said so.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after
