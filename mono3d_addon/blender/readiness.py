# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which packages and models are there and keeps it in the state, for panels to show."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..depth.catalogue import MODELS
from ..errors import Mono3DError
from ..settings import Settings
from . import interface, preference_values, properties, state, temporary
from .photos import description
from .texts import filled, listed, n_, text

if TYPE_CHECKING:
    from ..depth.choosing import Row

_BESIDE_ICON = 30
"""Characters per line of the sidebar beside icons."""

_STATES = {
    "bundled": n_("Bundled"),
    "ready": n_("Ready"),
    "to download": n_("To download"),
    "damaged": n_("Damaged"),
}
"""State of a model's weights -> words."""

ADDS = n_("More models, Poisson surfaces, HEIC photos")
"""What packages add, in the words of the panels."""


def refresh() -> None:
    """Finds out which packages and models are installed and keeps it for the panels; reads a few small files.

    If packages are missing, the installation is planned in a thread, because that queries the graphics driver.
    """
    from .. import edition, environment

    current = state.current
    folder = preference_values.data_folder()
    if folder != current.data_folder:
        current.forget_runners()
        current.data_folder = folder
    backend, wheelhouse = preference_values.backend(), preference_values.wheelhouse()
    try:
        found = environment.installed((environment.WORKER,), folder)
        is_complete = bool(environment.worker_packages(folder))
        current.update = any(environment.outdated(item) or item.backend != (backend or item.backend) for item in found)
    except Mono3DError as error:
        found, is_complete, current.update = (), False, False
        current.say(str(error), failed=True)
    current.installed = tuple(line for item in found for line in item.summary().splitlines())
    if is_complete or not edition.can_install():
        current.planning = current.planned = current.offer = None
    else:
        _plan(folder, backend, wheelhouse)
    _note_what_is_lacking(is_complete=is_complete)
    current.checked = True
    description.refresh_soon()


def _plan(folder: Path, backend: str | None, wheelhouse: Path | None) -> None:
    """Plans the installation in a thread, unless that has been done."""
    from .installing.installation import Planning, Wish

    current = state.current
    wish = Wish(folder, backend, wheelhouse)
    if current.planned == wish:
        return
    current.planned, current.offer = wish, state.Offer()
    planning = current.planning = Planning(wish)
    planning.start()
    if bpy.app.background:
        planning.wait()  # timers do not run there, and no window is blocked
    if poll_plan() is not None and not bpy.app.timers.is_registered(poll_plan):
        bpy.app.timers.register(poll_plan, first_interval=interface.INTERVAL, persistent=True)


def _note_what_is_lacking(*, is_complete: bool) -> None:
    current = state.current
    if is_complete:
        current.lacking = ""
    elif current.offer is None:
        current.lacking = text("Needs the full edition")
    elif current.offer.problem:
        current.lacking = text("Not available on this computer")
    elif current.offer.size:
        current.lacking = text("Needs Install, {size}", size=current.offer.size)
    else:
        current.lacking = text("Needs Install")
    refresh_models()


def refresh_models() -> None:
    """Finds out which models have their weights and keeps it for the panels; reads the sizes of a few files."""
    from ..depth import choosing

    current = state.current
    rows = choosing.here_first(choosing.table(current.data_folder, MODELS, is_bare=current.is_bare))
    current.models = {row.model.name: _line(row) for row in rows}


