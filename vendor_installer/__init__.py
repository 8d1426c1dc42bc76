# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs what Mono3D's child processes need into a private folder. Standard library only.

    plan(component, data_folder)   what would be installed, how much, where; refuses what cannot work
    install(plan, ...)             downloads, verifies, unpacks, tries out, and only then switches over
    find(component, data_folder)   the folder to put in front of the child's module search path, in microseconds
    bundle(plan, folder)           makes a folder of all files for a machine without a network
    verify, uninstall, doctor      check, remove, describe

The packages are for child processes only: nothing here changes the running interpreter.
"""

from __future__ import annotations

from .components import COMPONENTS, Component
from .doctor import doctor
from .errors import InstallCancelled, InstallError
from .installation import bundle, install
from .manifest import Installed, find
from .planning import Plan, PlannedPackage, plan
from .upkeep import uninstall, verify

__all__ = [
    "COMPONENTS",
    "Component",
    "InstallCancelled",
    "InstallError",
    "Installed",
    "Plan",
    "PlannedPackage",
    "bundle",
    "doctor",
    "find",
    "install",
    "plan",
    "uninstall",
    "verify",
]
