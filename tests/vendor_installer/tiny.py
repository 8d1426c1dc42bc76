# SPDX-License-Identifier: GPL-3.0-or-later
"""The component 'tiny' of hand-made wheels that the installer's tests install."""

from __future__ import annotations

import dataclasses

from vendor_installer.components import LINUX, MACOS, WINDOWS, Component, Requirement

TINY = Component(
    name="tiny",
    purpose="two packages for tests",
    requirements=(Requirement("alpha"), Requirement("beta")),
    backends={LINUX: "cpu", WINDOWS: "cpu", MACOS: "cpu"},
    fallbacks={"cpu": "cpu-other"},
    trims=("alpha/unused/*",),
    smoke="tiny",
)


LIT = dataclasses.replace(TINY, name="lit", graphics={LINUX: ("cu128", "cu130", "rocm")}, fallbacks={})
"""The same for graphics cards."""
