# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation would do, before it does anything: packages, bytes, place, or why it cannot work."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import graphics, locks, manifest, pip
from .components import COMPONENTS, INDEXES, LINUX, Component
from .errors import InstallError
from .folders import Folders, existing_parent, remove_tree, size_text
from .graphics import NAMES, Graphics
from .interpreter import Interpreter, foreign, probe
from .private_pip import with_good_pip
from .wheelhouse import Wheelhouse

_REACH_SECONDS = 4
_SPARE_BYTES = 100_000_000


@dataclass(frozen=True)
class PlannedPackage:
    """One package of a plan. `source` says in words where it comes from, `extra_index` is an address beside pip's own.

    `wheel` is its file in a wheelhouse, `wheel_sha256` what the wheelhouse's list says of it.
    """

    locked: locks.LockedFile
    source: str
    extra_index: str = ""
    downloaded: bool = False
    wheel: Path | None = None
    wheel_sha256: str | None = None

    @property
    def name(self) -> str:
        """Name of the package."""
        return self.locked.name

    @property
    def version(self) -> str:
        """Its exact version."""
        return self.locked.version

    @property
    def hashed(self) -> bool:
        """Whether the file is pinned by its hash."""
        return self.locked.sha256 is not None


@dataclass(frozen=True)
class Request:
    """What `plan` was asked, so that it can be asked again."""

    component: str
    data_folder: Path
    backend: str | None
    python: str
    system: tuple[str, ...]
    locks_folder: Path | None
    wheelhouse: Path | None
    target: tuple[str, str] | None


