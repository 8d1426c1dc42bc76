# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the sidebar as operator calls: choosing, generating, showing the depth, reopening."""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mono3d_addon
from mono3d_addon.blender import (
    events,
    menus,
    names,
    panel,
    preference_values,
    preferences,
    readiness,
    state,
    temporary,
    texts,
    workers,
)
from mono3d_addon.blender.installing import models, setup
from mono3d_addon.blender.photos import (
    choose,
    chosen,
    depth_preview,
    description,
    durations,
    jobs,
    running,
    size_warning,
)
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Habits, Settings
from tests.blender import made, stand_in
from tests.blender.drawn import draw_all
from tests.blender.made import bpy

PHOTOS = Path(__file__).parents[1] / "photos"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a script")


@pytest.fixture
def values(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of the scene, with a fake worker; `tmp_path / "data"` is the data folder."""
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    readiness.refresh()
    state.current.offer, state.current.lacking = None, ""  # as if the packages were installed
    worker, describer = stand_in.worker(tmp_path / "worker"), stand_in.worker(tmp_path / "describer", "describe")
    monkeypatch.setattr(running, "worker", lambda: worker)
    monkeypatch.setattr(workers, "describer", lambda: describer)
    yield bpy.context.scene.mono3d
    worker.stop()
    describer.stop()


def ours() -> list[Any]:
    return [item for item in bpy.data.objects if "mono3d_settings" in item]


def describe() -> None:
    """Describes the chosen photo and waits for it."""
    while description.poll() is not None:
        time.sleep(0.02)


def requests(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


@pytest.mark.smoke
def test_from_the_photo_to_the_reopened_file(values: Any, tmp_path: Path) -> None:
    bpy.ops.mono3d.open_photo(filepath="/photos/a.jpg")
    assert values.photo == "/photos/a.jpg"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert len(ours()) == 1 and bpy.context.view_layer.objects.active == ours()[0]
    assert any("96 vertices, 154 triangles" in line for line in state.current.messages), state.current.messages
    assert bpy.ops.mono3d.look_through_camera() == {"FINISHED"}
    values.near = 0.5
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    sent = requests(tmp_path / "worker")
    assert [one["settings"]["near"] for one in sent] == [0.0, 0.5] and len(ours()) == 2
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert len(ours()) == 2 and bpy.context.scene.mono3d.photo == "/photos/a.jpg"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert len(ours()) == 3


def test_several_photos_become_a_mesh_each_and_one_that_fails_stops_none(values: Any, tmp_path: Path) -> None:
    chosen.choose(values, ["/photos/a.jpg", "/photos/gone.jpg", "/photos/c.jpg"])
    layout = stand_in.Layout()
    describe()
    choose.draw(layout, values)  # type: ignore[arg-type]
    assert "60 x 40 pixels" in layout.texts and "and 2 more photos" in layout.texts
    with pytest.raises(RuntimeError, match=r"gone\.jpg: There is no file"):
        bpy.ops.mono3d.generate()
    assert len(ours()) == 2
    values.photo = "/photos/d.jpg"
    assert len(values.more_photos) == 0, "another photo must replace all"


def test_photos_that_are_given_may_be_relative_to_the_file(values: Any, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert bpy.ops.mono3d.generate(photos="//cup.jpg\n/photos/a.jpg") == {"FINISHED"}
    assert [one["photo"] for one in requests(tmp_path / "worker")] == [str(tmp_path / "cup.jpg"), "/photos/a.jpg"]


def test_importing_is_choosing_and_generating(values: Any) -> None:
    files = [{"name": "a.jpg"}, {"name": "b.jpg"}]
    assert bpy.ops.mono3d.import_photo(directory="/photos", files=files) == {"FINISHED"}
    assert [str(path) for path in chosen.files(values)] == ["/photos/a.jpg", "/photos/b.jpg"] and len(ours()) == 2
    bpy.ops.mono3d.import_photo(filepath="/photos/c.jpg", generate=False)
    assert values.photo == "/photos/c.jpg" and len(ours()) == 2


def test_a_file_browser_with_nothing_selected_chooses_nothing(values: Any, tmp_path: Path) -> None:
    """Blender then gives the path of the folder that is shown."""
    values.photo = "/photos/a.jpg"
    for operator in (bpy.ops.mono3d.open_photo, bpy.ops.mono3d.import_photo):
        with pytest.raises(RuntimeError, match="No photo is selected"):
            operator(directory=f"{tmp_path}/", filepath=f"{tmp_path}/", files=[])
    assert values.photo == "/photos/a.jpg" and not ours()


@pytest.mark.smoke
def test_what_was_said_ends_with_another_file_photo_or_model(values: Any, tmp_path: Path) -> None:
    image = bpy.data.images.new("a", 8, 8)
    for change in ("photo", "image", "model", "file"):
        state.current.say("About the photo before.", failed=True)
        if change == "file":
            bpy.ops.wm.read_homefile(use_factory_startup=True)
        else:
            setattr(values, change, {"photo": "/b.jpg", "image": image, "model": "dpt_levit_224"}[change])
        assert not state.current.messages and not state.current.failed, change


def test_a_killed_blender_leaves_nothing_for_long(registered: None, tmp_path: Path, monkeypatch: Any) -> None:
    """The next start of the add-on removes its folder: not that of a Blender that runs, and it follows no link."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import os, sys, signal, tempfile; sys.path.insert(0, sys.argv[1]); tempfile.tempdir = sys.argv[2];"
        "from mono3d_addon.blender import temporary; temporary.folder(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(mono3d_addon.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(root), str(tmp_path)], timeout=60, check=False)
    (left,) = tmp_path.iterdir()
    (left / "photo.npy").touch()
    elsewhere, other = tmp_path / "elsewhere", tmp_path / "mono3d-run-other"
    for kept in (elsewhere, other):
        kept.mkdir()
        (kept / "kept").touch()
    (left / "link").symlink_to(elsewhere)
    link = tmp_path / f"{left.name}-link"
    link.symlink_to(elsewhere)
    own = temporary.folder()
    events.refresh()
    end = time.monotonic() + made.patience(5.0)
    while left.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not left.exists() and own.is_dir() and link.is_symlink()
    assert (elsewhere / "kept").exists() and (other / "kept").exists()


def test_a_mesh_that_makes_blender_slow_is_told_before(values: Any) -> None:
    values.photo = "/photos/a.jpg"
    state.current.photos["/photos/a.jpg"] = state.PhotoLine(0, ("12 megapixels",), "EXIF", longer=4000, shorter=3000)
    panel._draw_generate(layout := stand_in.Layout(), values)
    assert size_warning.triangles(values) == 2 * 1024 * 768 and not any("million" in text for text in layout.texts)
    values.preset = "best"
    panel._draw_generate(layout := stand_in.Layout(), values)
    assert size_warning.triangles(values) == 2 * 1920 * 1440 and "5.5 million triangles" in layout.texts
    assert "surface" in layout.shown
    values.surface = "adaptive"
    panel._draw_generate(layout := stand_in.Layout(), values)
    assert not any("million" in text for text in layout.texts)
    values.photo, values.surface = "/photos/unknown.jpg", "grid"
    assert size_warning.triangles(values) == 0


def test_photos_can_be_dropped_into_the_3d_view() -> None:
    poll = choose.MONO3D_FH_photo.poll_drop
    area = types.SimpleNamespace
    assert poll(area(area=area(type="VIEW_3D"))) and not poll(area(area=area(type="NODE_EDITOR")))  # type: ignore[arg-type]
    assert {".jpg", ".heic", ".png"} <= set(choose.MONO3D_FH_photo.bl_file_extensions.split(";"))
    module, _, name = choose.MONO3D_FH_photo.bl_import_operator.partition(".")
    taken = getattr(choose, f"{module.upper()}_OT_{name}")
    dropped = types.SimpleNamespace(directory="/photos", files=[types.SimpleNamespace(name="a.jpg")])
    dropped.execute = lambda context: {"FINISHED"}
    assert taken.invoke(dropped, bpy.context, None) == {"FINISHED"}, "a drop needs no file browser"


def test_a_killed_worker_is_told_and_the_next_job_works(values: Any) -> None:
    values.photo = "/photos/kill.jpg"
    with pytest.raises(RuntimeError, match="was killed"):
        bpy.ops.mono3d.generate()
    assert state.current.failed and state.current.run is None
    values.photo = "/photos/a.jpg"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}


