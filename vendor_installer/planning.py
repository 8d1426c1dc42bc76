# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the plan of an installation before anything is changed, or explaining why it cannot work."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import graphics, locks, manifest
from .component import Component
from .components import COMPONENTS
from .errors import InstallError
from .folders import Folders, existing_parent, size_text
from .graphics import Graphics
from .indexes import INDEXES
from .interpreter import Interpreter, foreign, probe
from .lock_choice import choose_lock
from .locks import normalized_name
from .plans import Plan, PlannedPackage, Request, digest_of
from .platforms import LINUX
from .private_pip import with_resuming_pip
from .sources import check_indexes, is_downloaded
from .wheelhouse import Wheelhouse

_SPARE_BYTES = 100_000_000


def plan(
    component: str,
    data_folder: Path,
    *,
    backend: str | None = None,
    python: str = sys.executable,
    system: Sequence[str] = (),
    allow_network: bool = False,
    locks_folder: Path | None = None,
    wheelhouse: Path | None = None,
    target: tuple[str, str] | None = None,
) -> Plan:
    """Returns what has to be done to install a component for the interpreter `python` (0.2 s without network).

    backend         build of torch; None chooses the one for the graphics card if all of its files are pinned by a
                    hash, else the processor's; the plan's notes name the alternative
    system          packages that the interpreter must provide itself; they are not installed
    allow_network   query the package indexes for a few seconds; a declared fallback replaces one that does not answer
    wheelhouse      folder that has all files, so that the network is not used
    target          (Python tag, platform) of another machine, for `bundle`

    Raises InstallError with the reason if the installation cannot work.
    """
    chosen = COMPONENTS.get(component)
    if chosen is None:
        raise InstallError(f"There is no component '{component}': choose one of {', '.join(COMPONENTS)}.")
    data_folder = data_folder.expanduser().absolute()
    folders = Folders(data_folder)
    interpreter = foreign(probe(python), *target, chosen.minimum_glibc) if target else probe(python, tuple(system))
    _check_platform(chosen, interpreter)
    if not chosen.graphics_backends:
        backend = None  # there is only one backend per platform
    excluded = _provided_by_system(interpreter, system)
    found = None if backend or target else _detect_graphics(chosen, interpreter, excluded)
    house = Wheelhouse(wheelhouse.expanduser().absolute()) if wheelhouse else None
    lock, notes = choose_lock(chosen, interpreter, backend, found, excluded, locks_folder, house)
    extra_indexes: dict[str, str] = {}
    if allow_network and house is None:
        interpreter = with_resuming_pip(interpreter, data_folder)
        fallback = chosen.fallbacks.get(lock.backend) if backend is None else None
        lock, extra_indexes, more = check_indexes(chosen, interpreter, lock, fallback, excluded, folders, locks_folder)
        notes += more
    files = [item for item in lock.files if normalized_name(item.name) not in excluded]
    packages = tuple(_planned(item, lock, folders, extra_indexes, house) for item in files)
    environment = folders.environment(lock.name)
    made = Plan(
        request=Request(component, data_folder, backend, python, tuple(system), locks_folder, wheelhouse, target),
        component=chosen,
        interpreter=interpreter,
        backend=lock.backend,
        lock=lock,
        packages=packages,
        system=tuple(sorted((name, interpreter.versions[name]) for name in system)),
        data_folder=data_folder,
        target=environment,
        download_bytes=sum(item.locked.bytes for item in packages if not item.downloaded),
        stored_bytes=sum(item.locked.stored for item in packages),
        notes=tuple(notes),
        sources_checked=allow_network or house is not None,
        installed=manifest.read(environment),
        graphics=found,
    )
    if not made.done:
        _check_disk(made)
    return made


def plan_with_network(made: Plan) -> Plan:
    """Returns the same plan made again with the package indexes queried. Raises InstallError like `plan`."""
    asked = made.request
    return plan(
        asked.component,
        asked.data_folder,
        backend=asked.backend,
        python=asked.python,
        system=asked.system,
        allow_network=True,
        locks_folder=asked.locks_folder,
        wheelhouse=asked.wheelhouse,
        target=asked.target,
    )


def outdated(installed: manifest.Installed) -> bool:
    """Returns whether this version of the program would install other files than those that are installed."""
    lock = locks.load(installed.component, installed.python_tag, installed.platform, installed.backend)
    return lock is not None and digest_of(lock, installed.system) != installed.lock_digest


def _check_platform(component: Component, interpreter: Interpreter) -> None:
    if not interpreter.platform or interpreter.platform not in component.default_backends:
        reason = _UNSUPPORTED.get(interpreter.machine.rpartition(" ")[0], "")
        raise InstallError(
            f"There are no packages for this machine ({interpreter.machine}){reason}: 64-bit Linux with glibc, Windows "
            "on x86-64 or a Mac with Apple silicon, each with 64-bit CPython, is needed."
        )
    if interpreter.platform == LINUX and interpreter.glibc < component.minimum_glibc:
        have, need = (".".join(map(str, version)) for version in (interpreter.glibc, component.minimum_glibc))
        raise InstallError(
            f"The system's C library is glibc {have}, but {component.name} needs {need} or newer: use a newer Linux."
        )


_UNSUPPORTED: Mapping[str, str] = {
    "Darwin x86_64": ", because PyTorch and Open3D no longer support Intel Macs; on Apple silicon this is the wrong "
    "build of Blender or Python",
    "Windows arm64": ", because Open3D does not support Windows on ARM; the x86-64 builds of Blender and Python work",
    "Linux aarch64": ", because Open3D does not support Linux on ARM",
}


def _detect_graphics(component: Component, interpreter: Interpreter, excluded: frozenset[str]) -> Graphics | None:
    """Returns the graphics card; None if it makes no difference, as when the interpreter provides torch itself."""
    default = component.default_backends[interpreter.platform]
    if "torch" in excluded or not (component.graphics_backends or default == "mps"):
        return None
    return graphics.detect(interpreter.platform)


def _provided_by_system(interpreter: Interpreter, system: Sequence[str]) -> frozenset[str]:
    """Returns the normalized names of the packages in `system`. Raises InstallError if one is not there."""
    missing = [name for name in system if name not in interpreter.versions]
    if missing:
        raise InstallError(
            f"This Python does not provide {', '.join(missing)} itself: install it with the system's package manager, "
            "or let this installer install it."
        )
    return frozenset(normalized_name(name) for name in system)


def _planned(
    item: locks.LockedFile,
    lock: locks.Lock,
    folders: Folders,
    extra_indexes: Mapping[str, str],
    wheelhouse: Wheelhouse | None,
) -> PlannedPackage:
    if wheelhouse is not None:
        wheel = wheelhouse.find(item, lock)
        assert wheel is not None
        return PlannedPackage(item, "wheelhouse", "", True, wheel, wheelhouse.sha256(wheel))
    address = extra_indexes.get(item.name, INDEXES[item.index] if item.index else "")
    if is_downloaded(item, folders):
        return PlannedPackage(item, "already downloaded", "", True)
    return PlannedPackage(item, f"index '{item.index}'" if address else "pip's configured index", address)


def _check_disk(made: Plan) -> None:
    parent = existing_parent(made.data_folder)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InstallError(
            f"The data folder '{made.data_folder}' cannot be written to: choose another one, or change its permissions."
        )
    needed = made.download_bytes + made.stored_bytes + _SPARE_BYTES
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise InstallError(
            f"There is too little space for {made.component.name} in '{made.data_folder}': the installation needs "
            f"{size_text(needed)} and {size_text(free)} are free; free some space or choose another data folder."
        )