@dataclass(frozen=True)
class Plan:
    """What will be installed and where; made by `plan`, carried out by `install`.

    `download_bytes` counts what is still to be fetched, `stored_bytes` what will lie on disk afterwards. `notes`
    are sentences for the user. `checked` tells whether the network was asked which sources can be reached, or need
    not be. `found` tells the graphics card; None where it was not looked for.
    """

    request: Request
    component: Component
    interpreter: Interpreter
    backend: str
    lock: locks.Lock
    packages: tuple[PlannedPackage, ...]
    system: tuple[tuple[str, str], ...]
    data_folder: Path
    target: Path
    download_bytes: int
    stored_bytes: int
    notes: tuple[str, ...]
    checked: bool
    installed: manifest.Installed | None
    found: Graphics | None = None

    @property
    def python(self) -> str:
        """The interpreter's path."""
        return self.interpreter.executable

    @property
    def digest(self) -> str:
        """SHA-256 that names what the plan installs: the lock and the packages left to the system."""
        return _digest(self.lock, [name for name, _ in self.system])

    @property
    def done(self) -> bool:
        """Whether exactly this is installed already."""
        return self.installed is not None and self.installed.lock_digest == self.digest

    def summary(self) -> str:
        """Returns the plan for people, a few lines of text: what, how much, where."""
        biggest = sorted(self.packages, key=lambda item: -item.locked.stored)
        lines = [
            f"{self.component.name}: {self.component.purpose}",
            f"  {len(self.packages)} packages for Python {self.interpreter.version} "
            f"({self.lock.platform}, {NAMES.get(self.backend, self.backend)}): "
            + ", ".join(f"{item.name} {item.version}" for item in biggest[:5])
            + (f" and {len(self.packages) - 5} smaller ones" if len(self.packages) > 5 else ""),
            *([f"  Found: {self.found.text}"] if self.found else []),
            f"  download {size_text(self.download_bytes)}, on disk {size_text(self.stored_bytes)}, in {self.target}",
        ]
        if self.done:
            lines.append("  Already installed.")
        if self.system:
            lines.append(
                "  From this Python itself: " + ", ".join(f"{name} {version}" for name, version in self.system)
            )
        unhashed = [item.name for item in self.packages if not item.hashed]
        if unhashed:
            lines.append(f"  Not pinned by a hash, which is not known yet: {', '.join(unhashed)}.")
        return "\n".join((*lines, *(f"  {note}" for note in self.notes)))


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

    Without `backend`, a choice for components that use a graphics card, the one for the card found is taken, if all of
    its files are pinned, else the processor's; the notes say which other one there is. `system` names packages that
    the interpreter itself must offer, and that are left out. With `allow_network` the sources are tried for a few
    seconds, and a declared fallback is taken, and named, where one is out of reach. `wheelhouse` is a folder that has
    all files, so that no network is used. `target` (Python tag, platform) plans for another machine than this one,
    for `bundle`.
    Raises InstallError with the reason where the installation cannot work.
    """
    chosen = COMPONENTS.get(component)
    if chosen is None:
        raise InstallError(f"There is no component '{component}': choose one of {', '.join(COMPONENTS)}.")
    data_folder = data_folder.expanduser().absolute()
    interpreter = foreign(probe(python), *target, chosen.minimum_glibc) if target else probe(python, tuple(system))
    _check_platform(chosen, interpreter)
    if not chosen.graphics:
        backend = None  # there is one kind of package a system
    left_out = _from_system(interpreter, system)
    notes: list[str] = []
    found = None if backend or target else _look_for_graphics(chosen, interpreter, left_out)
    offered = Wheelhouse(wheelhouse.expanduser().absolute()) if wheelhouse else None
    lock = _choose(chosen, interpreter, backend, found, left_out, locks_folder, offered, notes)
    extra_index: dict[str, str] = {}
    if allow_network and offered is None:
        interpreter = with_good_pip(interpreter, data_folder)
        lock, extra_index = _reachable(chosen, interpreter, lock, left_out, data_folder, backend, locks_folder, notes)
    wanted = [item for item in lock.files if plain(item.name) not in left_out]
    packages = tuple(_planned(item, lock, Folders(data_folder), extra_index, offered) for item in wanted)
    folder = Folders(data_folder).environment(lock.name)
    made = Plan(
        request=Request(component, data_folder, backend, python, tuple(system), locks_folder, wheelhouse, target),
        component=chosen,
        interpreter=interpreter,
        backend=lock.backend,
        lock=lock,
        packages=packages,
        system=tuple(sorted((name, interpreter.versions[name]) for name in system)),
        data_folder=data_folder,
        target=folder,
        download_bytes=sum(item.locked.bytes for item in packages if not item.downloaded),
        stored_bytes=sum(item.locked.stored for item in packages),
        notes=tuple(notes),
        checked=allow_network or offered is not None,
        installed=manifest.read(folder),
        found=found,
    )
    if not made.done:
        _check_disk(made)
    return made


def _digest(lock: locks.Lock, system: Sequence[str]) -> str:
    return hashlib.sha256("\n".join((lock.digest, *sorted(system))).encode()).hexdigest()


def outdated(installed: manifest.Installed) -> bool:
    """Returns whether this version of the program would install other files than those that are installed."""
    lock = locks.load(installed.component, installed.python_tag, installed.platform, installed.backend)
    return lock is not None and _digest(lock, list(installed.system)) != installed.lock_digest


def checked(made: Plan) -> Plan:
    """Returns the plan made anew with the network asked. Raises InstallError like `plan`."""
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


def plain(name: str) -> str:
    """Returns a package's name in its normal form: lower case, '-' between words."""
    return name.lower().replace("_", "-").replace(".", "-")


def _check_platform(component: Component, interpreter: Interpreter) -> None:
    if not interpreter.platform or interpreter.platform not in component.backends:
        reason = _MACHINES.get(interpreter.machine.rpartition(" ")[0], "")
        raise InstallError(
            f"There are no packages for this machine ({interpreter.machine}){reason}: 64-bit Linux with glibc, Windows "
            "on x86-64 or a Mac with Apple silicon, each with 64-bit CPython, is needed."
        )
    if interpreter.platform == LINUX and interpreter.glibc < component.minimum_glibc:
        have, need = (".".join(map(str, version)) for version in (interpreter.glibc, component.minimum_glibc))
        raise InstallError(
            f"The system's C library is glibc {have}, but {component.name} needs {need} or newer: use a newer Linux."
        )


_MACHINES = {
    "Darwin x86_64": ", because PyTorch and Open3D are no longer made for Intel Macs; on Apple silicon this is the "
    "wrong build of Blender or Python",
    "Windows arm64": ", because Open3D is not made for Windows on ARM; Blender's and Python's builds for x86-64 work",
    "Linux aarch64": ", because Open3D is not made for Linux on ARM",
}


def _look_for_graphics(component: Component, interpreter: Interpreter, left_out: frozenset[str]) -> Graphics | None:
    """Returns what was found; None where it makes no difference, also because torch comes from the system."""
    if "torch" in left_out or not (component.graphics or component.backends[interpreter.platform] == "mps"):
        return None
    return graphics.detect(interpreter.platform)


