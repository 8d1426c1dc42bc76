# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has signed in: random sessions, of which the server keeps only hashes, and limited attempts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import time
from collections import OrderedDict, deque
from pathlib import Path

from ..core.files import atomic_write
from ..errors import Mono3DError
from .refusal import Refusal
from .visitor import network_of

_LOG = logging.getLogger("mono3d.web")

SECONDS = 30 * 86400
"""How long a session lasts."""

_MOST = 10_000
_MOST_WRONG, _WRONG_SECONDS = 10, 600.0
"""Wrong tokens that one place may send within this time."""


class Sessions:
    """The open sessions of a server with a `token`. They are kept in `path` and outlive the server, but not the token.

    Use it in the event loop's thread only.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self._open: OrderedDict[str, float] = OrderedDict()
        salt, kept = secrets.token_hex(16), {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["token"] == _mark(token, found["salt"]):
                salt = found["salt"]
                kept = {str(name): float(end) for name, end in found["sessions"].items() if end > time.time()}
        self._open.update(kept)
        self._head = {"salt": salt, "token": _mark(token, salt)}

    def open(self) -> str:
        """Returns the secret of a new session."""
        secret = secrets.token_urlsafe(32)
        self._open[_hash(secret)] = time.time() + SECONDS
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        self._write()
        return secret

    def has(self, secret: str) -> bool:
        """Returns whether a session is open."""
        return bool(secret) and self._open.get(_hash(secret), 0.0) > time.time()

    def close(self, secret: str) -> None:
        """Ends a session."""
        if self._open.pop(_hash(secret), None) is not None:
            self._write()

    def _write(self) -> None:
        try:
            with atomic_write(self._path) as beside:
                beside.touch(0o600)
                beside.write_text(json.dumps(self._head | {"sessions": dict(self._open)}), encoding="utf-8")
        except Mono3DError as error:
            _LOG.error("sessions cannot be written down: %s", error)


class Attempts:
    """Wrong tokens by place. Use it in the event loop's thread only."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self.count = 0

    def check(self, address: str) -> None:
        """Raises Refusal, 429, when too many wrong tokens have come from the place of `address`."""
        times = self._recent(address)
        if len(times) >= _MOST_WRONG:
            seconds = int(times[0] + _WRONG_SECONDS - time.monotonic()) + 1
            minutes = "a minute" if seconds <= 60 else f"{-(-seconds // 60)} minutes"
            raise Refusal(
                429, f"Too many wrong tokens from your address; try again in {minutes}.", {"Retry-After": str(seconds)}
            )

    def note(self, address: str) -> None:
        """Notes a wrong token."""
        self.count += 1
        place = network_of(address)
        times = self._recent(address)
        times.append(time.monotonic())
        self._wrong[place] = times
        self._wrong.move_to_end(place)
        while len(self._wrong) > _MOST:
            self._wrong.popitem(last=False)
        blocked = f"; this place is blocked for {_WRONG_SECONDS / 60:g} minutes" if len(times) >= _MOST_WRONG else ""
        _LOG.warning("a wrong token from %s%s", address, blocked, extra={"visitor": address})

    def forget(self, address: str) -> None:
        """Forgets the wrong tokens of a place that has sent the right one."""
        self._wrong.pop(network_of(address), None)

    def _recent(self, address: str) -> deque[float]:
        times = self._wrong.get(network_of(address), deque())
        while times and times[0] < time.monotonic() - _WRONG_SECONDS:
            times.popleft()
        return times


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _mark(token: str, salt: str) -> str:
    """Returns what tells another token, and is slow to compute so that the file does not help to guess the token."""
    return hashlib.pbkdf2_hmac("sha256", token.encode("utf-8", "replace"), salt.encode(), 200_000).hex()