def test_a_job_in_work_can_be_cancelled_and_is_shown(values: Any) -> None:
    run = jobs.Run(running.worker(), [Path("/photos/slow.jpg")], Settings())
    state.current.start(run, 12.0)
    end = time.monotonic() + 30.0
    while run.fraction < 0.25 and time.monotonic() < end:
        time.sleep(0.02)
    layout = stand_in.Layout()
    running.draw(layout)  # type: ignore[arg-type]
    assert "Estimating depth 25%" in layout.texts and any("of about 0:12" in text for text in layout.texts)
    assert layout.operators == ["mono3d.cancel"] and not bpy.ops.mono3d.generate.poll()
    began = time.monotonic()
    assert bpy.ops.mono3d.cancel() == {"FINISHED"}
    assert time.monotonic() - began < made.patience(1.0) and not run.running
    state.current.run = None


def test_the_result_goes_to_the_scene_where_it_was_asked_for(values: Any) -> None:
    first = bpy.context.scene
    values.photo = "/photos/a.jpg"
    operator: Any = types.SimpleNamespace(_scene=first.session_uid, build=lambda folder, target: built.append(target))
    operator.target = lambda: running.PhotoJob.target(operator)
    built: list[Any] = []
    first.name = "renamed"
    bpy.data.scenes.new("second")
    running.PhotoJob._build(operator, Path())
    assert built == [first]


