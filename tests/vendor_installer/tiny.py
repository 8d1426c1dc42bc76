# SPDX-License-Identifier: GPL-3.0-or-later
"""The component 'tiny' of hand-made wheels that the installer's tests install."""

from __future__ import annotations

import dataclasses

from vendor_installer.component import Component, Requirement
from vendor_installer.platforms import LINUX, MACOS, WINDOWS

TINY = Component(
    name="tiny",
    purpose="two packages for tests",
    requirements=(Requirement("alpha"), Requirement("beta")),
    default_backends={LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"},
    fallbacks={"cpu": "cpu-other"},
    trims=("alpha/unused/*",),
    smoke="tiny",
)


LIT = dataclasses.replace(TINY, name="lit", graphics_backends={LINUX: ("cu128", "cu130", "rocm")}, fallbacks={})
"""The same component with backends for graphics cards."""
