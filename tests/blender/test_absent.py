# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that the tests of this folder were skipped."""

from __future__ import annotations

import pytest


def test_bpy_is_there() -> None:
    pytest.importorskip("bpy", reason="no bpy in this Python: the tests of the Blender half are left out")
