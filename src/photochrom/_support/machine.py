"""What the machine is: its processor, and the memory that this process may have of it."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_MEMORY = Path("/proc/meminfo")
_UNLIMITED = 1 << 60  # what cgroups of version 1 say where there is no limit


def processor() -> str:
    """The processor's name, as the system tells it.

    Example:
        >>> bool(processor())
        True
    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def memory_limit() -> int | None:
    """Bytes that this process may use: the machine's memory, or its container's limit if that is less.

    None where nothing is known.
    """
    known = [limit for group in _GROUPS if (limit := group.limit()) is not None]
    if "SC_PHYS_PAGES" in os.sysconf_names:
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)


def memory_left() -> int | None:
    """Bytes that this process can still take: what is free on the machine, or in its container if that is less.

    None where nothing is known.
    """
    known = [left for group in _GROUPS if (left := group.left()) is not None]
    with contextlib.suppress(OSError, IndexError, ValueError):
        known.append(1024 * int(_MEMORY.read_text().split("MemAvailable:")[1].split()[0]))
    return min(known, default=None)


@dataclass(frozen=True)
class _Group:
    """A container's account of memory, as one version of cgroups keeps it.

    Attributes:
        folder: where its files are.
        most, used: those with the limit and with what counts towards it, bytes.
        whole: what begins the names of the sums over groups within, in `memory.stat`.
    """

    folder: Path
    most: str
    used: str
    whole: str

    def limit(self) -> int | None:
        most = self._number(self.most)
        return most if most is not None and most < _UNLIMITED else None

    def left(self) -> int | None:
        limit, used = self.limit(), self._number(self.used)
        return None if limit is None or used is None else max(0, limit - used + self._cached())

    def _cached(self) -> int:
        """Bytes of files that were read and written, which the system drops when memory is wanted; a tmpfs has none."""
        names = {f"{self.whole}active_file", f"{self.whole}inactive_file"}
        with contextlib.suppress(OSError, ValueError):
            lines = (line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
            return sum(int(value) for name, value in lines if name in names)
        return 0

    def _number(self, name: str) -> int | None:
        try:
            return int((self.folder / name).read_text())
        except (OSError, ValueError):  # a limit of version 2 that is none is "max"
            return None


_GROUPS = (
    _Group(Path("/sys/fs/cgroup"), "memory.max", "memory.current", ""),
    _Group(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
