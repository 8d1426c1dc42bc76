# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender imports as the extension."""

from .mono3d_addon import register, unregister

__all__ = ["register", "unregister"]
