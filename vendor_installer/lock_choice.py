# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing the lock, and with it the backend, for an interpreter, its graphics card and a wheelhouse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import locks
from .component import Component
from .errors import InstallError
from .graphics import BACKEND_NAMES, Graphics
from .interpreter import Interpreter
from .program import COMMAND
from .wheelhouse import Wheelhouse


def choose_lock(
    component: Component,
    interpreter: Interpreter,
    backend: str | None,
    graphics: Graphics | None,
    excluded: frozenset[str],
    locks_folder: Path | None,
    wheelhouse: Wheelhouse | None,
) -> tuple[locks.Lock, list[str]]:
    """Returns the lock to install and sentences for the user about the choice.

    That is the lock of `backend`, or else of the best backend for the graphics card whose files are all pinned. A
    wheelhouse must have all of its files but those of the packages in `excluded` (normalized names).
    Raises InstallError when there is no such lock.
    """
    default = component.default_backends[interpreter.platform]
    if backend is not None:
        candidates = [load_lock(component, interpreter, backend, locks_folder)]
    else:
        usable = graphics.backends if graphics else ()
        names = dict.fromkeys((*usable, default, component.fallbacks.get(default, default)))
        loaded = [
            locks.load(component.name, interpreter.tag, interpreter.platform, name, locks_folder) for name in names
        ]
        candidates = [lock for lock in loaded if lock] or [load_lock(component, interpreter, default, locks_folder)]
    if wheelhouse is not None:
        lock = _first_in_wheelhouse(component, interpreter, candidates, excluded, wheelhouse)
        return lock, [f"From the folder '{wheelhouse.folder}'; the network is not used."]
    if backend is not None:
        return candidates[0], []
    lock = next(lock for lock in candidates if lock.complete or lock.backend == default or lock is candidates[-1])
    notes = _graphics_notes(graphics, candidates[0], lock) if graphics and graphics.device else []
    return lock, notes


def load_lock(component: Component, interpreter: Interpreter, backend: str, folder: Path | None) -> locks.Lock:
    """Returns the lock of a backend. Raises InstallError that lists what there is instead."""
    lock = locks.load(component.name, interpreter.tag, interpreter.platform, backend, folder)
    if lock is not None:
        return lock
    existing = [name.split("-", 3) for name in locks.available(component.name, folder)]
    backends = sorted(parts[3] for parts in existing if parts[1:3] == [interpreter.tag, interpreter.platform])
    if backends:
        raise InstallError(
            f"There is no backend '{backend}' for {component.name} here: choose one of {', '.join(backends)}."
        )
    tags = sorted({parts[1] for parts in existing if parts[2] == interpreter.platform})
    versions = ", ".join(f"3.{tag[3:]}" for tag in tags) or "none yet"
    raise InstallError(
        f"{component.name} cannot be installed for Python {interpreter.version} on {interpreter.platform}: "
        f"use a Blender or Python with one of these versions: {versions}."
    )


def _graphics_notes(graphics: Graphics, best: locks.Lock, chosen: locks.Lock) -> list[str]:
    """Returns sentences that explain why the best backend for the graphics card was not chosen; none if it was."""
    if graphics.problem:
        return [f"{graphics.device} is not used, because {graphics.problem}."]
    if chosen.backend in graphics.backends:
        if chosen.backend == graphics.backends[0] or best is chosen:
            return []
        return [
            f"The packages for {BACKEND_NAMES[best.backend]} are not pinned by a hash yet, so those for "
            f"{BACKEND_NAMES[chosen.backend]} are installed."
        ]
    if best.backend in graphics.backends:
        unpinned = [item.name for item in best.files if not item.sha256]
        return [
            f"{graphics.device} could be used with {BACKEND_NAMES[best.backend]}, but the hash of "
            f"{', '.join(unpinned)} is not known yet, so the packages for the processor are installed; choose the "
            f"backend '{best.backend}' to trust {'their' if len(unpinned) > 1 else 'its'} publisher's server instead."
        ]
    return [f"{graphics.device} is not used, because there are no packages for it with this Python."]


def _first_in_wheelhouse(
    component: Component,
    interpreter: Interpreter,
    candidates: Sequence[locks.Lock],
    excluded: frozenset[str],
    wheelhouse: Wheelhouse,
) -> locks.Lock:
    """Returns the first lock whose files are all in the wheelhouse. Raises InstallError that names missing files."""
    missing: dict[str, list[str]] = {}
    for lock in candidates:
        files = [item for item in lock.files if locks.normalized_name(item.name) not in excluded]
        missing[lock.name] = [f"{item.name} {item.version}" for item in files if wheelhouse.find(item, lock) is None]
        if not missing[lock.name]:
            return lock
    name, names = min(missing.items(), key=lambda pair: len(pair[1]))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    raise InstallError(
        f"The folder '{wheelhouse.folder}' lacks {shown} for {component.name} ({name}): make it on a machine with a "
        f"network by '{COMMAND} bundle {component.name} --python-tag {interpreter.tag} "
        f"--platform {interpreter.platform}'."
    )
