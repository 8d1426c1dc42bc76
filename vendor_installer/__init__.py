# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs what Mono3D's child processes need into a private folder. Standard library only.

    plan(component, data_folder)   what would be installed, how much, where; refuses what cannot work
    install(plan, ...)             downloads, verifies, unpacks, tries out, and only then switches over
    find(component, data_folder)   the folder to put in front of the child's module search path, in microseconds
    bundle(plan, folder)           makes a folder of all files for a machine without a network
    in_use(folders)                keeps the packages of a child process from being deleted under it
    verify, uninstall, doctor      check, remove, describe; `tidy` at a program's start

The packages are for child processes only: nothing here changes the running interpreter.
"""

from __future__ import annotations

from .component import Component
from .components import COMPONENTS
from .doctor import doctor
from .errors import InstallCancelled, InstallError
from .installation import bundle, install
from .manifest import Installed, find
from .planning import outdated, plan
from .plans import Plan, PlannedPackage
from .upkeep import Removal, tidy, uninstall, verify
from .use import in_use

__all__ = [
    "COMPONENTS",
    "Component",
    "InstallCancelled",
    "InstallError",
    "Installed",
    "Plan",
    "PlannedPackage",
    "Removal",
    "bundle",
    "doctor",
    "find",
    "in_use",
    "install",
    "outdated",
    "plan",
    "tidy",
    "uninstall",
    "verify",
]
