# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests run in a Python that has bpy: a `bpy` wheel's, or Blender's own."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

HAS_BPY = importlib.util.find_spec("bpy") is not None
if HAS_BPY:
    # `bpy_extras` and `mathutils` are there only once bpy is imported.
    import bpy  # noqa: F401

    from tests.blender.worked import cup, reconstructed, worker  # noqa: F401


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves the test files out where there is no bpy; `test_absent.py` says so."""
    needs_bpy = collection_path.name.startswith("test_") and collection_path.name not in (
        "test_absent.py",
        "test_build.py",
    )
    return True if needs_bpy and not HAS_BPY else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks everything here."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("blender")


@pytest.fixture
def empty_file() -> Iterator[None]:
    """An empty Blender file, for tests that build scenes."""
    from tests.blender.made import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    yield


@pytest.fixture
def registered(empty_file: None, tmp_path: Path) -> Iterator[None]:
    """The add-on switched on, from the checkout."""
    import mono3d_addon
    from mono3d_addon.blender import state

    mono3d_addon.register()
    # Until the add-on has looked for its packages it is the current folder, in which tests would leave files.
    state.current.data_folder = tmp_path / "unchecked"
    yield
    mono3d_addon.unregister()
