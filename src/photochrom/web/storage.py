"""Where files are kept: how much room there is, and whether it is memory."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from photochrom.web.settings import MEGABYTE

MOST_KEPT = 4000 * MEGABYTE
_RESERVE = 64 * MEGABYTE  # left free for what the workers write, on a disk that is large enough
_UNLIMITED = 1 << 60  # what cgroups of version 1 say where there is no limit


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
    return min(MOST_KEPT, size, (_memory_limit() or size) // 4)


def free(folder: Path) -> int:
    """Bytes that can still be written, less a reserve; what is written to a tmpfs has to fit into memory, too."""
    usage = shutil.disk_usage(folder)
    left = usage.free
    if is_memory(folder) and (memory := _memory_left()) is not None:
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


def _memory_limit() -> int | None:
    """The memory that this process may use: the machine's, or its container's if that has less."""
    known = [value for value in (_number(name) for name in _LIMITS) if value is not None and value < _UNLIMITED]
    if "SC_PHYS_PAGES" in os.sysconf_names:
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)


def _memory_left() -> int | None:
    left = []
    for limit, used in zip(_LIMITS, _USED, strict=True):
        most, now = _number(limit), _number(used)
        if most is not None and now is not None and most < _UNLIMITED:
            left.append(most - now)
    with contextlib.suppress(OSError, IndexError, ValueError):
        text = Path("/proc/meminfo").read_text()
        left.append(1024 * int(text.split("MemAvailable:")[1].split()[0]))
    return min(left, default=None)


_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_USED = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


def _number(name: str) -> int | None:
    try:
        return int(Path(name).read_text())
    except (OSError, ValueError):
        return None