def _line(row: Row) -> state.ModelLine:
    from ..depth import choosing, licence

    model, size, found, speed = row.model, choosing.megabytes(row.model), row.status, filled(row.speed)
    gives, accuracy = listed(model.gives_words), listed(model.accuracy.words.split(", ") if model.accuracy else ())
    terms = listed(dict.fromkeys((model.licence, licence.use(model))))
    words = f"{text(_STATES[found.state])}, {size}"
    columns = (words, speed, gives, accuracy, terms)
    if state.current.is_bare and model.name not in properties.FIELDS["model"].choice.bare:
        needs = (state.current.lacking, f"+ {size}, {speed}")
        left = 0 if row.is_here else model.file_bytes - found.arrived
        return state.ModelLine((*needs, *_narrow(terms)), columns, get=_get(left), is_ready=False)
    if row.is_here:
        return state.ModelLine((f"{words}, {speed}",), columns)
    lines = (f"{words}, {speed}", *_narrow(terms))
    if found.state == "to download":
        action = text("Continue the download") if found.arrived else text("Download")
        return state.ModelLine(lines, columns, action, _get(model.file_bytes - found.arrived), is_ready=False)
    if model.bundled:
        return state.ModelLine(lines, columns)
    action = text("Download again")
    return state.ModelLine(lines, columns, action, _get(model.file_bytes), is_ready=False, is_damaged=True)


def _narrow(words: str) -> list[str]:
    """Returns words in lines that fit beside an icon."""
    return textwrap.wrap(words, _BESIDE_ICON, break_on_hyphens=False)


def _get(left: int) -> str:
    """Returns the label of the button that gets the packages, and `left` bytes of weights, and generates."""
    from .. import edition

    offer = state.current.offer
    if not edition.can_install() or (offer is not None and offer.problem):
        return ""
    total = left + (offer.bytes if offer is not None else 0)
    if offer is not None and not offer.bytes:
        return text("Install and generate")
    return text("Download {size} and generate", size=f"{total / 1e6:,.0f} MB")


def offer_next_step(model: str) -> None:
    """Offers a better model, once on this computer, if the first result was made with `model` and none is there."""
    from .. import edition
    from ..depth import choosing

    current = state.current
    if not edition.can_install() or (current.offer is not None and current.offer.problem):
        return
    row = choosing.next_step(choosing.table(current.data_folder, MODELS, is_bare=current.is_bare), model)
    if row is not None and choosing.is_first_offer(current.data_folder):
        cost = choosing.cost(row, current.offer.bytes if current.offer is not None else 0)
        offer = text(
            "{model} brings {gain}: {terms}.",
            model=filled(row.model.label),
            gain=filled(choosing.BRINGS[row.model.grade]),
            terms=listed(row.facts(cost)),
        )
        current.next_step = state.NextStep(state.wrapped(offer), row.model.name)


def lack(settings: Settings) -> str:
    """Returns, where packages are not installed, a sentence on what needs them in `settings`; else an empty text."""
    from .. import edition, environment

    if not state.current.is_bare:
        return ""
    offer = state.current.offer
    remedy = edition.remedy("click Install in the sidebar")
    return environment.beyond_bare(settings, remedy, offer.size if offer else "")


def poll_plan() -> float | None:
    """Shows the plan once it is made. A timer: returns the seconds until its next call, None once it is done."""
    current = state.current
    planning = current.planning
    if planning is None:
        return None
    if planning.running:
        return interface.INTERVAL
    current.planning = None
    if planning.error:
        current.offer = state.Offer(plan=(planning.error,), problem=True)
    else:
        current.offer = state.Offer(
            _size(planning.plans),
            tuple(line for plan in planning.plans for line in plan.summary().splitlines()),
            bytes=sum(plan.download_bytes for plan in planning.plans),
        )
    _note_what_is_lacking(is_complete=False)
    interface.redraw()
    return None


def _size(plans: Sequence[Any]) -> str:
    """Returns the size of the download in words, or that on disk where nothing is to be downloaded."""
    count = sum(one.download_bytes for one in plans) or sum(one.stored_bytes for one in plans)
    return f"{count / 1e6:,.0f} MB"


def tidy() -> None:
    """Removes, in a thread, what killed Blenders have left, and packages that were in use when they were replaced."""
    threading.Thread(target=_tidy, args=(state.current.data_folder,), daemon=True).start()


def _tidy(data_folder: Path) -> None:
    from .. import environment

    temporary.remove_abandoned()
    environment.tidy(data_folder)