def test_a_result_waits_for_editing_and_rendering(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs_of_blender: list[str] = []
    app = types.SimpleNamespace(background=False, is_job_running=jobs_of_blender.__contains__)
    monkeypatch.setattr(running, "bpy", types.SimpleNamespace(app=app, context=bpy.context, types=bpy.types))
    context: Any = types.SimpleNamespace(window_manager=None, mode="OBJECT")
    assert running.hindrance(context) == ""
    context.mode = "EDIT_MESH"
    assert running.hindrance(context) == "Ready: it appears in Object Mode"
    jobs_of_blender.append("RENDER")
    assert running.hindrance(context) == "Ready: it appears after the render"
    state.current.run = types.SimpleNamespace(stage="Reading", fraction=1.0, cancel=lambda: None)
    state.current.waiting = running.hindrance(context)
    running.draw(layout := stand_in.Layout())  # type: ignore[arg-type]
    assert "Ready: it appears after the render 100%" in layout.texts
    state.current.run = None


def test_a_scene_of_another_file_is_left_alone(values: Any, tmp_path: Path) -> None:
    bpy.context.scene.name = "away"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, target):
        target.scenes = ["away"]
    linked = bpy.data.scenes["away"]
    assert linked.library is not None
    context = types.SimpleNamespace(scene=linked)
    told: list[str] = []
    cls = types.SimpleNamespace(poll_message_set=told.append)
    assert not running.PhotoJob.poll.__func__(cls, context)  # type: ignore[attr-defined]
    assert "make it local" in told[0]
    preference_values.start_scenes()


@pytest.mark.parametrize("kind", ["generated", "painted", "float"])
def test_an_image_open_in_blender_is_a_photo(values: Any, kind: str, tmp_path: Path) -> None:
    image = bpy.data.images.new("my picture", 32, 24, float_buffer=kind == "float")
    if kind == "painted":
        image.pixels.foreach_set(np.tile(np.array([1.0, 0.5, 0.25, 1.0], dtype=np.float32), 32 * 24))
    values.photo = "/photos/a.jpg"
    values.image = image
    assert values.photo == "" and chosen.is_any(values)
    (path,) = chosen.files(values)
    assert path.name == "my_picture.png" and path.stat().st_size > 50
    again = made.read_picture(path)
    assert again.shape == (24, 32, 3)
    if kind == "painted":
        assert np.abs(again - [1.0, 0.5, 0.25]).max() < 0.01
    assert image.source == "GENERATED" and len(bpy.data.images) == 1, "the user's image was changed"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert requests(tmp_path / "worker")[-1]["photo"] == str(path)
    values.photo = "/photos/b.jpg"
    assert values.image is None
    state.reset()
    assert not path.exists(), "temporary files are left"


