# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the packages of Mono3D's child processes into a private folder. Standard library only.

    plan(component, data_folder)   returns what would be installed and where, or raises InstallError with the reason
    install(plan, ...)             downloads, verifies, unpacks, runs a smoke test, then replaces the old packages
    find(component, data_folder)   returns what is installed; its folder goes first in the child's module search path
    bundle(plan, folder)           makes a folder of all files for a machine without a network
    in_use(folders)                keeps packages from being deleted while a child process uses them
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
