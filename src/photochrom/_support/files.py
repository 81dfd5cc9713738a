"""A file appears under its name whole or not at all, and never in the place of another by accident."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from photochrom._support.text import shown
from photochrom.errors import AlreadyThere, WriteFailed

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file is larger than this disk can hold; choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "the folder may not be written to; choose another, or change its permissions",
    errno.EPERM: "the folder may not be written to; choose another, or change its permissions",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EISDIR: "there is a folder of that name; give a file name",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another folder",
}
# File systems without hard links (FAT, some network shares) answer with one of these.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EACCES}

_PREFIX, _SUFFIX = ".photochrom-", ".part"
_JUST_MADE_S = 60
_unfinished: set[Path] = set()


def check_free(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Fail before the work is done where writing to `path` is bound to fail.

    Raises:
        WriteFailed: there is a folder of that name, or a file and `overwrite` is off.
    """
    if os.path.isdir(path):
        raise WriteFailed(f"{shown(path)} cannot be written: {_ADVICE[errno.EISDIR]}")
    if not overwrite and os.path.lexists(path):
        raise _taken(path)


def write_bytes(path: str | os.PathLike[str], data: bytes, overwrite: bool = False) -> None:
    """Write a whole file; see `writing`."""
    with writing(path, overwrite) as file:
        file.write(data)


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[IO[bytes]]:
    """A new file, beside its place, that takes its name when the block ends; missing parent folders are made.

    Whatever happens in between (an error, Ctrl-C), the temporary is removed and an older file is as it was. What a
    kill leaves of it, `sweep` removes. The content is on the disk before the name is, so that a name stands for a
    whole file even after the power fails.

    Args:
        path: where to. A link is followed, so that the file it names is replaced and not the link.
        overwrite: replace a file that is there. If off, of two writers at a time one wins and the other fails.

    Yields:
        An empty binary file to write, search and read. Errors of the system within the block are those of this file.

    Raises:
        AlreadyThere: there is a file, or another writer was faster, and `overwrite` is off.
        WriteFailed: with one line that names the file and what to do.
    """
    check_free(path, overwrite)
    try:
        target = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise write_failed(path, error) from error
    with _beside(target) as temporary:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "xb+") as file:
                _lock(file)
                yield file
                file.flush()
                os.fsync(file.fileno())
            # Closed first, as Windows renames no open file; `sweep` knows it by its age.
            move(temporary, target, overwrite)
        except (OSError, ValueError) as error:
            raise write_failed(path, error) from error


@contextlib.contextmanager
def making(folder: Path) -> Iterator[Path]:
    """A new folder, beside its place, that takes its name when the block ends; missing parent folders are made.

    Whatever happens in between, an error or Ctrl-C, leaves nothing. What a kill left in that place is swept first.

    Args:
        folder: where to.

    Yields:
        An empty folder to fill. Errors of the system within the block are those of this folder.

    Raises:
        AlreadyThere: there is something of that name.
        WriteFailed: with one line that names the folder and what to do.
    """
    if os.path.lexists(folder):
        raise AlreadyThere(f"{shown(folder)} is already there; choose another name")
    sweep(folder.parent)
    with _beside(folder) as temporary, contextlib.ExitStack() as held:
        try:
            temporary.mkdir(parents=True)
            with contextlib.suppress(OSError):  # Windows opens no folder
                _lock(held.enter_context(_opened(temporary, os.O_RDONLY)))
            yield temporary
            temporary.rename(folder)
        except OSError as error:
            raise write_failed(folder, error) from error


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A name beside a file's or folder's place to make it under; what is there under it at the end is removed."""
    temporary = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    _unfinished.add(temporary)
    try:
        yield temporary
    finally:
        _remove(temporary)
        _unfinished.discard(temporary)


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            os.unlink(temporary)


@atexit.register
def _put_away() -> None:
    """Remove what is left because Ctrl-C came in the midst of the cleaning up."""
    for temporary in _unfinished:
        _remove(temporary)


def move(temporary: Path, target: Path, overwrite: bool = False) -> None:
    """Give a whole file its name; if `overwrite` is off, a file that is there stays.

    Raises:
        WriteFailed: there is one.
        OSError: for any other reason.
    """
    if overwrite:
        os.replace(temporary, target)
        return
    try:
        _rename_into_free(temporary, target)
    except FileExistsError as error:
        raise _taken(target) from error


def sweep(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes left of files and folders that they were making in a folder.

    What is in work is locked, and so known from what is left over. What was just made may not be locked yet.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX)):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            with contextlib.suppress(OSError), _opened(entry.path, os.O_RDONLY if is_folder else os.O_RDWR) as number:
                if time.time() - os.fstat(number).st_mtime > _JUST_MADE_S and _lock(number):
                    (shutil.rmtree if is_folder else os.unlink)(entry.path)


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str], flags: int) -> Iterator[int]:
    number = os.open(path, flags)
    try:
        yield number
    finally:
        os.close(number)


def _lock(file: IO[bytes] | int) -> bool:
    """Lock a file or folder until it is closed; whether that went well. Without locks nothing is swept either."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _rename_into_free(temporary: Path, target: Path) -> None:
    """Rename without replacing; `os.link` refuses an existing name in one step, which `os.rename` does not."""
    try:
        os.link(temporary, target)
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        os.replace(temporary, target)
    except BaseException:
        target.unlink()
        raise


def _taken(path: str | os.PathLike[str]) -> AlreadyThere:
    advice = "choose another name, or allow it with --overwrite (overwrite=True in Python)"
    return AlreadyThere(f"{shown(path)} is already there; {advice}")


def write_failed(path: str | os.PathLike[str], error: Exception) -> WriteFailed:
    """The error that says in one line why a file could not be written, and what to do."""
    known = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
    reason = known or f"{getattr(error, 'strerror', None) or error}; choose another folder or name"
    return WriteFailed(f"{shown(path)} cannot be written: {reason}")
