# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifying and removing installed packages.

A packages folder that no manifest names is to be removed. If it is still in use, every installation and every start
of the program (`tidy`) tries again; nothing else has to be recorded.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import manifest
from .components import COMPONENTS
from .errors import InstallError, from_os_error
from .folders import Folders, file_sizes, remove_tree
from .install_lock import Busy, exclusive
from .interpreter import probe
from .manifest import Installed
from .smoke import run_smoke_test
from .use import PACKAGES, REMOVED, rename, rename_unused

STAGING = ".staging-"
"""Prefix of the folders into which an installation unpacks."""

_ENVIRONMENT_NAME = re.compile(r"\w+-cp3\d+-\w+-[\w.-]+")
"""Names of environments. Other folders beside them belong to the user."""


def verify(
    installed: Installed,
    data_folder: Path,
    *,
    python: str = sys.executable,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Checks that the files are complete (by their total size) and that the packages pass the smoke test.

    Raises InstallError that names the problem.
    """
    expected = sum(installed.files.values())
    found = sum(size for path, size in file_sizes(installed.packages) if path.suffix != ".pyc")
    if found != expected:
        raise InstallError(
            f"The packages of '{installed.component}' have been changed ({found} instead of {expected} bytes): "
            "install them again with Repair or --repair."
        )
    component = COMPONENTS.get(installed.component)
    interpreter = probe(python)
    if interpreter.tag != installed.python_tag:
        raise InstallError(
            f"These packages are for {installed.python_tag}, not for {interpreter.tag}: choose another Python."
        )
    script = component.smoke if component else "nothing"
    run_smoke_test(script, installed.packages, interpreter, installed.backend, Folders(data_folder), cancelled)


@dataclass(frozen=True)
class Removal:
    """The result of `uninstall`.

    environments   number of environments that were removed
    waiting        folders that stay until the programs that use them have ended
    """

    environments: int
    waiting: tuple[Path, ...]


def uninstall(component: str, data_folder: Path, python_tag: str | None = None) -> Removal:
    """Removes a component for one Python, or for all (None); with the last component also kept downloads and tools.

    The manifest is removed first, so an interrupted removal leaves nothing that counts as installed. Packages that a
    running program uses stay until the next `tidy` or installation after its end. Raises InstallError if another
    installation is running or the folder cannot be written to.
    """
    folders = Folders(data_folder)
    if not folders.environments.is_dir():
        return Removal(0, ())
    prefix = f"{component}-{python_tag}-" if python_tag else f"{component}-"
    removed = 0
    try:
        with exclusive(folders.install_lock):
            for environment in [item for item in _environments(folders) if item.name.startswith(prefix)]:
                removed += manifest.read(environment) is not None
                (environment / manifest.NAME).unlink(missing_ok=True)
            waiting, deletable = detach_leftovers(folders)
            if not manifest.find_all(data_folder):
                folders.discard(folders.downloads, folders.temporary, folders.tools)
        _delete(folders, deletable)
    except OSError as error:
        raise from_os_error(error, folders.log) from error
    return Removal(removed, tuple(path for path in waiting if path.parent.name.startswith(prefix)))


def deactivate_other_backends(installed: Installed, folders: Folders) -> None:
    """Removes the manifests of the same component's environments with other backends, as after a new graphics card.

    Otherwise `find` would choose by date, and return the old environment after the clock was set back.
    """
    for environment in folders.environments.iterdir():
        other = manifest.read(environment)
        if (
            other is not None
            and other.name != installed.name
            and (other.component, other.python_tag, other.platform)
            == (installed.component, installed.python_tag, installed.platform)
        ):
            (environment / manifest.NAME).unlink(missing_ok=True)


def tidy(data_folder: Path) -> tuple[Path, ...]:
    """Removes leftovers of interrupted installations and packages no longer in use; returns those still in use.

    Called at the start of a program. Reads a few file names if there is nothing to do. Changes nothing while an
    installation is running or if the folder is read-only.
    """
    folders = Folders(data_folder)
    waiting = leftovers(folders)
    if not waiting:
        return ()
    try:
        with exclusive(folders.install_lock):
            waiting, deletable = detach_leftovers(folders)
        _delete(folders, deletable)
    except (Busy, OSError):
        pass
    return waiting


def leftovers(folders: Folders) -> tuple[Path, ...]:
    """Returns the files and folders in the environments that can be removed, because no manifest names them."""
    found: list[Path] = []
    for environment in _environments(folders):
        current = manifest.read(environment)
        if current is None and _may_name_packages(environment / manifest.NAME):
            continue
        for item in _content(environment):
            old = item.name.startswith(PACKAGES) and (current is None or item != current.packages)
            if old or item.name.startswith((STAGING, REMOVED)) or item.name.endswith(".partial"):
                found.append(item)
    return tuple(found)


def remove_leftovers(folders: Folders) -> None:
    """Removes `leftovers` that no process uses. The caller must hold the install lock."""
    _, deletable = detach_leftovers(folders)
    _delete(folders, deletable)


def detach_leftovers(folders: Folders) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Renames `leftovers`, which is fast, so that they can be deleted later. The caller must hold the install lock.

    Returns the paths that are in use and stay, and the paths that may be deleted without the lock.
    """
    waiting, deletable = [], []
    for item in leftovers(folders):
        if item.name.startswith(REMOVED) or not item.is_dir():
            deletable.append(item)
        elif renamed := (rename_unused(item) if item.name.startswith(PACKAGES) else rename(item)):
            deletable.append(renamed)
        elif item.exists():
            waiting.append(item)
    return tuple(waiting), tuple(deletable)


def _delete(folders: Folders, deletable: Sequence[Path]) -> None:
    for item in deletable:
        if item.is_dir():
            remove_tree(item)
        else:
            item.unlink(missing_ok=True)
    for environment in _environments(folders):
        with contextlib.suppress(OSError):
            if [item.name for item in environment.iterdir()] == [manifest.NAME] and not _may_name_packages(
                environment / manifest.NAME
            ):
                (environment / manifest.NAME).unlink()
            environment.rmdir()  # fails unless it is empty


def _environments(folders: Folders) -> list[Path]:
    try:
        return sorted(
            item for item in folders.environments.iterdir() if item.is_dir() and _ENVIRONMENT_NAME.fullmatch(item.name)
        )
    except OSError:
        return []


def _content(environment: Path) -> list[Path]:
    try:
        return sorted(environment.iterdir())
    except OSError:  # just removed by another process, or not readable
        return []


def _may_name_packages(path: Path) -> bool:
    """Returns whether a manifest is unreadable or of another version, so that it may name packages beside it."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    except ValueError:
        return False
    return isinstance(values, dict) and values.get("format") != manifest.FORMAT
