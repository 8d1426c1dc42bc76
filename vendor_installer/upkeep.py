# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking and removing what is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import manifest
from .components import COMPONENTS
from .errors import InstallError, from_os_error
from .folders import Folders, file_sizes, remove_tree
from .guard import exclusive
from .interpreter import probe
from .manifest import Installed
from .smoke import try_out


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
    try_out(script, installed.packages, interpreter, installed.backend, Folders(data_folder), cancelled)


def uninstall(component: str, data_folder: Path, python_tag: str | None = None) -> int:
    """Removes a component for one Python, or for all (None); returns how many environments are gone.

    The manifest goes first, so an interrupted removal leaves nothing that claims to be whole.
    Raises InstallError when files are in use or cannot be removed; the next installation removes them.
    """
    folders = Folders(data_folder)
    if not folders.environments.is_dir():
        return 0
    prefix = f"{component}-{python_tag}-" if python_tag else f"{component}-"
    removed = 0
    try:
        with exclusive(folders.guard):
            for environment in [item for item in folders.environments.iterdir() if item.name.startswith(prefix)]:
                (environment / manifest.NAME).unlink(missing_ok=True)
                removed += 1
                if not remove_tree(environment):
                    raise InstallError(
                        f"'{component}' is switched off, but some of its files are in use: "
                        "they are removed with the next installation."
                    )
    except OSError as error:
        raise from_os_error(error, folders.log) from error
    return removed
