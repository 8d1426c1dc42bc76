# SPDX-License-Identifier: GPL-3.0-or-later
"""The runners and the queue of their work. Only waiting for a runner happens outside the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..core.stages import Progress
from ..errors import Cancelled, Mono3DError, unforeseen
from ..worker.runner import Job as RunnerJob
from ..worker.runner import Runner

_LOG = logging.getLogger("mono3d.web")

_GRACE = 2.0
"""Seconds that a runner gets to abandon a cancelled job before it is stopped, which loses its loaded networks."""

_MOST_KNOWN = 8
_MOST_URGENT_IN_A_ROW = 8


class Work:
    """A request that waits for a runner or runs.

    photo      key of the photo; a runner that may still have it in memory is preferred
    is_urgent  whether a visitor is waiting for it, as while moving a slider
    owner      whose it is; visitors take turns
    done       resolves to the result, or fails with Mono3DError or Cancelled
    left       resolves when no runner uses the request's files any more
    """

    def __init__(
        self,
        request: dict[str, Any],
        photo: str,
        *,
        is_urgent: bool,
        owner: str = "",
        on_progress: Progress = lambda stage, fraction: None,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.request = request
        self.photo = photo
        self.is_urgent = is_urgent
        self.owner = owner
        self.on_progress = on_progress
        self.on_start = on_start
        self.done: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.left: asyncio.Future[None] = loop.create_future()
        self.is_cancelled = False
        self.has_expired = False
        self.runner_job: RunnerJob | None = None
        # A cancelled work's exception need not be retrieved by anybody.
        self.done.add_done_callback(lambda future: future.cancelled() or future.exception())

    def end(self, outcome: dict[str, Any] | Mono3DError) -> None:
        """Resolves `done` unless it is already resolved."""
        if not self.done.done():
            if isinstance(outcome, Mono3DError):
                self.done.set_exception(outcome)
            else:
                self.done.set_result(outcome)


class _Slot:
    """A runner, its current work, and the photos that it may still have in memory."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.work: Work | None = None
        self.known: OrderedDict[str, None] = OrderedDict()

    def has_seen(self, photo: str) -> None:
        self.known[photo] = None
        self.known.move_to_end(photo)
        while len(self.known) > _MOST_KNOWN:
            self.known.popitem(last=False)


