# SPDX-License-Identifier: GPL-3.0-or-later
"""From the photo to the mesh with nothing installed: Blender's own Python and numpy, in every wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import state, workers
from mono3d_addon.blender.installing import setup
from mono3d_addon.settings import Settings
from mono3d_addon.worker.client import Worker
from tests.blender import made_pictures
from tests.blender.made import bpy
from tests.blender.worked import PYTHON, result_of, vertices
from tests.file_list import results

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "tests" / "photos"
DETAIL = 300

needs_packages = pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages")


@pytest.fixture
def values(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of the scene, in a Blender whose data folder is empty."""
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    scene: Any = bpy.context.scene
    scene.mono3d.detail = DETAIL
    yield scene.mono3d


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG that its EXIF data turn by 90 degrees, and so a photo of 427 x 640 pixels."""
    path = tmp_path_factory.mktemp("turned") / "china.jpg"
    code = (
        "import sys; from PIL import Image; exif = Image.Exif(); exif[int(sys.argv[3])] = 6;"
        "Image.open(sys.argv[1]).save(sys.argv[2], quality=90, exif=exif)"
    )
    command = [PYTHON, "-c", code, str(PHOTOS / "china.jpg"), str(path), str(made_pictures.ORIENTATION)]
    subprocess.run(command, check=True, timeout=60)
    return path


def newest() -> Any:
    return bpy.context.view_layer.objects.active


def expected(worker: Worker, photo: Path, settings: Settings, folder: Path) -> np.ndarray:
    """Returns the vertices of the mesh that a worker with packages makes of a photo."""
    places = np.asarray(result_of(worker, folder, settings, photo).mesh.vertices)
    # The camera looks along y in Blender, and z is up.
    return places[:, [0, 2, 1]] * np.array([1.0, 1.0, -1.0], np.float32)


@needs_packages
@pytest.mark.parametrize("kind", ["png", pytest.param("turned", marks=pytest.mark.smoke)])
def test_a_photo_becomes_the_mesh_of_the_installed_product(
    kind: str, values: Any, turned: Path, worker: Worker, tmp_path: Path
) -> None:
    photo = PHOTOS / "coffee.png" if kind == "png" else turned
    values.photo, values.edges, values.tiles = str(photo), "connected", "off"
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    words = " ".join(state.current.messages)
    assert "starter" in words and "numpy" in words and state.current.is_bare
    if kind == "turned":
        scene = bpy.context.scene
        bpy.ops.mono3d.look_through_camera()
        assert (scene.render.resolution_x, scene.render.resolution_y) == (427, 640)
    settings = Settings(detail=DETAIL, edges="connected", tiles="off")
    wanted = expected(worker, photo, settings, tmp_path / "installed")
    found = vertices(newest())
    assert found.shape == wanted.shape
    off = np.abs(found[:, 1] / wanted[:, 1] - 1.0)
    print(f"depths differ by {np.median(off):.1e} (median), {np.percentile(off, 99):.1e} (99th percentile)")
    assert np.median(off) < 2e-4 and np.percentile(off, 99) < 5e-3


@pytest.mark.smoke
@needs_packages
def test_own_depth_gives_exactly_the_mesh_of_the_installed_product(
    values: Any, turned: Path, worker: Worker, tmp_path: Path
) -> None:
    depth = np.tile(np.linspace(1.0, 4.0, 427, dtype=np.float32), (640, 1))
    depth[200:300, 100:300] = 0.5
    np.save(tmp_path / "depth.npy", depth)
    values.photo, values.depth_file = str(turned), str(tmp_path / "depth.npy")
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    settings = Settings(detail=DETAIL, depth_file=str(tmp_path / "depth.npy"))
    wanted = expected(worker, turned, settings, tmp_path / "installed")
    found = vertices(newest())
    assert len(found) >= len(wanted)
    np.testing.assert_allclose(found[: len(wanted)], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.smoke
def test_the_mesh_is_reshaped_also_by_a_new_worker(values: Any) -> None:
    values.photo, values.mask = str(PHOTOS / "china.jpg"), ""
    bpy.ops.mono3d.generate()
    near = vertices(newest())[:, 1].min()
    for factor in (2.0, 3.0):
        assert bpy.ops.mono3d.reshape(near=factor * near, far=20.0 * near, surface="adaptive") == {"FINISHED"}
        assert vertices(newest())[:, 1].min() == pytest.approx(factor * near, rel=0.15)
        assert len(newest().data.polygons) > 1000
        state.current.forget_worker()  # the next one has to read the photo from the object


def test_a_reshape_that_needs_packages_is_one_sentence(values: Any) -> None:
    values.photo = str(PHOTOS / "coffee.png")
    bpy.ops.mono3d.generate()
    count = len(newest().data.vertices)
    with pytest.raises(RuntimeError, match=r"'poisson' \(Surface\) needs packages that are not installed"):
        bpy.ops.mono3d.reshape(surface="poisson")
    assert len(newest().data.vertices) == count


@pytest.mark.thorough
def test_a_mask_that_blender_decodes_is_used(values: Any, tmp_path: Path) -> None:
    shutil.copy(PHOTOS / "china.jpg", tmp_path / "mask.jpg")
    values.photo, values.mask = str(PHOTOS / "coffee.png"), str(tmp_path / "mask.jpg")
    bpy.ops.mono3d.generate()
    masked = len(newest().data.vertices)
    values.mask = ""
    bpy.ops.mono3d.generate()
    assert 1000 < masked < len(newest().data.vertices)


def test_the_depth_is_shown(values: Any) -> None:
    values.photo = str(PHOTOS / "china.jpg")
    assert bpy.ops.mono3d.show_depth() == {"FINISHED"}
    assert state.current.depth is not None and len(state.current.depth_images) == 2


@pytest.mark.parametrize("preset", [pytest.param(name, marks=pytest.mark.thorough) for name in ("fast", "best")])
def test_presets_work(values: Any, preset: str) -> None:
    values.photo, values.preset = str(PHOTOS / "coffee.png"), preset
    assert bpy.ops.mono3d.generate() == {"FINISHED"}


def test_a_photo_for_which_packages_are_needed_says_so(values: Any, tmp_path: Path) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
    (tmp_path / "a.heic").write_bytes(heic)
    with pytest.raises(RuntimeError, match="Install"):
        bpy.ops.mono3d.generate(photos=str(tmp_path / "a.heic"))


def test_an_installation_in_the_background_blocks_nothing(values: Any) -> None:
    state.current.installation = types.SimpleNamespace(
        stage="Downloading", fraction=0.5, running=True, can_be_cancelled=True, cancel=lambda: None
    )
    values.photo = str(PHOTOS / "coffee.png")
    assert bpy.ops.mono3d.generate.poll() and not bpy.ops.mono3d.install.poll()
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    state.current.installation = None


def test_the_next_job_after_an_installation_has_the_packages_and_a_running_one_goes_on(
    values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mono3d_addon.blender.photos import running

    first: Any = running.worker()
    run: Any = types.SimpleNamespace(cancel=lambda: None)
    state.current.run = run
    work: Any = types.SimpleNamespace(cancelled=False, error="", cancel=lambda: None)
    state.current.installation = work
    packages = (tmp_path / "packages",)
    monkeypatch.setattr("mono3d_addon.environment.worker_packages", lambda folder: packages)
    setup.on_finished()
    assert state.current.worker is first, "the running job lost its worker"
    state.current.run = None
    second: Any = running.worker()
    assert second is not first and second._packages == packages and not second._bare
    assert workers.describer() is not None
    monkeypatch.setattr("mono3d_addon.environment.worker_packages", lambda folder: ())
    third: Any = running.worker()
    assert third is not second and third._bare


_BATCH = """
import runpy, sys
import bpy
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_a_batch_without_packages(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("china.jpg", "coffee.png"):
        shutil.copy(PHOTOS / name, photos)
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    out = tmp_path / "out"
    options = [str(photos), "-o", str(out), "--data-folder", str(tmp_path / "data"), "--format", "blend,ply"]
    options += ["--detail", "200"]
    variables = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "resources"), "TMPDIR": str(tmp_path)}
    batch = str(ROOT / "mono3d_addon" / "batch.py")
    answer = subprocess.run(
        [sys.executable, "-c", _BATCH, batch, "--", *options],
        capture_output=True,
        text=True,
        timeout=300,
        env=variables,
        cwd=tmp_path,
    )
    assert "2 done, 1 failed" in answer.stdout, answer.stdout + answer.stderr
    assert "'bad.jpg' is damaged or cut off; copy it again." in answer.stdout + answer.stderr
    made = sorted(path.name for path in results(out))
    assert [name for name in made if not name.endswith("_preview.png")] == [
        "china.blend",
        "china.ply",
        "coffee.blend",
        "coffee.ply",
    ]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("mono3d-run-")]
