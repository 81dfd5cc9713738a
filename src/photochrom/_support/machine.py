"""Which processor something was measured on."""

from __future__ import annotations

import platform


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