class Pool:
    """A fixed number of warm runners and the queue of their work.

    on_move        called when the queue has moved
    limit_seconds  time after which a running work is stopped
    """

    def __init__(
        self, runners: Sequence[Runner], on_move: Callable[[], None] = lambda: None, limit_seconds: float = 900.0
    ) -> None:
        self._slots = [_Slot(runner) for runner in runners]
        self._on_move = on_move
        self._limit = limit_seconds
        self._waiting: deque[Work] = deque()
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._urgent_in_a_row = 0
        self._running: set[asyncio.Task[None]] = set()
        self._is_closed = False
        # Waiting for a runner blocks a thread; asyncio's own few threads are needed for files.
        self._threads = ThreadPoolExecutor(2 * len(runners) + 2, thread_name_prefix="mono3d-pool")

    async def start(self) -> None:
        """Starts all runners, so that they load their libraries before the first photo arrives.

        Raises Mono3DError when one cannot be started.
        """
        await asyncio.gather(*(self._in_thread(slot.runner.start) for slot in self._slots))

    def submit(self, work: Work, *, is_next: bool = False) -> Work:
        """Puts a work into the queue, or starts it at once if a runner is free; `is_next`: it has waited already."""
        if self._is_closed:
            work.end(Mono3DError("The server is shutting down; try again later."))
            work.left.set_result(None)
            return work
        if is_next:
            self._waiting.appendleft(work)
            self._turns.pop(work.owner, None)
        else:
            self._waiting.append(work)
        self._dispatch()
        return work

    @property
    def waiting(self) -> int:
        """Number of works that wait for a runner."""
        return len(self._waiting)

    def workers(self) -> dict[str, int]:
        """Returns the number of runners that work, that are ready, and that do not run."""
        found = {"busy": 0, "idle": 0, "stopped": 0}
        for slot in self._slots:
            found["busy" if slot.work is not None else "idle" if slot.runner.alive else "stopped"] += 1
        return found

    def processes(self) -> list[int]:
        """Returns the ids of the runners' processes on this computer."""
        return [id for slot in self._slots if (id := slot.runner.process_id) is not None]

    def position(self, work: Work) -> int:
        """Returns the position of a work in the queue, 1: next; 0 if it is not waiting."""
        if work not in self._waiting:
            return 0
        return self._order().index(work) + 1

    def cancel(self, work: Work) -> None:
        """Cancels a work at once, waiting or running, without affecting others."""
        work.is_cancelled = True
        with contextlib.suppress(ValueError):
            self._waiting.remove(work)
            work.left.set_result(None)
            self._on_move()
        if work.runner_job is not None:
            work.runner_job.supersede()
        work.end(Cancelled())

    def forget(self, photo: str) -> None:
        """Makes all runners drop a photo from memory."""
        for slot in self._slots:
            slot.known.pop(photo, None)
            slot.runner.forget(photo)

    async def close(self) -> None:
        """Cancels all works and stops all runners."""
        self._is_closed = True
        for work in (*self._waiting, *(slot.work for slot in self._slots if slot.work is not None)):
            self.cancel(work)
        await asyncio.gather(*(self._in_thread(slot.runner.stop) for slot in self._slots))
        await asyncio.gather(*self._running, return_exceptions=True)
        # A work that was just being submitted may have started its runner again.
        await asyncio.gather(*(self._in_thread(slot.runner.stop) for slot in self._slots))
        self._threads.shutdown(wait=False)

    def _dispatch(self) -> None:
        """Starts waiting works on free runners."""
        moved = False
        while self._waiting and (free := [slot for slot in self._slots if slot.work is None]):
            work = self._next()
            slot = next((slot for slot in free if work.photo in slot.known), free[0])
            slot.work = work
            task = asyncio.get_running_loop().create_task(self._carry_out(slot, work))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            moved = True
        if moved:
            self._on_move()

    def _next(self) -> Work:
        """Removes and returns the next work: urgent ones first, but not more than a few in a row."""
        order = self._order()
        urgent = next((work for work in order if work.is_urgent), None)
        patient = next((work for work in order if not work.is_urgent), None)
        is_their_turn = patient is not None and self._urgent_in_a_row >= _MOST_URGENT_IN_A_ROW
        chosen = patient if urgent is None or is_their_turn else urgent
        assert chosen is not None, "the queue is not empty"
        self._urgent_in_a_row = self._urgent_in_a_row + 1 if chosen.is_urgent else 0
        self._waiting.remove(chosen)
        self._turn += 1
        still = {work.owner for work in self._waiting} | {chosen.owner}
        self._turns = {owner: turn for owner, turn in self._turns.items() if owner in still}
        self._turns[chosen.owner] = self._turn
        return chosen

    def _order(self) -> list[Work]:
        """Returns the waiting works in the order in which they will start: urgent ones, then visitors by turns."""
        rounds: Counter[str] = Counter()
        places = {}
        for number, work in enumerate(self._waiting):
            places[work] = (not work.is_urgent, rounds[work.owner], self._turns.get(work.owner, 0), number)
            if not work.is_urgent:
                rounds[work.owner] += 1
        return sorted(places, key=places.__getitem__)

    async def _carry_out(self, slot: _Slot, work: Work) -> None:
        loop = asyncio.get_running_loop()
        work.on_start()

        def progress(stage: str, fraction: float) -> None:
            loop.call_soon_threadsafe(work.on_progress, stage, fraction)

        expiry = loop.call_later(self._limit, self._expire, slot, work)
        try:
            work.end(await self._in_thread(_do, slot.runner, work, progress))
            slot.has_seen(work.photo)
        except Mono3DError as error:
            work.end(too_long(self._limit) if work.has_expired else error)
        except Exception:
            _LOG.exception("a runner's thread failed")
            work.end(Mono3DError(unforeseen(place="the server's log")))
        finally:
            expiry.cancel()
        if work.has_expired and not self._is_closed:
            await self._in_thread(self._restart, slot)
        elif work.is_cancelled and not self._is_closed:
            await self._in_thread(self._await_leaving, slot, work)
        if not slot.runner.alive:
            slot.known.clear()
        work.left.set_result(None)
        slot.work = None
        if not self._is_closed:
            self._dispatch()

    def _expire(self, slot: _Slot, work: Work) -> None:
        if work.runner_job is not None and work.runner_job.poll():
            # `_carry_out` restarts the runner before it gets its next work.
            work.has_expired = True
            work.runner_job.supersede()

    def _await_leaving(self, slot: _Slot, work: Work) -> None:
        if work.runner_job is not None and not work.runner_job.wait_until_left(_GRACE):
            self._restart(slot)

    def _restart(self, slot: _Slot) -> None:
        slot.runner.stop()
        slot.known.clear()
        with contextlib.suppress(Mono3DError):  # the next work reports it to its visitor
            slot.runner.start()

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(function, *arguments))


def too_long(seconds: float) -> Mono3DError:
    """Returns the error for a job that exceeded the limit of `seconds`."""
    return Mono3DError(
        f"The job exceeded this server's limit of {seconds / 60.0:g} minutes; "
        "lower 'Detail' or use a smaller photo or model."
    )


def _do(runner: Runner, work: Work, progress: Progress) -> dict[str, Any]:
    """Runs in a thread: submits the work to its runner and waits for the result."""
    job = work.runner_job = runner.submit(work.request)
    if work.is_cancelled:
        job.supersede()
    return job.wait(progress)
