# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a job in Blender's status bar, which is seen with the sidebar closed too."""

from typing import Any

import bpy

from . import state


def show(words: str) -> None:
    """Shows `words` in the status bars of all windows until they are cleared."""
    manager: Any = bpy.context.window_manager
    if words == state.current.status or manager is None:
        return
    state.current.status = words
    for window in manager.windows:
        window.workspace.status_text_set(words)


def clear() -> None:
    """Gives the status bars back to Blender, if something is shown there."""
    if not state.current.status:
        return
    state.current.status = ""
    # The user may have switched workspaces since.
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(None)
