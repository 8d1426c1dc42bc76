# SPDX-License-Identifier: GPL-3.0-or-later
"""How a user starts the installer."""

from __future__ import annotations

_IS_INSIDE = __package__.startswith("mono3d_addon.")

COMMAND = f"python -m {__package__ if _IS_INSIDE else 'vendor_installer'}"
"""The command; a wheel has the installer inside the program's package, a clone beside it."""
