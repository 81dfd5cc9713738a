"""The folder of the results: it belongs to one run at a time, one model and one set of settings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from photochrom._support.text import shown
from photochrom.cluster.manifest import INNER
from photochrom.cluster.places import Place, Unreached
from photochrom.errors import AlreadyThere, BadSetting, PhotochromError, WriteFailed

_BEAT_S = 15.0
_DEAD_S = 90.0  # without a sign of life; clocks of machines may differ by some seconds


class Claim:
    """That this run, and no other, writes to an output; true while its holder gives signs of life."""

    def __init__(self, output: Place) -> None:
        self._place, self._output = output.at(f"{INNER}/claim.json"), output
        self._token = secrets.token_hex(8)
        self._over = threading.Event()
        self.lost = False

    def _data(self) -> bytes:
        facts = {"host": os.uname().nodename, "pid": os.getpid(), "token": self._token, "time": time.time()}
        return json.dumps(facts).encode()

    def take(self) -> None:
        """Claim the output.

        Raises:
            AlreadyThere: another run has it.
            WriteFailed: nothing can be written there.
        """
        try:
            self._place.create(self._data())
        except AlreadyThere:
            holder = self._holder()
            if holder and _lives(holder):
                raise AlreadyThere(
                    f"{shown(self._output.url)} is being written by another run "
                    f"(process {holder['pid']} on {holder['host']}); wait for it, or name another folder"
                ) from None
            self._place.remove()
            self._place.create(self._data())
        threading.Thread(target=self._keep, daemon=True).start()

    def _keep(self) -> None:
        while not self._over.wait(_BEAT_S):
            with contextlib.suppress(PhotochromError):
                holder = self._holder()
                if holder and holder["token"] != self._token:
                    self.lost = True
                    return
                self._place.write(self._data())

    def check(self) -> None:
        """Stop where another run took the output, as this one seemed to be dead.

        Raises:
            AlreadyThere: it did.
        """
        if self.lost:
            raise AlreadyThere(f"{shown(self._output.url)} was taken over by another run; this one stops")

    def release(self) -> None:
        """Leave the output to others."""
        self._over.set()
        with contextlib.suppress(PhotochromError):
            holder = self._holder()
            if holder and holder["token"] == self._token:
                self._place.remove()

    def _holder(self) -> dict[str, Any] | None:
        try:
            return json.loads(self._place.read())
        except Unreached:
            raise  # someone may well hold it
        except (PhotochromError, ValueError):
            return None  # it has gone, or was killed while it wrote


def _lives(holder: dict[str, Any]) -> bool:
    if holder["host"] == os.uname().nodename:
        try:
            os.kill(holder["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return time.time() - holder["time"] < _DEAD_S


@contextlib.contextmanager
def claimed(output: Place, model: str, settings: dict[str, Any]) -> Iterator[Claim]:
    """An output that this run may write to.

    Args:
        output: a folder that is new, empty, or that of an earlier run.
        model: digest of the model.
        settings: whatever decides what the results look like.

    Raises:
        BadSetting: it holds files that no run made, or results of another model or of other settings.
        AlreadyThere: another run writes to it.
        WriteFailed: nothing can be written there, as there is no such bucket.
    """
    wanted = {"model": model, "settings": _hash(settings)}
    known = output.at(f"{INNER}/run.json")
    if output.is_local and os.path.isfile(output.path):
        raise WriteFailed(f"{shown(output.url)} is a file; name a folder for the results")
    has_run, has_files = bool(_found(known.fs, known.path)), _has_files(output)
    if has_files and not has_run:
        raise BadSetting(f"{shown(output.url)} holds files that no earlier run made; name a new folder for the results")
    claim = Claim(output)
    claim.take()
    try:
        if not has_run:
            known.write(json.dumps(wanted).encode())
        else:
            try:
                given = json.loads(known.read())
            except ValueError:
                given = {}
            for key, what in (("model", "another model"), ("settings", "other settings")):
                if given.get(key) != wanted[key]:
                    raise BadSetting(f"{shown(output.url)} holds results of {what}; name another folder")
        yield claim
    finally:
        claim.release()


def _hash(settings: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(settings.items(), key=lambda item: item[0])).encode()).hexdigest()


def _found(fs: Any, path: str) -> bool:
    try:
        return fs.exists(path)
    except Exception:  # the claim, which is written next, says why
        return False


def _has_files(output: Place) -> bool:
    """Whether anything is in a folder that is not hidden."""
    try:
        return any(not Path(name).name.startswith(".") for name in output.fs.ls(output.path, detail=False))
    except Exception:  # there is no such folder yet; the claim, which is written next, says what else is wrong
        return False