def test_a_packed_photo_keeps_its_bytes_and_a_file_is_used_where_it_is(values: Any, tmp_path: Path) -> None:
    photo = tmp_path / "a photo.png"
    made.write_png(photo, np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    content = photo.read_bytes()
    image = values.image = bpy.data.images.load(str(photo))
    assert chosen.files(values) == [photo]
    image.pack()
    photo.unlink()
    (path,) = chosen.files(values)
    assert path != photo and path.read_bytes() == content


def test_what_is_no_picture_is_not_offered(values: Any) -> None:
    assert chosen.is_usable(bpy.data.images.new("a", 8, 8))
    result = bpy.data.images.new("b", 8, 8)
    result[names.DEPTH] = "b"
    assert not chosen.is_usable(result)
    movie = bpy.data.images.new("c", 8, 8)
    movie.source = "MOVIE"
    assert not chosen.is_usable(movie)


def test_an_image_without_a_folder_to_write_to_is_one_sentence(
    values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    values.image = bpy.data.images.new("a", 8, 8)
    with pytest.raises(Mono3DError, match="No folder for temporary files"):
        chosen.files(values)


def test_nothing_chosen_is_one_sentence(values: Any) -> None:
    with pytest.raises(Mono3DError, match="Choose a photo first"):
        chosen.files(values)


def test_the_depth_becomes_two_images_that_are_replaced(values: Any, tmp_path: Path) -> None:
    values.photo = "/photos/my cup.jpg"
    assert bpy.ops.mono3d.show_depth() == {"FINISHED"}
    assert requests(tmp_path / "worker")[-1]["task"] == "depth"
    coloured, metres = (bpy.data.images[f"my cup {word}"] for word in ("disparity", "depth"))
    assert metres.is_float and metres.colorspace_settings.name == "Non-Color" and tuple(metres.size) == (12, 8)
    assert not coloured.is_float and coloured.colorspace_settings.name == "sRGB"
    depth = np.load(tmp_path / "worker/result/depth.npy")
    found = np.empty(8 * 12 * 4, dtype=np.float32)
    metres.pixels.foreach_get(found)
    assert np.array_equal(found.reshape(8, 12, 4)[::-1, :, 0], depth)
    count = len(bpy.data.images)
    metres.use_fake_user = True
    assert bpy.ops.mono3d.show_depth() == {"FINISHED"}
    assert len(bpy.data.images) == count and bpy.data.images["my cup depth"] == metres
    layout = stand_in.Layout()
    depth_preview.draw(layout)  # type: ignore[arg-type]
    assert layout.texts[1] == f"From {depth.min():.2f} to {depth.max():.2f} m"
    assert ours() == []


@pytest.mark.parametrize("photo", ["cup", "a very long name " * 4, "\u8336" * 40])
def test_the_images_are_replaced_whatever_they_are_called(values: Any, photo: str) -> None:
    foreign = bpy.data.images.new("cup disparity", 4, 4)
    values.photo = f"/photos/{photo}.jpg"
    bpy.ops.mono3d.show_depth()
    ours_now = set(bpy.data.images) - {foreign}
    assert len(ours_now) == 2 and tuple(foreign.size) == (4, 4)
    next(iter(ours_now)).name = "renamed by the user"
    for _ in range(2):
        bpy.ops.mono3d.show_depth()
        assert set(bpy.data.images) - {foreign} == ours_now
    layout = stand_in.Layout()
    depth_preview.draw(layout)  # type: ignore[arg-type]
    assert set(layout.texts[-2:]) == {image.name for image in ours_now}


def test_a_depth_with_holes_and_another_size_takes_the_same_images(values: Any) -> None:
    first: Any = depth_preview.make_images("a", np.ones((4, 6), np.float32), np.ones((8, 12), np.float32))
    depth = np.full((10, 6), 2.0, dtype=np.float32)
    depth[0, 0] = np.nan
    second: Any = depth_preview.make_images("a", np.ones((5, 3), np.float32), depth)
    assert first == second and tuple(second[1].size) == (6, 10)
    pixels = np.empty(240, dtype=np.float32)
    second[1].pixels.foreach_get(pixels)
    rows = pixels.reshape(10, 6, 4)[::-1]
    assert rows[0, 0].tolist() == [0, 0, 0, 0] and rows[1, 1].tolist() == [2, 2, 2, 1]


def test_a_photo_that_is_chosen_at_once_is_looked_at_when_the_add_on_is_ready(
    values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = types.SimpleNamespace(background=False, timers=bpy.app.timers)
    monkeypatch.setattr(description, "bpy", types.SimpleNamespace(app=app, context=bpy.context))
    state.current.checked = False
    values.photo = "/photos/a.jpg"
    assert description.poll() is None
    bpy.app.timers.unregister(description.poll)  # as Blender does when a timer returns None
    readiness.refresh()
    assert bpy.app.timers.is_registered(description.poll)
    while description.poll() is not None:
        time.sleep(0.02)
    assert state.current.photos["/photos/a.jpg"].lines == ("60 x 40 pixels",)


def test_the_photo_is_described(values: Any) -> None:
    values.photo = "/photos/a.jpg"
    describe()
    line = state.current.photos["/photos/a.jpg"]
    assert line.lines == ("60 x 40 pixels",) and line.camera == "assumed 55 degrees" and not line.problem
    for made_of, is_seen in (("/photos/b.jpg", True), ("/photos/a.jpg", False)):
        owner: Any = {names.PHOTO: made_of}
        choose.draw(layout := stand_in.Layout(), values, owner)  # type: ignore[arg-type]
        assert (f"icon {line.icon}" in layout.shown) == is_seen, "beside the result of another photo"
    values.photo = "/photos/gone.jpg"
    describe()
    layout = stand_in.Layout()
    choose.draw(layout, values)  # type: ignore[arg-type]
    assert "There is no file" in " ".join(layout.texts)


def test_without_packages_blender_hands_over_the_pixels_of_a_jpeg(values: Any, tmp_path: Path) -> None:
    state.current.offer, state.current.lacking = state.Offer(), "Needs Install"
    values.photo = str(PHOTOS / "china.jpg")
    values.mask = str(PHOTOS / "coffee.png")
    describe()
    bpy.ops.mono3d.generate()
    values.photo = str(PHOTOS / "coffee.png")
    bpy.ops.mono3d.generate()
    (described,) = requests(tmp_path / "describer")[:1]
    assert list(described["decoded"]) == [str(PHOTOS / "china.jpg")]
    first, second = requests(tmp_path / "worker")
    ((photo, place),) = first["decoded"].items()
    assert photo == str(PHOTOS / "china.jpg") and Path(place).parent == Path(first["folder"])
    assert second["decoded"] == {} and len(ours()) == 2


def test_without_packages_a_photo_that_cannot_be_read_stops_no_other(values: Any, tmp_path: Path) -> None:
    state.current.lacking = "Needs Install"
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    photos = f"{tmp_path / 'bad.jpg'}\n{PHOTOS / 'china.jpg'}"
    with pytest.raises(RuntimeError, match=r"bad.jpg: 'bad.jpg' is damaged or cut off; copy it again."):
        bpy.ops.mono3d.generate(photos=photos)
    assert len(ours()) == 1 and len(requests(tmp_path / "worker")) == 1


def test_while_a_photo_is_decoded_the_panel_says_so(values: Any) -> None:
    decoded: list[Path] = []

    def decode(photo: Path, settings: Settings, folder: Path) -> dict[str, str]:
        decoded.append(photo)
        return {}

    run = jobs.Run(running.worker(), [PHOTOS / "china.jpg"], Settings(), decode=decode)
    assert run.running and run.stage == "Reading the photo" and not decoded and not run.has_result
    run.advance(lambda folder: None)
    assert run.running and decoded == [PHOTOS / "china.jpg"] and run.stage != "Reading the photo"
    run.finish(lambda folder: None)
    assert run.done == ["china.jpg"] and not run.running
    run = jobs.Run(running.worker(), [PHOTOS / "china.jpg"], Settings(), decode=lambda *_: {})
    run.cancel()
    assert not run.running and run.cancelled


def test_what_needs_packages_is_refused_in_one_sentence(values: Any, tmp_path: Path) -> None:
    state.current.offer, state.current.lacking = state.Offer("430 MB"), "Needs Install, 430 MB"
    values.photo, values.surface, values.model = str(PHOTOS / "coffee.png"), "poisson", "dpt_large_384"
    words = (
        r"'dpt_large_384' \(Model\) and 'poisson' \(Surface\) need packages that are not installed \(430 MB\): click"
    )
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.mono3d.generate()
    assert state.current.run is None and not (tmp_path / "worker" / "requests.jsonl").exists()
    values.surface = "adaptive"
    values.depth_file = str(PHOTOS / "coffee.png")  # then no model runs
    assert bpy.ops.mono3d.generate() == {"FINISHED"}


@pytest.mark.smoke
def test_a_fresh_user_sees_photo_and_generate_at_once_and_a_quiet_offer(values: Any) -> None:
    state.current.offer, state.current.lacking = state.Offer("430 MB"), "Needs Install, 430 MB"
    layout = draw_all()
    first, *others = layout.operators
    assert first == "mono3d.paste_photo"
    assert others == ["mono3d.open_photo", "mono3d.generate", "mono3d.install", "screen.userpref_show"]
    assert layout.shown == ["photo", "image"] and "Needs Install, 430 MB" not in layout.texts
    assert " ".join(layout.texts).count("HEIC") == 1 and "Install, 430 MB" in layout.labels
    values.photo = "/photos/a.jpg"
    layout = draw_all()
    assert "mono3d.generate" in layout.operators and {"near", "model", "preset"} <= set(layout.shown)
    state.current.run = types.SimpleNamespace(stage="Reading", fraction=0.5, cancel=lambda: None)
    layout = draw_all()
    assert "mono3d.generate" not in layout.operators and "mono3d.cancel" in layout.operators
    state.current.run = None
    state.current.offer, state.current.lacking = None, ""
    assert "mono3d.install" not in draw_all().operators


def test_generate_waits_for_a_photo(values: Any) -> None:
    enabled: dict[str, bool] = {}

    class Watched(stand_in.Layout):
        def operator(self, name: str, **options: Any) -> Any:
            enabled[name] = vars(self).get("enabled", True)
            return super().operator(name, **options)

        def row(self, **options: Any) -> stand_in.Layout:
            return Watched()

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            object.__setattr__(self, name, value)

    def draw() -> None:
        main: Any = panel.MONO3D_PT_main
        main.draw(types.SimpleNamespace(layout=Watched()), bpy.context)

    draw()
    assert enabled["mono3d.generate"] is False
    values.photo = "/photos/a.jpg"
    draw()
    assert enabled["mono3d.generate"] is True


def test_choices_that_need_packages_are_marked_with_their_size(values: Any) -> None:
    mark = "Needs Install, 430 MB"
    values.photo = "/photos/a.jpg"
    state.current.offer, state.current.lacking = state.Offer("430 MB"), mark
    readiness.refresh_models()
    assert not [line for line in draw_all().texts if mark in line]
    values.surface = "poisson"
    assert draw_all().texts.count(mark) == 1
    values.surface, values.model = "adaptive", "dpt_large_384"
    assert draw_all().texts.count(mark) == 1 and "+ 1,376 MB, about 5 s" in draw_all().texts
    assert "mono3d.download_model" not in draw_all().operators
    state.current.offer, state.current.lacking = None, ""
    readiness.refresh_models()
    values.surface = "poisson"
    assert not [line for line in draw_all().texts if mark in line]


def test_where_the_camera_comes_from_is_read_whole(values: Any) -> None:
    values.photo = "/photos/a.jpg"
    words = "assumed 55 degrees, unless the network estimates it"
    state.current.photos["/photos/a.jpg"] = state.PhotoLine(0, ("60 x 40 pixels",), words)
    choose.draw(layout := stand_in.Layout(), values)  # type: ignore[arg-type]
    assert f"Camera: {words}" in " ".join(layout.texts) and max(map(len, layout.texts)) < 40


_TOUCHES = ("open", "os.", "socket.", "subprocess.", "shutil.", "tempfile.", "import")
_WATCH: list[list[str]] = []
"""An audit hook cannot be removed: it appends to the list in here, if there is one."""


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _WATCH and event.startswith(_TOUCHES):
        _WATCH[0].append(f"{event} {arguments[:1]}")


def test_drawing_touches_neither_files_nor_the_network_and_takes_under_a_millisecond(values: Any) -> None:
    sys.addaudithook(_hook)
    values.photo = "/photos/a.jpg"
    describe()
    bpy.ops.mono3d.generate()
    bpy.ops.mono3d.show_depth()
    touched: list[str] = []
    run = jobs.Run(running.worker(), [Path("/photos/slow.jpg")], Settings())
    for running_now in (None, run):
        state.current.start(run, 3.0)
        state.current.run = running_now
        draw_all()
        _WATCH.append(touched)
        try:
            times = []
            for _ in range(20):
                began = time.perf_counter()
                draw_all()
                times.append(time.perf_counter() - began)
        finally:
            _WATCH.clear()
        assert not touched
        assert min(times) < 0.001, times
    run.cancel()
    state.current.run = None


def test_the_hook_of_the_test_above_sees_something(tmp_path: Path) -> None:
    sys.addaudithook(_hook)
    seen: list[str] = []
    _WATCH.append(seen)
    (tmp_path / "a").write_text("b")
    _WATCH.clear()
    assert seen


def test_switching_on_and_off_leaks_nothing(empty_file: None) -> None:
    def counts() -> dict[str, int]:
        handlers = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
        found = {name: len(one) for name, one in handlers.items() if isinstance(one, list)}
        found |= {name: len(getattr(bpy.types, name)._dyn_ui_initialize()) for name, _ in menus.ENTRIES}
        found["types"] = len(dir(bpy.types))
        found["timers"] = sum(
            map(
                bpy.app.timers.is_registered,
                (events.refresh, readiness.poll_plan, setup.poll_installation, models.poll_download, description.poll),
            )
        )
        found["subclasses"] = len(bpy.types.Operator.__subclasses__()) + len(bpy.types.Panel.__subclasses__())
        return found

    def use() -> None:
        mono3d_addon.register()
        # Create a few things that must be cleaned up.
        state.current.checked = True
        from mono3d_addon.blender.photos import thumbnails

        thumbnails.show("a", np.zeros((8, 8, 3), np.uint8))
        assert state.current.previews is not None
        scratch = temporary.scratch()
        assert readiness.poll_plan() is None
        mono3d_addon.unregister()
        assert not scratch.exists()

    use()
    gc.collect()
    before = counts()
    tracemalloc.start()
    memory = []
    for times in (5, 25, 25):
        for _ in range(times):
            use()
        gc.collect()
        memory.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert counts() == before
    # Python's table of interned strings grows by megabytes at once, in one of the rounds at most.
    grown = min(after - earlier for earlier, after in itertools.pairwise(memory))
    assert grown < 110_000, f"{grown} bytes more after 25 times"
    assert state.current.previews is None and state.current.worker is None


def test_the_habits_are_properties_and_are_honoured(
    values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, item in preference_values.HABITS.items():
        shown = preferences.MONO3D_AP_preferences.bl_rna.properties[name]
        assert shown.name.startswith(item.choice.label) and item.choice.help in shown.description
    assert preference_values.habits() == Habits()
    chosen_habits = Habits(device="cpu", idle_minutes=0.5, log_level="debug", preset="fast")
    monkeypatch.setattr(preference_values, "habits", lambda: chosen_habits)
    assert running.wished(values).device == "cpu"
    values.device = "cuda"
    assert running.wished(values).device == "cuda", "the scene's own choice must take precedence"
    fresh = bpy.data.scenes.new("fresh")
    preference_values.start_scenes()
    assert fresh.mono3d.preset == "fast" and fresh.mono3d.detail == 512
    assert values.preset == "balanced" and values.detail == 1024, "changed settings must stay"


def test_the_worker_is_started_as_the_habits_and_the_packages_say(
    registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path))
    monkeypatch.setattr(preference_values, "habits", lambda: Habits(idle_minutes=0.5, log_level="debug"))
    first: Any = running.worker()
    assert (first._idle_seconds, first._log_level, first._packages) == (30.0, "debug", ())
    same: Any = running.worker()
    assert same is first and "--bare" in same._bare
    monkeypatch.setattr(preference_values, "habits", Habits)
    second: Any = running.worker()
    assert second is not first and (second._idle_seconds, second._log_level) == (600.0, "info")
    looking: Any = workers.describer()
    monkeypatch.setattr("mono3d_addon.environment.worker_packages", lambda folder: (tmp_path / "packages",))
    third: Any = running.worker()
    assert third._packages == (tmp_path / "packages",) and not third._bare and not state.current.is_bare
    assert workers.describer() is not looking


def test_a_file_that_is_opened_is_looked_at_afresh(values: Any) -> None:
    values.photo = "//a.jpg"
    describe()
    assert "//a.jpg" in state.current.previews
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert not state.current.photos and "//a.jpg" not in state.current.previews
    assert events._after_loading in bpy.app.handlers.load_post


def test_menus_offer_what_there_is(values: Any) -> None:
    layout = stand_in.Layout()
    for cls in (types.SimpleNamespace(layout=layout),):
        menus.MONO3D_MT_object.draw(cls, bpy.context)  # type: ignore[arg-type]
        for _, draw in menus.ENTRIES:
            draw(cls, bpy.context)  # type: ignore[arg-type]
    assert "MONO3D_MT_object" in layout.shown and layout.operators.count("mono3d.import_photo") == 2
    for name in layout.operators:
        operator = getattr(bpy.ops.mono3d, name.partition(".")[2])
        assert len(operator.get_rna_type().description) > 15, f"{name} has no tooltip"


def test_everything_has_a_tooltip(values: Any) -> None:
    for name in dir(bpy.ops.mono3d):
        rna = getattr(bpy.ops.mono3d, name).get_rna_type()
        assert len(rna.description) > 15, name
    for one in values.bl_rna.properties:
        assert one.description or one.identifier in ("rna_type", "name"), one.identifier


def test_sentences_are_translated_before_they_are_filled_in(registered: None) -> None:
    view = bpy.context.preferences.view
    if "de_DE" not in {item.identifier for item in view.bl_rna.properties["language"].enum_items}:
        pytest.skip("this Blender has no translations")
    words = {"de_DE": {("*", "Camera: {source}"): "Kamera: {source}"}}
    before = view.language, view.use_translate_interface
    bpy.app.translations.register("mono3d test", words)
    try:
        view.language, view.use_translate_interface = "de_DE", True
        assert texts.text("Camera: {source}", source="EXIF") == "Kamera: EXIF"
    finally:
        view.language, view.use_translate_interface = before
        bpy.app.translations.unregister("mono3d test")
    assert texts.text("Camera: {source}", source="EXIF") == "Camera: EXIF"


def test_times_are_learned_per_kind_of_job(tmp_path: Path) -> None:
    fast, best = Settings(detail=512), Settings(detail=1920, tiles="on")
    assert durations.expected(tmp_path, fast) is None
    for seconds in (60.0, 2.0, 3.0, 2.5, 2.2, 2.4):
        durations.learn(tmp_path, fast, seconds)
    assert durations.expected(tmp_path, fast) == 2.4, "the median of the last five"
    assert durations.expected(tmp_path, best) is None
    assert durations.expected(tmp_path, Settings(detail=512, near=0.5, poisson_depth=11)) == 2.4
    assert durations.expected(tmp_path, Settings(detail=512, surface="poisson")) is None
    durations.learn(tmp_path, best, 20.0)
    assert durations.expected(tmp_path, best) == 20.0 and durations.expected(tmp_path, fast) == 2.4


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": ["x"]}', "{"])
def test_a_spoiled_list_of_times_is_forgotten(content: str, tmp_path: Path) -> None:
    (tmp_path / "durations.json").write_text(content)
    assert durations.expected(tmp_path, Settings()) is None
    durations.learn(tmp_path, Settings(), 1.0)
    assert durations.expected(tmp_path, Settings()) == 1.0
