# SPDX-License-Identifier: GPL-3.0-or-later
"""Does photos of a batch with warm workers on this computer; every runner's machines end up here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import models_command
from ..equipping import Place, equipped, jobs_for
from ..errors import Mono3DError
from ..run.loop import Display, Flow, Note, run, worker_name
from ..run.plan import PlannedPhoto
from ..run.recycling import Recycled
from ..run.stored import StoredResults
from ..run.stores import store_of
from ..run.target import Target
from ..version import version
from ..worker.runner import Job, Runner, Runners
from .work import Work

_SPARE = 4
"""Photos that are fetched ahead for each worker, or put in their place behind it."""
_LEAST_SPARE = 8
"""The same at least, for all together: a graphics card may run so many at once."""


def work_on(
    work: Work,
    place: Place,
    photos: Iterable[PlannedPhoto],
    note: Note[PlannedPhoto],
    display: Display[PlannedPhoto],
    count: int = 0,
) -> None:
    """Does the photos as `Crew.do` does; the workers stop at the end, and at once if it is interrupted.

    `count` says about how many photos there are (0: those of the plan). Raises Mono3DError as `Crew` does.
    """
    Crew(work, place, count).do(photos, note, display)


class Crew:
    """Workers on this computer; for one thread.

    With `stays_warm` they stop at `close` only. Raises Mono3DError if this computer lacks packages or weights, or has
    another version or weights than the plan.
    """

    def __init__(self, work: Work, place: Place, count: int = 0, *, stays_warm: bool = False) -> None:
        plan, options = work.plan, work.options
        if plan.version != version():
            raise Mono3DError(
                f"The plan was made by version {plan.version}, and this is {version()}; "
                "make it again with 'batch plan'."
            )
        store = store_of(work.output)
        target = Target(store.folder or place.data_folder, plan.formats)
        _, self._equipment = equipped(plan.settings, options, target, place)
        models_command.ensure_weights(plan.settings, place.data_folder, allow_download=options.download)
        if models_command.weights_digest(plan.settings, place.data_folder) != plan.weights:
            remedy = models_command.remedy(plan.settings, place.data_folder)
            raise Mono3DError(remedy or "The weights are not those of the plan; make it again with 'batch plan'.")
        jobs = jobs_for(plan.settings, options, count or plan.photos, place.data_folder)
        self._plan = plan
        self._local = self._equipment.runners(jobs, is_expendable=True)
        self._kept = _KeptRunners(self._local, options.recycle) if stays_warm else None
        self._results = StoredResults(
            store, plan.settings, plan.weights, plan.formats, plan.compress, retry_failed=options.retry_failed
        )
        # Scenes are written one by one; what waits for that fills the folder for temporary files.
        spare = 0 if "blend" in plan.formats else max(_LEAST_SPARE, _SPARE * jobs)
        self._flow = Flow(jobs, spare, options.attempts, 0 if stays_warm else options.recycle)

    def warm_up(self) -> None:
        """Starts workers that stay warm; they load their libraries in the background."""
        if self._kept is not None:
            for number in range(self._flow.jobs):
                self._kept.for_photos(worker_name(number)).start()

    def do(self, photos: Iterable[PlannedPhoto], note: Note[PlannedPhoto], display: Display[PlannedPhoto]) -> None:
        """Does the photos, which are taken one by one, a few ahead, and calls `note` with the record of each.

        `note` is called in this thread, in order, once the results and their record are in their place; a photo whose
        record was there before counts as done.
        """
        scenes = self._equipment.scenes(self._local, is_likely="blend" in self._plan.formats)
        runners: Runners = self._kept or self._local
        decode = self._equipment.decode
        run(photos, self._plan.settings, self._results, runners, scenes, display, note, self._flow, decode)

    def let_go(self) -> None:
        """Makes the end of a run stop the workers, as without `stays_warm`; it may be called amid a run."""
        if self._kept is not None:
            self._kept.stay = False

    def close(self) -> None:
        """Stops the workers."""
        if self._kept is not None:
            self._kept.close()


class _KeptRunners:
    """Runners that a run cannot stop, so that the next one finds them warm; satisfies `runner.Runners`.

    `stay` is whether that is so.
    """

    def __init__(self, runners: Runners, recycle: int) -> None:
        self.stay = True
        self._runners = runners
        self._recycle = recycle
        self._kept: dict[str, _Kept] = {}

    def for_photos(self, name: str) -> Runner:
        """Returns the runner of that name."""
        if name not in self._kept:
            self._kept[name] = _Kept(self, self._runners.for_photos(name), self._recycle)
        return self._kept[name]

    def for_scenes(self, idle_seconds: float = 0.0) -> Runner:
        """Returns a runner that is stopped as usual."""
        return self._runners.for_scenes(idle_seconds)

    def close(self) -> None:
        """Stops all."""
        for one in self._kept.values():
            one.end()


class _Kept:
    """A runner that only `end` stops. Its process is replaced after so many photos, see `recycling`."""

    def __init__(self, everyone: _KeptRunners, runner: Runner, recycle: int) -> None:
        self._everyone = everyone
        self._runner = runner
        self._recycled = Recycled(runner, recycle)

    @property
    def alive(self) -> bool:
        """Whether it is running."""
        return self._runner.alive

    @property
    def process_id(self) -> int | None:
        """The id of its process."""
        return self._runner.process_id

    @property
    def log(self) -> Path:
        """The file that receives what it prints."""
        return self._runner.log

    def start(self) -> None:
        """Starts it, if it is not running."""
        self._runner.start()

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Starts a request and returns its job."""
        return self._recycled.submit(request)

    def forget(self, key: str) -> None:
        """Drops a photo kept in memory."""
        self._runner.forget(key)

    def stop(self) -> None:
        """Does nothing, as long as all stay."""
        if not self._everyone.stay:
            self.end()

    def end(self) -> None:
        """Stops it."""
        self._runner.stop()
