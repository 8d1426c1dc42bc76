# SPDX-License-Identifier: GPL-3.0-or-later
"""Which edition of the program runs.

The full edition contains the installer and can get packages that add models and surfaces. The store's edition, for
repositories of extensions that forbid installing anything, does not: its meshes need Python and numpy only. The
presence of the installer is the one difference that the program asks for.
"""

from __future__ import annotations

import functools

from .version import ROOT, website

INSTALLER = "vendor_installer"
"""The folder with the installer, in `version.ROOT`."""


@functools.cache
def can_install() -> bool:
    """Returns whether this edition can install packages."""
    return (ROOT / INSTALLER / "__init__.py").is_file()


def remedy(install: str = "click Install in the sidebar, or add --install on the command line") -> str:
    """Returns what to do where packages are missing, as the second half of a sentence, without a full stop.

    `install` says how to install them, where the interface is known.
    """
    if can_install():
        return install
    address = website()
    return f"get the full edition of Mono3D{f' from {address}' if address else ''}"
