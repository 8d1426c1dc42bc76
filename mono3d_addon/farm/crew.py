# SPDX-License-Identifier: GPL-3.0-or-later
"""Does photos of a batch with warm workers on this computer; every runner's machines end up here."""

from __future__ import annotations

from collections.abc import Iterable

from .. import models_command
from ..equipping import Place, equipped, jobs_for
from ..errors import Mono3DError
from ..run.loop import Display, Flow, Note, run
from ..run.plan import PlannedPhoto
from ..run.stored import StoredResults
from ..run.stores import store_of
from ..run.target import Target
from ..version import version
from .work import Work

_SPARE = 4
"""Photos that are fetched ahead for each worker, or put in their place behind it."""


def work_on(
    work: Work,
    place: Place,
    photos: Iterable[PlannedPhoto],
    note: Note[PlannedPhoto],
    display: Display[PlannedPhoto],
    count: int = 0,
) -> None:
    """Does the photos, which are taken one by one, a few ahead, and calls `note` with the record of each.

    Workers stay warm until there are no more; `count` says about how many there are (0: those of the plan).
    `note` is called in this thread, in order, once the results and their record are in their place; a photo whose
    record was there before counts as done.

    Raises Mono3DError if this computer lacks packages or weights, or has another version or weights than the plan.
    """
    plan, options = work.plan, work.options
    if plan.version != version():
        raise Mono3DError(
            f"The plan was made by version {plan.version}, and this is {version()}; make it again with 'batch plan'."
        )
    store = store_of(work.output)
    target = Target(store.folder or place.data_folder, plan.formats)
    _, equipment = equipped(plan.settings, options, target, place)
    models_command.ensure_weights(plan.settings, place.data_folder, allow_download=options.download)
    if models_command.weights_digest(plan.settings, place.data_folder) != plan.weights:
        remedy = models_command.remedy(plan.settings, place.data_folder)
        raise Mono3DError(remedy or "The weights are not those of the plan; make it again with 'batch plan'.")
    jobs = jobs_for(plan.settings, options, count or plan.photos, place.data_folder)
    runners = equipment.runners(jobs, is_expendable=True)
    results = StoredResults(
        store, plan.settings, plan.weights, plan.formats, plan.compress, retry_failed=options.retry_failed
    )
    flow = Flow(jobs, _SPARE * jobs, options.attempts, options.recycle)
    scenes = equipment.scenes(runners, is_likely="blend" in plan.formats)
    run(photos, plan.settings, results, runners, scenes, display, note, flow, equipment.decode)
