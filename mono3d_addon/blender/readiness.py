# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which packages and models are there and keeps it in the state, for panels to show."""

import threading

import bpy

from ..depth.catalogue import MODELS, Model
from ..errors import Mono3DError
from . import interface, preference_values, state
from .photos import description


def refresh() -> None:
    """Finds out which packages and models are installed and keeps it for the panels; reads a few small files.

    If packages are missing, the installation is planned in a thread, because that queries the graphics driver.
    """
    from .. import environment
    from .installing.installation import COMPONENTS, Planning, Wish

    current = state.current
    folder = preference_values.data_folder()
    if folder != current.data_folder:
        current.forget_worker()
        current.data_folder = folder
    try:
        found = environment.installed(COMPONENTS, folder)
        backend, wheelhouse = preference_values.backend(), preference_values.wheelhouse()
        current.installed = tuple(line for item in found for line in item.summary().splitlines())
        current.update = any(environment.outdated(item) or item.backend != (backend or item.backend) for item in found)
        current.planning, current.setup = None, ()
        if len(found) < len(COMPONENTS):
            planning = current.planning = Planning(Wish(folder, backend, wheelhouse))
            current.setup = state.wrapped("Finding out which ones this machine needs.")
            planning.start()
            if bpy.app.background:
                planning.wait()  # timers do not run there, and no window is blocked
            if poll_plan() is not None and not bpy.app.timers.is_registered(poll_plan):
                bpy.app.timers.register(poll_plan, first_interval=interface.INTERVAL, persistent=True)
    except Mono3DError as error:
        current.setup = state.wrapped(str(error))
    refresh_models()
    current.checked = True
    if not current.setup:
        # A photo chosen before the packages were installed has no description yet.
        description.refresh_soon()


def refresh_models() -> None:
    """Finds out which models have their weights and keeps it for the panels; reads the sizes of a few files."""
    current = state.current
    current.models = {model.name: _line(model) for model in MODELS.values()}


def _line(model: Model) -> state.ModelLine:
    from ..depth import weights

    found = weights.status(model, state.current.data_folder)
    text = f"{found.state.capitalize()}, {model.file_bytes / 1e6:,.0f} MB, {model.licence}"
    if found.state == "to download":
        return state.ModelLine(text, "Continue the download" if found.arrived else "Download")
    if found.state == "damaged" and not model.bundled:
        return state.ModelLine(text, "Download again")
    return state.ModelLine(text)


def poll_plan() -> float | None:
    """Shows the plan once it is made. A timer: returns the seconds until its next call, None once it is done."""
    current = state.current
    planning = current.planning
    if planning is None:
        return None
    if planning.running:
        return interface.INTERVAL
    current.planning = None
    current.setup = state.wrapped(planning.error or "\n".join(plan.summary() for plan in planning.plans))
    interface.redraw()
    return None


def tidy() -> None:
    """Removes, in a thread, packages that were still in use when they were replaced or uninstalled."""
    from .. import environment

    threading.Thread(target=environment.tidy, args=(state.current.data_folder,), daemon=True).start()
