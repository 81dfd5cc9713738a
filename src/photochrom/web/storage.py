"""Where files are kept: how much room there is, and whether it is memory."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path

from photochrom._support.machine import memory_left, memory_limit
from photochrom.web.settings import MEGABYTE

MOST_KEPT = 4000 * MEGABYTE
_RESERVE = 64 * MEGABYTE  # left free for what the workers write, on a disk that is large enough


def is_full(error: BaseException | None) -> bool:
    """Whether an error came of a full disk or quota."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def default_kept(folder: Path) -> int:
    """How many bytes are kept where nobody says: less where they take memory."""
    if not is_memory(folder):
        return MOST_KEPT
    size = shutil.disk_usage(folder).total
    return min(MOST_KEPT, size, (memory_limit() or size) // 4)


def free(folder: Path) -> int:
    """Bytes that can still be written, less a reserve; what is written to a tmpfs has to fit into memory, too."""
    usage = shutil.disk_usage(folder)
    left = usage.free
    if is_memory(folder) and (memory := memory_left()) is not None:
        left = min(left, memory)
    return left - min(_RESERVE, usage.total // 20)


def is_memory(folder: Path) -> bool:
    """Whether files in a folder are kept in memory (tmpfs)."""
    found, kind = 0, ""
    with contextlib.suppress(OSError):
        path = folder.resolve()
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, where, this, *_ = line.split(" ")
            point = Path(where.encode().decode("unicode_escape"))
            # Later lines lie over earlier ones.
            if path.is_relative_to(point) and len(point.parts) >= found:
                found, kind = len(point.parts), this
    return kind in ("tmpfs", "ramfs")
