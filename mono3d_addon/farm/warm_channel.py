# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command reaches the process with warm workers that another one has started: a note in a folder, and a channel.

The channel is a Unix socket in a folder that only its user may enter, or a named pipe on Windows. Both ends prove that
they know the secret in the note, which only its user may read. Messages are JSON objects; nothing is unpickled.

The command begins with {"key": K}, the key of its plan, and the process answers {"process": ID}. Then the process asks
for a photo by {"next": true} whenever it may take one, and gets {"photo": {...}} or {"photo": null} after the last.
Meanwhile it sends the records, {"record": {...}} in the order of the photos, and at the end {"done": true}. At any time
it may end by {"error": SENTENCE}.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from ..core.claimed_folder import is_claimed
from ..errors import Mono3DError
from ..worker import protocol

FAMILY = "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"


class LostError(Exception):
    """The other end has gone."""


@dataclass(frozen=True)
class Note:
    """Where a process with warm workers can be reached.

    address  of its socket or pipe
    secret   that both ends know
    process  its id
    claimed  the folder that it keeps locked while it lives
    """

    address: str
    secret: str
    process: int
    claimed: str

    def lives(self) -> bool:
        """Returns whether the process is running."""
        return is_claimed(Path(self.claimed))

    def connect(self) -> Channel:
        """Returns a channel to the process, once it has time for it. Raises LostError if it is not there."""
        with _lost():
            return Channel(Client(self.address, FAMILY, authkey=bytes.fromhex(self.secret)))


class Channel:
    """Sends and receives messages. All raises LostError once the other end has gone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message."""
        with _lost():
            self._connection.send_bytes(protocol.encode(message))

    def receive(self) -> dict[str, Any]:
        """Returns the next message."""
        with _lost():
            return protocol.decode(self._connection.recv_bytes())

    def close(self) -> None:
        """Closes it."""
        self._connection.close()


class Door:
    """Where a process waits for commands, one at a time; `place` is a folder that only its user may enter."""

    def __init__(self, place: Path) -> None:
        self._secret = secrets.token_bytes(32)
        name = rf"\\.\pipe\mono3d-{secrets.token_hex(16)}" if FAMILY == "AF_PIPE" else str(place / "socket")
        self._listener = Listener(name, FAMILY, authkey=self._secret)
        self.note = Note(name, self._secret.hex(), os.getpid(), str(place))

    def wait(self) -> Channel:
        """Returns the channel of the next command that knows the secret."""
        while True:
            with contextlib.suppress(LostError), _lost():
                return Channel(self._listener.accept())

    def close(self) -> None:
        """Lets nobody in any more."""
        self._listener.close()


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    from multiprocessing import AuthenticationError

    try:
        yield
    except (OSError, EOFError, ValueError, AuthenticationError) as error:
        raise LostError(str(error)) from error


def log_in(folder: Path) -> Path:
    """Returns the file that receives what the process of a folder prints."""
    return _file(folder, "log")


def _file(folder: Path, suffix: str) -> Path:
    # Several machines may see the folder, and each has workers of its own.
    return folder / f"warm-{re.sub(r'[^0-9A-Za-z.-]', '_', platform.node())}.{suffix}"


def private_folder(folder: Path) -> Path:
    """Returns the folder as a full path; makes it if it is missing, so that only its user may enter it.

    Raises Mono3DError if it belongs to somebody else, or others may write to it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except OSError as error:
        raise Mono3DError(f"The folder '{folder}' cannot be used ({error.strerror or error}).") from error
    if sys.platform != "win32" and (about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o022):
        raise Mono3DError(
            f"Others may write to '{folder}'; name a folder for the warm workers that does not exist yet."
        )
    return folder.absolute()


def read_note(folder: Path) -> Note | None:
    """Returns the note of this machine in a folder, if there is one."""
    try:
        return Note(**json.loads(_file(folder, "json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_note(folder: Path, note: Note) -> None:
    """Writes the note, which only its user may read. Raises OSError."""
    beside = folder / f".{secrets.token_hex(8)}"
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps(asdict(note)).encode("ascii"))
    beside.replace(_file(folder, "json"))


def remove_note(folder: Path, note: Note) -> None:
    """Removes a note, if it is still that one."""
    if read_note(folder) == note:
        with contextlib.suppress(OSError):
            _file(folder, "json").unlink()
