# SPDX-License-Identifier: GPL-3.0-or-later
"""Warm workers that outlive a command: `batch start` starts them, `batch run --warm` uses them, `batch stop` ends them.

Whoever knows the folder with their note uses them. If they have ended, the next command starts others.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.user_path import user_path
from ..equipping import Place
from ..errors import Mono3DError
from ..run.loop import Display, Note
from ..run.plan import PlannedPhoto
from ..run.report import Record
from ..version import import_paths
from .warm_channel import LostError, log_in, private_folder, read_note, remove_note
from .warm_channel import Note as Found
from .work import Work

_START = """\
import json, sys
before, behind = json.loads(sys.argv.pop(1))
sys.path[:] = [*before, *sys.path, *behind]
from mono3d_addon.farm.warm_server import main
main()
"""
_BEGIN, _END = 120.0, 30.0
"""Seconds within which the process begins, its libraries not yet loaded, and within which it ends."""
_LOOK = 0.05


def start(work: Work, place: Place, folder: str, *, idle: float = 0.0) -> int:
    """Starts warm workers, unless there are some, and returns the id of the process that keeps them.

    `folder` is for their note and log; it is created if missing, so that only its user may enter it. They end after
    `idle` seconds without work (0: ten minutes), and when the folder has gone. Raises Mono3DError if they cannot begin.
    """
    if place.scene_writer is not None:
        raise Mono3DError("Workers are kept warm by Python, not by Blender; run the command with Python.")
    where = private_folder(user_path(folder))
    found = _living(where)
    return (found or _started(work, place, where, idle)).process


def stop(folder: str) -> bool:
    """Ends warm workers and waits until they have; returns whether there were some."""
    where = user_path(folder)
    note = _living(where)
    if note is None:
        return False
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(note.process, number)
        if _comes(lambda: not note.lives(), _END):
            break
    remove_note(where, note)
    return True


class WarmCrew:
    """Has the warm workers of a folder do photos, as `crew.Crew` does; starts them where there are none."""

    def __init__(self, work: Work, place: Place, folder: str) -> None:
        self._work = work
        self._place = place
        self._folder = folder

    def do(self, photos: Iterable[PlannedPhoto], note: Note[PlannedPhoto], display: Display[PlannedPhoto]) -> None:
        """Does the photos as `Crew.do` does.

        Photos whose workers' process has gone are given to the next. Raises Mono3DError if that happens again and
        again, or if the photos cannot be done.
        """
        rest = iter(photos)
        losses = 0

        def took(photo: PlannedPhoto, record: Record) -> None:
            nonlocal losses
            losses = 0
            note(photo, record)
            display.finished(photo, record)

        while True:
            start(self._work, self._place, self._folder)
            given: deque[PlannedPhoto] = deque()
            try:
                self._ask(rest, given, took)
                return
            except LostError as error:
                losses += 1
                if losses > self._work.options.attempts:
                    log = log_in(user_path(self._folder))
                    raise Mono3DError(
                        f"The process that keeps workers warm ends again and again; its log is {log}."
                    ) from error
                rest = itertools.chain(given, rest)

    def _ask(self, rest: Iterator[PlannedPhoto], given: deque[PlannedPhoto], took: Note[PlannedPhoto]) -> None:
        """Does photos; `given` gets those without a record so far. Raises LostError."""
        found = _living(user_path(self._folder).absolute())
        if found is None:
            raise LostError
        channel = found.connect()
        try:
            channel.send({"key": self._work.plan.key})
            while True:
                answer = channel.receive()
                if "next" in answer:
                    photo = next(rest, None)
                    if photo is not None:
                        given.append(photo)
                    channel.send({"photo": None if photo is None else asdict(photo)})
                elif "record" in answer:
                    took(given.popleft(), Record(**answer["record"]))
                elif "error" in answer:
                    raise Mono3DError(answer["error"])
                elif "done" in answer:
                    return
        finally:
            channel.close()


def _living(folder: Path) -> Found | None:
    note = read_note(folder)
    return note if note is not None and note.lives() else None


def _started(work: Work, place: Place, folder: Path, idle: float) -> Found:
    """Returns the note of a new process. Raises Mono3DError with its sentence if it cannot begin."""
    before, behind = import_paths()
    command = [sys.executable, "-P", "-X", "utf8", "-c", _START, json.dumps([before, behind])]
    asked = {"options": asdict(work.options), "data_folder": str(place.data_folder), "folder": str(folder)}
    # In a session of its own it outlives the command and its terminal.
    options: dict[str, Any] = {"creationflags": 0x08000200} if os.name == "nt" else {"start_new_session": True}
    log = log_in(folder)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, **options)
        assert process.stdin is not None
        with process.stdin as channel, contextlib.suppress(BrokenPipeError):
            channel.write(json.dumps(asked | {"idle": idle}).encode("ascii") + b"\n")
    except OSError as error:
        raise Mono3DError(f"Warm workers cannot be started ({error.strerror or error}).") from error

    # Another command may have started some at the same time.
    _comes(lambda: _living(folder) is not None or process.poll() is not None, _BEGIN)
    found = _living(folder)
    if found is None:
        process.kill()
        process.wait()
        told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Mono3DError(told[-1] if told else f"Warm workers do not start; their log is {log}.")
    return found


def _comes(holds: Callable[[], bool], seconds: float) -> bool:
    """Waits until a condition holds; returns False if it does not within so many seconds."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(_LOOK)
    return True