def _choose(
    component: Component,
    interpreter: Interpreter,
    backend: str | None,
    found: Graphics | None,
    left_out: frozenset[str],
    folder: Path | None,
    offered: Wheelhouse | None,
    notes: list[str],
) -> locks.Lock:
    """Returns the lock of the asked-for backend or of the best one that is pinned, and in the wheelhouse if any."""
    usual = component.backends[interpreter.platform]
    if backend is not None:
        wanted = [_lock(component, interpreter, backend, folder)]
    else:
        names = dict.fromkeys((*(found.backends if found else ()), usual, component.fallbacks.get(usual, usual)))
        loaded = [locks.load(component.name, interpreter.tag, interpreter.platform, name, folder) for name in names]
        wanted = [lock for lock in loaded if lock] or [_lock(component, interpreter, usual, folder)]
    if offered is not None:
        return _offered(component, interpreter, wanted, left_out, offered, notes)
    if backend is not None:
        return wanted[0]
    lock = next(lock for lock in wanted if lock.complete or lock.backend == usual or lock is wanted[-1])
    if found and found.device:
        notes += _about_graphics(found, wanted[0], lock)
    return lock


def _about_graphics(found: Graphics, best: locks.Lock, taken: locks.Lock) -> list[str]:
    if found.problem:
        return [f"{found.device} is not used, because {found.problem}."]
    if taken.backend in found.backends:
        if taken.backend == found.backends[0] or best is taken:
            return []
        taken_name = NAMES[taken.backend]
        return [
            f"The packages for {NAMES[best.backend]} are not pinned by a hash yet, so those for {taken_name} are taken."
        ]
    if best.backend in found.backends:
        return [
            f"{found.device} could be used with {NAMES[best.backend]}, but the hash of {_unpinned(best)} is not known "
            f"yet, so the packages for the processor are taken; choose the backend '{best.backend}' to trust "
            f"{'their' if ',' in _unpinned(best) else 'its'} publisher's server instead."
        ]
    return [f"{found.device} is not used, because there are no packages for it with this Python."]


def _unpinned(lock: locks.Lock) -> str:
    return ", ".join(item.name for item in lock.files if not item.sha256)


def _offered(
    component: Component,
    interpreter: Interpreter,
    wanted: Sequence[locks.Lock],
    left_out: frozenset[str],
    offered: Wheelhouse,
    notes: list[str],
) -> locks.Lock:
    """Returns the first of the locks that the wheelhouse has all files of."""
    lacking: dict[str, list[str]] = {}
    for lock in wanted:
        files = [item for item in lock.files if plain(item.name) not in left_out]
        lacking[lock.name] = [f"{item.name} {item.version}" for item in files if offered.find(item, lock) is None]
        if not lacking[lock.name]:
            notes.append(f"From the folder '{offered.folder}'; the network is not used.")
            return lock
    name, names = min(lacking.items(), key=lambda pair: len(pair[1]))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    raise InstallError(
        f"The folder '{offered.folder}' lacks {shown} for {component.name} ({name}): make it on a machine with a "
        f"network by 'python -m vendor_installer bundle {component.name} --python-tag {interpreter.tag} "
        f"--platform {interpreter.platform}'."
    )


def _lock(component: Component, interpreter: Interpreter, backend: str, folder: Path | None) -> locks.Lock:
    lock = locks.load(component.name, interpreter.tag, interpreter.platform, backend, folder)
    if lock is not None:
        return lock
    here = [name.split("-", 3) for name in locks.available(component.name, folder)]
    backends = sorted(parts[3] for parts in here if parts[1:3] == [interpreter.tag, interpreter.platform])
    if backends:
        raise InstallError(
            f"There is no backend '{backend}' for {component.name} here: choose one of {', '.join(backends)}."
        )
    tags = sorted({parts[1] for parts in here if parts[2] == interpreter.platform})
    words = ", ".join(f"3.{tag[3:]}" for tag in tags) or "none yet"
    raise InstallError(
        f"{component.name} cannot be installed for Python {interpreter.version} on {interpreter.platform}: "
        f"use a Blender or Python with one of these versions: {words}."
    )


