# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner `ray`: a Ray cluster, whose actors keep warm workers.

Addresses of photos travel, and records come back; photos and results never pass through Ray. Everything is done again
that was under way where a process or a machine is lost: what a lost one had finished has a record beside the results.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..core import extras
from ..equipping import Place
from ..errors import Mono3DError
from ..run.plan import PlannedPhoto
from ..run.report import Record
from ..run.stores import store_of
from .books import Books, books
from .hand import Hand
from .work import Work

_PART = 32
"""Most photos of a part: little is lost with an actor, and asking takes milliseconds."""
_SHARES = 4
"""Parts that each actor gets at least, as long as there are photos, so that all end at about the same time."""
_AHEAD = 2
"""Parts that an actor has: one under way and the next."""
_CORES = 4
"""Processors of an actor, each with a worker; fewer where a machine has fewer."""
_WAIT, _LOOK = 1.0, 5.0
"""Seconds between looks at what is done, and between looks at which machines there are."""
_MOST_LOSSES = 10
"""Actors lost in succession, without a finished part, after which the cluster is given up; more on a larger one."""


def run_on_ray(work: Work, place: Place) -> bool:
    """Does the photos that are neither done nor failed on a Ray cluster; returns whether none has failed.

    The cluster is that of RAY_ADDRESS or of `ray start`, else one of this computer alone. Raises Mono3DError without
    the package ray, if a machine lacks packages or weights, or if actors end again and again.
    """
    ray = _ray()
    store_of(work.output).prepare()
    is_own = not ray.is_initialized()
    if is_own:
        _connect(ray)
    try:
        with books(work) as kept:
            _Foreman(ray, work, kept).do_all()
        return kept.display.failed == 0
    finally:
        if is_own:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise extras.needed("Batches on a cluster", error) from error
    return ray


def _connect(ray: Any) -> None:
    quiet = {"log_to_driver": False, "logging_level": "warning"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        ray.init(include_dashboard=False, **quiet)


def _alive(ray: Any) -> list[dict[str, float]]:
    """Returns the resources of each machine that is there."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@dataclass
class _Part:
    """Photos that an actor does together; `losses` counts the actors that were lost with it."""

    photos: list[PlannedPhoto]
    losses: int = 0


@dataclass(eq=False)
class _Actor:
    """An actor, the reference that tells when it is ready (None: it is), and its parts by their references."""

    handle: Any
    starting: Any
    parts: dict[Any, _Part] = field(default_factory=dict)


class _Foreman:
    """Gives parts to actors until all are done."""

    def __init__(self, ray: Any, work: Work, kept: Books) -> None:
        self._ray = ray
        self._work = work
        self._books = kept
        self._photos: Iterator[PlannedPhoto] = iter(kept.photos)
        self._again: deque[_Part] = deque()
        self._actors: list[_Actor] = []
        self._losses = 0
        self._looked = 0.0
        self._left = kept.count
        self._room = 1

    def do_all(self) -> None:
        """Does all photos. Raises Mono3DError if they cannot be done."""
        if (first := next(self._photos, None)) is None:
            # Actors take seconds to start.
            return
        self._photos = itertools.chain([first], self._photos)
        try:
            while True:
                self._hire()
                is_more = self._give()
                waiting = [one.starting for one in self._actors if one.starting is not None]
                waiting += [reference for one in self._actors for reference in one.parts]
                if not is_more and not any(one.parts for one in self._actors):
                    return
                if not waiting:
                    time.sleep(_WAIT)
                    continue
                found, _ = self._ray.wait(waiting, num_returns=1, timeout=_WAIT)
                for reference in found:
                    self._take(reference)
        finally:
            for actor in self._actors:
                self._end(actor)

    def _hire(self) -> None:
        """Makes actors where machines have room for more, also for those that were lost."""
        if time.monotonic() - self._looked < _LOOK and self._actors:
            return
        self._looked = time.monotonic()
        machines = _alive(self._ray)
        wants_card = self._work.plan.settings.device in ("auto", "cuda")
        cards = sum(int(one.get("GPU", 0)) for one in machines) if wants_card else 0
        jobs = self._work.options.jobs
        if cards:
            room, cores, needs = cards, 1, {"num_gpus": 1, "num_cpus": 1}
        else:
            with_cores = [int(one["CPU"]) for one in machines if one.get("CPU", 0) >= 1]
            cores = min(jobs or _CORES, min(with_cores, default=1))
            room, needs = sum(count // cores for count in with_cores), {"num_cpus": cores}
        self._room = room = max(1, min(room, self._books.count))
        work = self._work.with_jobs(jobs or cores)
        for _ in range(room - len(self._actors)):
            # Each worker has a processor of its own.
            handle = self._ray.remote(Hand).options(max_restarts=0, **needs).remote(work, 1)
            self._actors.append(_Actor(handle, handle.ready.remote()))

    def _give(self) -> bool:
        """Gives parts to actors that are ready; returns whether there may be more."""
        for _ in range(_AHEAD):
            for actor in self._actors:
                if actor.starting is None and len(actor.parts) < _AHEAD:
                    part = self._next()
                    if part is None:
                        return False
                    actor.parts[actor.handle.do.remote(part.photos)] = part
        return True

    def _next(self) -> _Part | None:
        if self._again:
            return self._again.popleft()
        size = max(1, min(_PART, -(-self._left // (_SHARES * self._room))))
        photos = list(itertools.islice(self._photos, size))
        self._left -= len(photos)
        return _Part(photos) if photos else None

    def _take(self, reference: Any) -> None:
        """Takes what an actor has done, or notes that it is lost."""
        actor = next((one for one in self._actors if one.starting == reference or reference in one.parts), None)
        if actor is None:
            # It was lost with another part of this round.
            return
        try:
            records: list[Record] | None = self._ray.get(reference)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError) as error:
            # With a machine also records are lost that nobody has taken yet.
            self._lose(actor, error)
            return
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, Mono3DError | OSError):
                raise Mono3DError(f"A machine of the cluster cannot do its part: {cause}") from error
            raise
        if records is None:
            actor.starting = None
            return
        self._losses = 0
        for photo, record in zip(actor.parts.pop(reference).photos, records, strict=True):
            self._note(photo, record)

    def _note(self, photo: PlannedPhoto, record: Record) -> None:
        self._books.note(photo, record)
        self._books.display.finished(photo, record)

    def _lose(self, actor: _Actor, error: Exception) -> None:
        """Lets others do the parts of an actor that is lost; a photo with which too many are lost has failed."""
        self._losses += 1
        if self._losses > _MOST_LOSSES + 2 * len(self._actors):
            raise Mono3DError(
                f"The cluster's processes end again and again ({error}); look at Ray's logs. What is done is kept."
            ) from error
        self._actors.remove(actor)
        self._end(actor)
        self._looked = 0.0
        # The first one was under way; the next one waited.
        for number, part in enumerate(actor.parts.values()):
            part.losses += number == 0
            if part.losses < self._work.options.attempts:
                self._again.append(part)
            elif len(part.photos) > 1:
                self._again.extend(_Part([photo], part.losses - 1) for photo in part.photos)
            else:
                message = f"The process that worked on it ended {part.losses} times."
                self._note(part.photos[0], Record(part.photos[0].address, "failed", message))

    def _end(self, actor: _Actor) -> None:
        self._ray.kill(actor.handle)
