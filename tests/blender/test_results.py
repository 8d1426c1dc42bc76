# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on does with results in a scene: their places, the selection, the report, the 3D view that asked."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import look_through, names, preference_values, readiness, state, views
from mono3d_addon.blender.photos import running
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import first_view
from mono3d_addon.settings import Habits
from tests.blender import made, stand_in
from tests.blender.made import bpy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a script")


@pytest.fixture
def values(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of the scene, with a fake worker whose every photo becomes the same small grid."""
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    readiness.refresh()
    state.current.offer, state.current.lacking = None, ""  # as if the packages were installed
    worker = stand_in.worker(tmp_path / "worker")
    monkeypatch.setattr(running, "worker", lambda: worker)
    yield bpy.context.scene.mono3d
    worker.stop()


def prefer(monkeypatch: pytest.MonkeyPatch, **habits: Any) -> None:
    monkeypatch.setattr(preference_values, "habits", lambda: Habits(**habits))


def ours() -> list[Any]:
    return [one for one in bpy.data.objects if names.SETTINGS in one]


def generate(*photos: str) -> list[Any]:
    """Generates meshes of photos; returns the objects that are new."""
    before = set(ours())
    bpy.ops.mono3d.generate(photos="\n".join(photos))
    return [one for one in ours() if one not in before]


def ends(owner: Any) -> tuple[float, float]:
    """Returns where an object begins and ends in the direction of a row."""
    xs = [(owner.matrix_world @ made.vector(np.array(corner, np.float32))).x for corner in owner.bound_box]
    return min(xs), max(xs)


@pytest.mark.smoke
def test_several_photos_stand_in_a_row_all_selected_and_reported(values: Any) -> None:
    row = generate("/a.jpg", "/b.jpg", "/c.jpg")
    assert len(row) == 3
    for left, right in itertools.pairwise(row):
        assert ends(left)[1] < ends(right)[0]
    assert set(bpy.context.selected_objects) == set(row) and bpy.context.view_layer.objects.active == row[-1]
    words = " ".join(state.current.messages)
    assert words.count("96 vertices, 154 triangles") == 3 and words.count("Camera: made for a test") == 3
    (later,) = generate("/d.jpg")
    assert ends(later)[0] > ends(row[-1])[1] and bpy.context.selected_objects == [later]


def test_a_failure_among_photos_does_not_hide_the_results(values: Any) -> None:
    with pytest.raises(RuntimeError, match=r"gone\.jpg"):
        bpy.ops.mono3d.generate(photos="/a.jpg\n/gone.jpg\n/c.jpg")
    words = " ".join(state.current.messages)
    assert "gone.jpg: There is no file" in words and words.count("96 vertices") == 2 and state.current.failed
    assert set(bpy.context.selected_objects) == set(ours())


@pytest.mark.smoke
def test_the_default_scene_keeps_its_cube_and_the_result_is_beside_it(values: Any) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=False)
    (made_one,) = generate("/a.jpg")
    cube = bpy.context.scene.objects["Cube"]
    assert not cube.hide_get() and not cube.hide_render
    assert ends(made_one)[0] > 1.0 and made_one.children[0].matrix_world.translation.x > 1.0
    assert "It is beside what was there." in " ".join(state.current.messages)
    assert bpy.context.scene.camera.name == "Camera", "the scene's camera is the user's"


def test_results_go_to_the_cursor_by_preference(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prefer(monkeypatch, place="cursor")
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    generate("/a.jpg")
    first, second = generate("/b.jpg", "/c.jpg")
    assert first.location[:] == (1.0, 2.0, 3.0), "also where one is already"
    assert second.location[1:] == (2.0, 3.0) and ends(first)[1] < ends(second)[0]


@pytest.mark.parametrize("active", ["mesh", "camera", "other"])
def test_results_replace_the_active_one_by_preference(
    active: str, values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = generate("/a.jpg")
    first.name, first.location.y = "mine", 5.0
    prefer(monkeypatch, place="replace")
    other = bpy.data.objects.new("other", None)
    bpy.context.scene.collection.objects.link(other)
    bpy.context.view_layer.objects.active = {"mesh": first, "camera": first.children[0], "other": other}[active]
    added = generate("/b.jpg", "/c.jpg")
    if active == "other":
        assert len(added) == 2
        return
    assert len(added) == 1 and first.location.y == 5.0 and first.name == "made"
    assert set(bpy.context.selected_objects) == {first, *added}
    assert "It replaced the active object." in " ".join(state.current.messages)


def test_results_go_to_the_active_collection_by_preference(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prefer(monkeypatch, collection="active")
    mine = bpy.data.collections.new("mine")
    bpy.context.scene.collection.children.link(mine)
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children["mine"]
    (result,) = generate("/a.jpg")
    assert list(result.users_collection) == [mine] and list(bpy.data.collections) == [mine]


@pytest.fixture
def areas(values: Any) -> list[Any]:
    """The 3D views of the window: two of them, with Blender's own shading."""
    bpy.ops.wm.read_factory_settings(use_empty=False)
    window = bpy.context.window_manager.windows[0]
    other = next(one for one in window.screen.areas if one.type != "VIEW_3D")
    other.type = "VIEW_3D"
    return [one for one in window.screen.areas if one.type == "VIEW_3D"]


def shading(area: Any) -> tuple[Any, ...]:
    found = area.spaces.active.shading
    return found.type, found.color_type, found.light, found.background_type


def pose(area: Any) -> tuple[float, ...]:
    region = area.spaces.active.region_3d
    return (*region.view_location, *region.view_rotation, region.view_distance, area.spaces.active.lens)


def built_in_view(area: Any, tmp_path: Path, **settings: Any) -> Any:
    """Builds a result that was asked for in a 3D view, and shows it there."""
    result = made.reconstruction(tmp_path, made.camera(60, 40), 8, 12, **settings)
    built = scene.build(result, bpy.context.scene)
    view = views.asking(types.SimpleNamespace(area=area, window=bpy.context.window_manager.windows[0]))  # type: ignore[arg-type]
    look_through.present(result, built, bpy.context.scene, view)
    return built


def test_only_the_view_that_asked_shows_the_result(areas: list[Any], tmp_path: Path) -> None:
    asked, other = areas[1], areas[0]
    before = shading(other), pose(other), pose(asked)
    built_in_view(asked, tmp_path)
    assert shading(asked) == ("SOLID", "TEXTURE", "FLAT", "VIEWPORT") and pose(asked) != before[2]
    assert (shading(other), pose(other)) == before[:2]


def test_what_covers_a_view_is_measured() -> None:
    def region(kind: str, x: int, width: int, height: int = 700) -> Any:
        return types.SimpleNamespace(type=kind, x=x, width=width, height=height)

    def pane(*regions: Any) -> first_view.Pane:
        return look_through.pane_of(types.SimpleNamespace(regions=regions))

    main = region("WINDOW", 100, 1000)
    header = region("HEADER", 100, 1000, 26)
    assert pane(header, region("TOOLS", 100, 50), region("UI", 820, 280), main) == first_view.Pane(1000, 700, 50, 280)
    assert pane(region("UI", 100, 280), main, region("TOOLS", 1050, 50)) == first_view.Pane(1000, 700, 280, 50), (
        "swapped"
    )
    assert pane(region("TOOLS", 100, 1), main, region("UI", 1099, 1)) == first_view.Pane(1000, 700), "both are closed"
    # Without Region Overlap they stand beside the view.
    beside = region("WINDOW", 150, 670)
    assert pane(region("TOOLS", 100, 50), beside, region("UI", 820, 280)) == first_view.Pane(670, 700)


def test_a_view_that_shows_no_grey_keeps_its_shading(areas: list[Any], tmp_path: Path) -> None:
    for kind, colour in (("WIREFRAME", "MATERIAL"), ("MATERIAL", "MATERIAL"), ("SOLID", "VERTEX"), ("SOLID", "RANDOM")):
        space = areas[0].spaces.active
        space.shading.type = kind
        if kind == "SOLID":
            space.shading.color_type = colour
        before = shading(areas[0])[:3]
        built_in_view(areas[0], tmp_path)
        assert shading(areas[0])[:3] == before


def test_other_models_are_no_silhouettes(areas: list[Any], tmp_path: Path) -> None:
    bpy.context.scene.objects["Cube"].location.x = 3.0  # the user's now
    built_in_view(areas[0], tmp_path)
    assert shading(areas[0])[1:3] == ("TEXTURE", "STUDIO")


def test_undoing_a_result_gives_the_view_back(areas: list[Any], tmp_path: Path) -> None:
    """As Blender's undo does: the object is gone, then there again; views are no part of undo."""
    area = areas[0]
    before = shading(area), pose(area)
    built = built_in_view(area, tmp_path)
    after = shading(area), pose(area)
    assert after[0] != before[0] and after[1] != before[1]
    views._follow_undo()
    assert (shading(area), pose(area)) == after, "another undo step"
    uid = state.current.view_changes[0].uid
    bpy.data.objects.remove(built.camera)
    bpy.data.objects.remove(built.mesh)
    views._follow_undo()
    assert shading(area) == before[0] and pose(area) == pytest.approx(before[1])
    again = bpy.data.objects.new("again", None)
    state.current.view_changes[0].uid = again.session_uid
    views._follow_undo()
    assert shading(area) == after[0] and pose(area) == pytest.approx(after[1])
    state.current.view_changes[0].uid = uid
    area.spaces.active.region_3d.view_distance = 33.0
    views._follow_undo()
    assert shading(area) == before[0] and pose(area)[-2] == pytest.approx(33.0), "the user has turned the view since"
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert not state.current.view_changes


def test_points_are_shown_in_their_colours_which_the_solid_view_lacks(areas: list[Any], tmp_path: Path) -> None:
    before = shading(areas[0]), pose(areas[0])
    built = built_in_view(areas[0], tmp_path, build_as="points")
    assert shading(areas[0])[0] == "MATERIAL" and shading(areas[0])[3] == before[0][3]
    bpy.data.objects.remove(built.camera)
    bpy.data.objects.remove(built.mesh)
    views._follow_undo()
    assert shading(areas[0]) == before[0] and pose(areas[0]) == pytest.approx(before[1])


@pytest.mark.parametrize("show", ["camera", "keep"])
def test_the_preference_says_what_the_view_shows(
    show: str, areas: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefer(monkeypatch, show=show)
    before, users = pose(areas[0]), bpy.context.scene.camera
    built = built_in_view(areas[0], tmp_path)
    region = areas[0].spaces.active.region_3d
    if show == "camera":
        assert region.view_perspective == "CAMERA" and bpy.context.scene.camera == built.camera
        assert bpy.context.scene.render.resolution_x == 60
    else:
        assert region.view_perspective == "PERSP" and pose(areas[0]) == before
        assert bpy.context.scene.camera == users


def test_only_looking_leaves_the_scene_alone(areas: list[Any], tmp_path: Path) -> None:
    built = scene.build(made.reconstruction(tmp_path, made.camera(60, 40), 8, 12), bpy.context.scene)
    target, area = bpy.context.scene, areas[0]
    bpy.context.view_layer.objects.active = built.mesh
    before = target.camera, target.render.resolution_x, target.render.resolution_y
    with bpy.context.temp_override(area=area, region=next(one for one in area.regions if one.type == "WINDOW")):
        assert bpy.ops.mono3d.look_through_camera(only_look=True) == {"FINISHED"}
    assert (target.camera, target.render.resolution_x, target.render.resolution_y) == before
    region = area.spaces.active.region_3d
    assert region.view_perspective == "PERSP"
    turn = region.view_rotation.to_matrix()
    viewpoint = region.view_location + turn.col[2] * region.view_distance
    assert viewpoint[:] == pytest.approx((0.0, 0.0, 0.0), abs=1e-5) and turn.col[2][:] == pytest.approx(
        (0, -1, 0), abs=1e-6
    )


def test_looking_through_a_camera_that_is_gone_makes_it_again(values: Any, tmp_path: Path) -> None:
    target = bpy.context.scene
    built = scene.build(made.reconstruction(tmp_path, made.camera(60, 40), 8, 12), target)
    bpy.data.objects.remove(built.camera)
    bpy.context.view_layer.objects.active = built.mesh
    assert bpy.ops.mono3d.look_through_camera.poll()
    bpy.ops.mono3d.look_through_camera()
    (eye,) = built.mesh.children
    assert target.camera == eye and names.is_ours(eye) and target.render.resolution_x == 60
    bpy.ops.mono3d.look_through_camera()
    assert len(built.mesh.children) == 1, "it is there now"