def _from_system(interpreter: Interpreter, system: Sequence[str]) -> frozenset[str]:
    missing = [name for name in system if name not in interpreter.versions]
    if missing:
        raise InstallError(
            f"This Python does not offer {', '.join(missing)} itself: install them with the system's package "
            "manager, or leave them to this installer."
        )
    return frozenset(plain(name) for name in system)


def _reachable(
    component: Component,
    interpreter: Interpreter,
    lock: locks.Lock,
    left_out: frozenset[str],
    data_folder: Path,
    backend: str | None,
    locks_folder: Path | None,
    notes: list[str],
) -> tuple[locks.Lock, dict[str, str]]:
    """Returns the lock to take and, for each package of an extra index, the address to give to pip ('' for none)."""
    folders = Folders(data_folder)
    special = [
        item
        for item in lock.files
        if item.index and plain(item.name) not in left_out and not _is_downloaded(item, folders)
    ]
    if not special or manifest.read(folders.environment(lock.name)) is not None:
        return lock, {item.name: INDEXES[item.index] for item in special}
    fallback = component.fallbacks.get(lock.backend) if backend is None else None
    other = (
        locks.load(component.name, interpreter.tag, interpreter.platform, fallback, locks_folder) if fallback else None
    )
    if other is not None and manifest.read(folders.environment(other.name)) is not None:
        return other, {}
    sources = {item.name: _source(interpreter, item, folders) for item in special}
    lost = [item for item in special if sources[item.name] is None]
    if not lost:
        return lock, {name: address or "" for name, address in sources.items()}
    names = ", ".join(f"{item.name} {item.version}" for item in lost)
    if other is None:
        raise InstallError(
            f"{names} cannot be fetched, because its package index '{lost[0].index}' does not answer: try again later, "
            "or name a mirror in pip's configuration."
        )
    more = sum(item.bytes for item in other.files) - sum(item.bytes for item in lock.files)
    notes.append(
        f"The index '{lost[0].index}' with {names} cannot be reached from here, so the standard index's "
        "build is taken, which works the same but carries libraries for graphics cards: "
        f"{size_text(max(more, 0))} more to download."
    )
    return other, {}


def _source(interpreter: Interpreter, item: locks.LockedFile, folders: Folders) -> str | None:
    """Returns which extra index offers a file: '' when the user's own pip settings do, None when nobody does."""

    def offers(arguments: Sequence[str]) -> bool:
        command = [
            *pip.pip_command(interpreter),
            "index",
            "versions",
            item.name,
            "--only-binary",
            ":all:",
            "--no-cache-dir",
        ]
        command += [
            "--disable-pip-version-check",
            "--no-input",
            "--retries",
            "0",
            "--timeout",
            str(_REACH_SECONDS),
            *interpreter.pip_target(),
            *arguments,
        ]
        try:
            done = pip.run(
                command, log=folders.log, temporary=temporary, cancelled=lambda: False, seconds=3 * _REACH_SECONDS
            )
        except InstallError:
            return False
        return (
            done.code == 0 and item.version in done.output.replace(",", " ").replace("(", " ").replace(")", " ").split()
        )

    temporary = folders.temporary / secrets.token_hex(4)
    temporary.mkdir(parents=True, exist_ok=True)
    try:
        address = INDEXES[item.index]
        with ThreadPoolExecutor(2) as pool:
            own = pool.submit(offers, ())
            public = pool.submit(offers, ("--index-url", address))
            return "" if own.result() else address if public.result() else None
    finally:
        remove_tree(temporary)


def _is_downloaded(item: locks.LockedFile, folders: Folders) -> bool:
    try:
        return bool(item.file) and (folders.downloads / item.file).stat().st_size == item.bytes
    except OSError:
        return False


def _planned(
    item: locks.LockedFile,
    lock: locks.Lock,
    folders: Folders,
    extra_index: dict[str, str],
    offered: Wheelhouse | None,
) -> PlannedPackage:
    if offered is not None:
        wheel = offered.find(item, lock)
        assert wheel is not None
        return PlannedPackage(item, "wheelhouse", "", True, wheel, offered.sha256(wheel))
    address = extra_index.get(item.name, INDEXES[item.index] if item.index else "")
    if _is_downloaded(item, folders):
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
            f"There is too little space for {made.component.name} in '{made.data_folder}': {size_text(needed)} are "
            f"needed for a while and {size_text(free)} are free; free some or choose another data folder."
        )
