# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking and removing what is installed.

What is to go but still in use needs no note of its own: a packages folder that no manifest names is one to remove,
and every installation and every start of the program (`tidy`) tries again.
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
"""How the names of folders begin in which an installation is at work."""

_ENVIRONMENT_NAME = re.compile(r"\w+-cp3\d+-\w+-[\w.-]+")
"""The names of environments; whatever else lies beside them is the user's."""


def verify(
    installed: Installed,
    data_folder: Path,
    *,
    python: str = sys.executable,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Checks that the files are all there (by their number of bytes) and that the packages work.

    Raises InstallError that names what is wrong.
    """
    expected = sum(installed.files.values())
    found = sum(size for path, size in file_sizes(installed.packages) if path.suffix != ".pyc")
    if found != expected:
        raise InstallError(
            f"The packages of '{installed.component}' have been changed ({found} instead of {expected} bytes): "
            "repair them."
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
    """How many environments were switched off, and which folders stay until the programs that use them have ended."""

    environments: int
    waiting: tuple[Path, ...]


def uninstall(component: str, data_folder: Path, python_tag: str | None = None) -> Removal:
    """Removes a component for one Python, or for all (None).

    With the last one go kept downloads and tools. The manifest goes first, so an interrupted removal leaves nothing
    that claims to be whole. Files that a running
    program uses stay until the next `tidy` or installation after its end. Raises InstallError when another
    installation is at work or the folder cannot be written to.
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
            waiting, doomed = detach_leftovers(folders)
            if not manifest.find_all(data_folder):
                folders.discard(folders.downloads, folders.temporary, folders.tools)
        _delete(folders, doomed)
    except OSError as error:
        raise from_os_error(error, folders.log) from error
    return Removal(removed, tuple(path for path in waiting if path.parent.name.startswith(prefix)))


def deactivate_other_backends(installed: Installed, folders: Folders) -> None:
    """Switches off the same component's environments with other backends, as after a new graphics card.

    Else the one with the latest date would be taken, and a clock that was set back would bring the old one back.
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
    """Removes what interrupted installations left and what is no longer in use; returns what still is.

    For the start of a program: without anything to do it reads a few names, and while an installation is at work or
    where nothing may be written it leaves everything as it is.
    """
    folders = Folders(data_folder)
    waiting = leftovers(folders)
    if not waiting:
        return ()
    try:
        with exclusive(folders.install_lock):
            waiting, doomed = detach_leftovers(folders)
        _delete(folders, doomed)
    except (Busy, OSError):
        pass
    return waiting


def leftovers(folders: Folders) -> tuple[Path, ...]:
    """Returns everything below the environments that no manifest names."""
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
    """Removes what `leftovers` finds and nobody uses. For whoever holds the guard."""
    _, doomed = detach_leftovers(folders)
    _delete(folders, doomed)


def detach_leftovers(folders: Folders) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Takes the names from what `leftovers` finds, which is done at once; for whoever holds the guard.

    Returns what stays because it is in use, and what anybody may delete now, without the guard.
    """
    waiting, doomed = [], []
    for item in leftovers(folders):
        if item.name.startswith(REMOVED) or not item.is_dir():
            doomed.append(item)
        elif renamed := (rename_unused(item) if item.name.startswith(PACKAGES) else rename(item)):
            doomed.append(renamed)
        elif item.exists():
            waiting.append(item)
    return tuple(waiting), tuple(doomed)


def _delete(folders: Folders, doomed: Sequence[Path]) -> None:
    for item in doomed:
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
            environment.rmdir()  # refused where anything is left


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
    except OSError:  # somebody else has just removed it, or may not be watched
        return []


def _may_name_packages(path: Path) -> bool:
    """Whether there is a manifest that cannot be read just now, or is another version's: it may name what is beside."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    except ValueError:
        return False
    return isinstance(values, dict) and values.get("format") != manifest.FORMAT
