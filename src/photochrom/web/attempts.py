"""Wrong tokens: whoever sends them has to wait, longer each time."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from photochrom.web.problems import Problem

FREE = 5  # wrong tokens without a wait
LONGEST_SECONDS = 300.0
FORGET_SECONDS = 3600.0
MOST_ADDRESSES = 10_000


@dataclass
class _Record:
    wrong: set[bytes] = field(default_factory=set)
    last: float = 0.0
    until: float = 0.0


class Attempts:
    """Counts wrong tokens by address; of IPv6 by /64, which is one household's.

    The same wrong token again is no new guess: a browser goes on sending its old cookie.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, _Record] = {}
        self._salt = secrets.token_bytes(16)

    def check(self, address: str) -> None:
        """Refuse whoever has to wait.

        Raises:
            Problem: 429.
        """
        record = self._of.get(_group(address))
        left = record.until - self._clock() if record else 0
        if left > 0:
            raise Problem(429, "too many wrong tokens; wait and try again", {"Retry-After": f"{math.ceil(left)}"})

    def wrong(self, address: str, token: str) -> None:
        """Note a wrong token."""
        now, group = self._clock(), _group(address)
        record = self._of.get(group)
        if record is None or now - record.last > FORGET_SECONDS:
            self._of.pop(group, None)
            if len(self._of) >= MOST_ADDRESSES:
                del self._of[next(iter(self._of))]
            record = self._of[group] = _Record()
        given = hashlib.blake2b(token.encode(), key=self._salt, digest_size=8).digest()
        if given in record.wrong:
            return
        record.wrong.add(given)
        record.last = now
        if (over := len(record.wrong) - FREE) > 0:
            record.until = now + min(LONGEST_SECONDS, 2.0**over)


def _group(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
