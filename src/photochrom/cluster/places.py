"""Files and folders at any URL that fsspec knows: read, listed, and written whole or not at all."""

from __future__ import annotations

import contextlib
import posixpath
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from photochrom._support.files import write_bytes
from photochrom._support.optional_packages import needing
from photochrom._support.text import one_line, shown
from photochrom.errors import AlreadyThere, BadSetting, PhotochromError, UnreadableImage, WriteFailed

# Their objects appear under their name when the upload is complete.
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "r2", "memory"}


class Unreached(UnreadableImage):
    """A file that is there could not be fetched: its store broke off, or there was no room here. Another try may do."""


@dataclass(frozen=True)
class Place:
    """A file or folder.

    Attributes:
        url: a path, or PROTOCOL://... as fsspec takes it.
    """

    url: str

    @cached_property
    def _found(self) -> tuple[Any, str]:
        with needing("an archive", "cluster"):
            from fsspec.core import url_to_fs
        protocol = self.url.partition("://")[0]
        try:
            return url_to_fs(self.url)
        except ImportError as error:
            raise PhotochromError(
                f"{shown(self.url)}: {protocol}:// needs another package ({one_line(error)})"
            ) from None
        except ValueError as error:
            raise BadSetting(
                f"{shown(self.url)} is not an address of files ({one_line(error)}); check what is before ://"
            ) from None

    @property
    def fs(self) -> Any:
        """The fsspec file system."""
        return self._found[0]

    @property
    def path(self) -> str:
        """The path within it."""
        return self._found[1].rstrip("/") or "/"

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine, or of a disk that the machines share."""
        return "file" in _protocols(self.fs)

    def at(self, below: str) -> Place:
        """The place at a relative path below it."""
        return Place(f"{self.url.rstrip('/')}/{below}")

    def listed(self, pattern: str) -> list[Place]:
        """The files of a folder whose names match, in their order; none where there is no such folder."""
        with reading(self.url):
            found = sorted(self.fs.glob(posixpath.join(self.path, pattern)))
        return [self.at(posixpath.basename(path)) for path in found]

    def read(self) -> bytes:
        """The whole file.

        Raises:
            UnreadableImage: it is not there, or may not be read.
            Unreached: its store broke off.
        """
        with reading(self.url):
            return self.fs.cat_file(self.path)

    def write(self, data: bytes) -> None:
        """Write the file whole or not at all; one that is there is replaced.

        Raises:
            WriteFailed: no room, no permission, no such bucket, ...
        """
        if self.is_local:
            write_bytes(self.path, data, overwrite=True)
            return
        with _writing(self.url):
            if _protocols(self.fs) & _WHOLE:
                self.fs.pipe_file(self.path, data)
                return
            folder, name = posixpath.split(self.path)
            self.fs.makedirs(folder, exist_ok=True)
            temporary = posixpath.join(folder, f".photochrom-{secrets.token_hex(8)}.part")
            try:
                self.fs.pipe_file(temporary, data)
                self.fs.mv(temporary, posixpath.join(folder, name))
            except BaseException:
                with contextlib.suppress(Exception):
                    self.fs.rm_file(temporary)
                raise

    def create(self, data: bytes) -> None:
        """Write a small file that must not be there yet; of two writers at a time one fails, where the store can tell.

        Raises:
            AlreadyThere: it is there.
            WriteFailed: as `write`.
        """
        if self.is_local:
            write_bytes(self.path, data)
            return
        with _writing(self.url):
            try:
                self.fs.pipe_file(self.path, data, mode="create")
            except FileExistsError:
                raise AlreadyThere(f"{shown(self.url)} is already there") from None
            except (NotImplementedError, ValueError, TypeError):  # a store that cannot create exclusively
                if self.fs.exists(self.path):
                    raise AlreadyThere(f"{shown(self.url)} is already there") from None
                self.fs.pipe_file(self.path, data)

    def remove(self) -> None:
        """Remove the file, if it is there."""
        with contextlib.suppress(FileNotFoundError), _writing(self.url):
            self.fs.rm_file(self.path)


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


@contextlib.contextmanager
def reading(url: str) -> Iterator[None]:
    """Tell what a store says in one line of ours.

    Raises:
        UnreadableImage: it is not there, or may not be read.
        Unreached: anything else that is not a PhotochromError already.
    """
    try:
        yield
    except PhotochromError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableImage(f"{shown(url)} does not exist; check the name, and the bucket or folder") from None
    except PermissionError:
        raise UnreadableImage(f"{shown(url)} may not be read; check its permissions") from None
    except Exception as error:  # each store's library has errors of its own
        raise Unreached(f"{shown(url)} cannot be read ({one_line(error)})") from None


@contextlib.contextmanager
def _writing(url: str) -> Iterator[None]:
    try:
        yield
    except PhotochromError:
        raise
    except FileNotFoundError:
        raise WriteFailed(f"{shown(url)} cannot be written: there is no such bucket or folder") from None
    except PermissionError:
        raise WriteFailed(f"{shown(url)} cannot be written: it may not be written to; check its permissions") from None
    except Exception as error:  # each store's library has errors of its own
        raise WriteFailed(f"{shown(url)} cannot be written: {one_line(error)}") from None
