# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that keeps workers warm for one command after another; `warm` starts and asks it.

It ends when it is told to, when nobody has asked it for a while, and when its note has gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ..core.claimed_folder import ClaimedFolder, remove_abandoned
from ..equipping import Place
from ..errors import Mono3DError, unforeseen
from ..run.plan import PlannedPhoto, read_plan
from ..run.report import Record, as_row
from ..run.stores import store_of
from ..settings import BatchOptions, coerce
from .crew import Crew
from .hand import Silent
from .warm_channel import Channel, Door, LostError, read_note, remove_note, write_note
from .work import Work

_CLAIM = "mono3d-warm-"
_IDLE = 600.0
"""Seconds without a command after which the process ends."""
_LOOK = 1.0
_LONGEST = 70
"""Characters of a folder in which a socket may lie: systems allow about 100 for its path."""


def main() -> None:
    """Serves commands until it is told to stop; what it shall do is a JSON object on standard input.

    A sentence for the user is the last line on standard error if it cannot begin.
    """
    asked = json.loads(sys.stdin.readline())
    signal.signal(signal.SIGTERM, _interrupted(lambda: None))
    try:
        work = _work_of(BatchOptions(**coerce(BatchOptions, asked["options"])))
        _serve(Path(asked["folder"]), work, Place(Path(asked["data_folder"])), asked["idle"] or _IDLE)
    except KeyboardInterrupt:
        pass
    except (Mono3DError, OSError) as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(1) from error


def _interrupted(before: Callable[[], None]) -> Callable[[int, object], NoReturn]:
    """Returns what a signal calls that ends the process."""

    def interrupt(number: int, frame: object) -> NoReturn:
        before()
        raise KeyboardInterrupt

    return interrupt


def _work_of(options: BatchOptions) -> Work:
    return Work(options.output, options, read_plan(store_of(options.output)))


def _serve(folder: Path, work: Work, place: Place, idle: float) -> None:
    temporary = Path(tempfile.gettempdir())
    if os.name != "nt" and len(str(temporary)) > _LONGEST:
        temporary = Path("/tmp")
    remove_abandoned(temporary, _CLAIM)
    with contextlib.ExitStack() as undo:
        claimed = ClaimedFolder(_CLAIM, parent=temporary)
        undo.callback(claimed.remove)
        staff = _Staff(work, place)
        undo.callback(staff.close)
        signal.signal(signal.SIGTERM, _interrupted(staff.let_go))
        door = Door(claimed.path)
        undo.callback(door.close)
        write_note(folder, door.note)
        undo.callback(remove_note, folder, door.note)
        watch = _Watch(idle)
        threading.Thread(target=watch.look, args=(lambda: read_note(folder) == door.note,), daemon=True).start()
        while True:
            channel = door.wait()
            with watch.work():
                _answer(channel, staff)


class _Watch:
    """Ends this process when nobody needs it, but never amid work."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._free_since: float | None = time.monotonic()

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Notes that there is work meanwhile."""
        self._free_since = None
        try:
            yield
        finally:
            self._free_since = time.monotonic()

    def look(self, is_known: Callable[[], bool]) -> None:
        """Looks now and then; `is_known()` returns whether anybody can still find this process."""
        while True:
            time.sleep(_LOOK)
            since = self._free_since
            if since is not None and (time.monotonic() - since > self._idle or not is_known()):
                os.kill(os.getpid(), signal.SIGTERM)
                return


class _Staff:
    """Warm workers for the present plan; another one if the plan has been made again."""

    def __init__(self, work: Work, place: Place) -> None:
        self._work = work
        self._place = place
        self._crew = self._hired()

    def for_plan(self, key: str) -> Crew:
        """Returns the workers for a plan. Raises Mono3DError if it is not that beside the results."""
        if key != self._work.plan.key:
            self._crew.close()
            self._work = _work_of(self._work.options)
            self._crew = self._hired()
        if key != self._work.plan.key:
            raise Mono3DError("The plan has been replaced meanwhile; start again, what is done is kept.")
        return self._crew

    def let_go(self) -> None:
        """Makes them stop at the end of what they do, which is about to be interrupted."""
        self._crew.let_go()

    def close(self) -> None:
        """Stops them."""
        self._crew.close()

    def _hired(self) -> Crew:
        # As many workers as were asked for, however few the photos are.
        count = self._work.plan.photos + self._work.options.jobs
        crew = Crew(self._work, self._place, count, stays_warm=True)
        crew.warm_up()
        return crew


def _answer(channel: Channel, staff: _Staff) -> None:
    """Does the photos of one command. What is under way is finished if that has gone."""
    try:
        with contextlib.suppress(LostError):
            asked = channel.receive()
            try:
                crew = staff.for_plan(str(asked["key"]))
                channel.send({"process": os.getpid()})

                def note(photo: PlannedPhoto, record: Record) -> None:
                    channel.send({"record": as_row(record)})

                crew.do(_photos(channel), note, Silent())
                channel.send({"done": True})
            except (Mono3DError, OSError) as error:
                channel.send({"error": str(error)})
            except LostError:
                raise
            except KeyboardInterrupt:
                channel.send({"error": "The warm workers were stopped; start again, what is done is kept."})
                raise
            except Exception as error:
                channel.send({"error": unforeseen(error, "the log")})
                raise
    finally:
        channel.close()


def _photos(channel: Channel) -> Iterator[PlannedPhoto]:
    """Yields the photos that the command gives, one whenever there is room for it."""
    while True:
        channel.send({"next": True})
        values: Mapping[str, Any] | None = channel.receive()["photo"]
        if values is None:
            return
        yield PlannedPhoto(**values)
