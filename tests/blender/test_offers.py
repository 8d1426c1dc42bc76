# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on where there is no installer, as in the store's edition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mono3d_addon
from mono3d_addon import edition
from mono3d_addon.blender import offers, panel, preference_values, preferences, readiness, state
from mono3d_addon.settings import Settings
from tests.blender.made import bpy
from tests.blender.stand_in import Layout

ADDRESS = "https://example.org/mono3d"


@pytest.fixture
def store(empty_file: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The add-on, registered without an installer."""
    monkeypatch.setattr(edition, "can_install", lambda: False)
    monkeypatch.setattr(edition, "website", lambda: ADDRESS)
    monkeypatch.setattr(offers, "website", lambda: ADDRESS)
    mono3d_addon.register()
    readiness.refresh()
    yield
    mono3d_addon.unregister()


def test_there_is_no_operator_that_installs_or_downloads(store: None) -> None:
    operators = {name for name in dir(bpy.types) if name.startswith("MONO3D_OT_")}
    assert {"MONO3D_OT_generate", "MONO3D_OT_copy_report", "MONO3D_OT_open_log"} <= operators
    assert not [name for name in operators if "install" in name or "download" in name or "repair" in name]


def test_the_panel_links_to_the_full_edition(store: None) -> None:
    layout = Layout()
    panel.MONO3D_PT_main.draw(_Self(layout), bpy.context)  # type: ignore[arg-type]
    assert "wm.url_open" in layout.operators and "mono3d.install" not in layout.operators
    shown = " ".join(layout.texts)
    assert "The full edition" in shown and readiness.ADDS.split(",")[0] in shown


def test_a_choice_that_needs_packages_names_the_full_edition(store: None) -> None:
    assert state.current.is_bare and state.current.lacking == "Needs the full edition"
    large = state.current.models["dpt_large_384"]
    assert "Needs the full edition" in large.lines[0] and not large.get and not large.action
    assert state.current.models["starter"].is_ready
    sentence = readiness.lack(Settings(surface="poisson"))
    assert f"get the full edition of Mono3D from {ADDRESS}, or choose 'grid'" in sentence
    bpy.context.scene.mono3d.photo = __file__
    bpy.context.scene.mono3d.surface = "poisson"
    with pytest.raises(RuntimeError, match="full edition"):
        bpy.ops.mono3d.generate()


def test_the_preferences_show_nothing_about_installing(store: None) -> None:
    layout = Layout()
    preferences.MONO3D_AP_preferences.draw(_Self(layout), bpy.context)  # type: ignore[arg-type]
    assert "mono3d.copy_report" in layout.operators and "mono3d.uninstall" not in layout.operators
    assert not {"wheelhouse", "backend"} & set(layout.shown)


class _Self:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        vars(self).update(dict.fromkeys(["data_folder", *preference_values.HABITS], ""))
