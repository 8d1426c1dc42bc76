# SPDX-License-Identifier: GPL-3.0-or-later
"""The platforms with packages, and the tags that wheels carry for them."""

from __future__ import annotations

import types
from collections.abc import Mapping

LINUX, WINDOWS, MACOS = "linux_x86_64", "windows_amd64", "macos_arm64"

PLATFORM_TAGS: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        LINUX: ("manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(5, 36)), "linux_x86_64"),
        WINDOWS: ("win_amd64",),
        MACOS: ("macosx_14_0_arm64",),
    }
)
"""Platform -> the platform tags of the wheels that run on it."""
