# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for temporary files, all in one that this Blender claims. Imports no bpy, and when the add-on is enabled
nothing that makes folders."""

from __future__ import annotations

import atexit
from pathlib import Path

from ..errors import Mono3DError
from . import state

_PREFIX = "mono3d-blender-"


def scratch() -> Path:
    """Returns the add-on's folder for temporary files, removed when the add-on is disabled or Blender ends.

    If Blender is killed, the next one removes it. Raises Mono3DError if it cannot be created.
    """
    from ..core import claimed_folder

    current = state.current
    if current.scratch is None or not current.scratch.path.is_dir():
        try:
            current.scratch = claimed_folder.ClaimedFolder(_PREFIX)
        except OSError as error:
            raise _failure(error) from error
        # A script that uses Blender as a module ends without disabling the add-on.
        atexit.register(current.scratch.remove)
    return current.scratch.path


def folder() -> Path:
    """Returns a new folder in that one. Raises Mono3DError if it cannot be created."""
    import tempfile

    try:
        return Path(tempfile.mkdtemp(dir=scratch()))
    except OSError as error:
        raise _failure(error) from error


def remove_abandoned() -> None:
    """Removes the folders that killed Blenders of this user have left; never raises."""
    import tempfile

    from ..core import claimed_folder

    claimed_folder.remove_abandoned(Path(tempfile.gettempdir()), _PREFIX)


def _failure(error: OSError) -> Mono3DError:
    return Mono3DError(
        f"No folder for temporary files can be made ({error}); free disk space, or restart Blender if the system's "
        "temporary folder was removed."
    )
