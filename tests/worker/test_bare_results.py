# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker without extras makes of a photo and a depth map: every setting and format that needs none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core.photo.png_writer import encoded
from mono3d_addon.core.reconstruction import load
from mono3d_addon.errors import Mono3DError
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT
from mono3d_addon.worker import reshape_files
from mono3d_addon.worker.client import Worker

PHOTO = ROOT / "tests" / "photos" / "coffee.png"
FILES = {
    "glb": "cup.glb",
    "ply": "cup.ply",
    "obj": "cup.obj",
    "stl": "cup.stl",
    "cloud": "cup_cloud.ply",
    "npy": "cup_depth.npy",
    "png16": "cup_depth.png",
    "camera": "cup_camera.json",
    "picture": "cup_preview.png",
}
SMALL = Settings(detail=160)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("bare data")
    worker = Worker("reconstruct", [], folder / "logs" / "worker.log", folder, is_bare=True)
    yield worker
    worker.stop()


@pytest.fixture(scope="module")
def depths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One depth map as NPY and PFM in metres, and as PNG of disparity: a floor, a thing on it, and a wall."""
    folder = tmp_path_factory.mktemp("depth")
    rows, columns = np.mgrid[:200, :300].astype(np.float32)
    floor = 1.2 * 260 / np.maximum(rows - 40, 20)
    metres = np.minimum(floor, 5.0)
    metres[(np.abs(columns - 150) < 50) & (rows > 60) & (rows < 170)] = 2.0
    metres = metres.astype(np.float32)
    found = {"npy": folder / "cup.npy", "pfm": folder / "cup.pfm", "png": folder / "cup.png"}
    np.save(found["npy"], metres)
    found["pfm"].write_bytes(b"Pf\n300 200\n-1.0\n" + metres[::-1].astype("<f4").tobytes())
    found["png"].write_bytes(encoded(np.rint(65535 * metres.min() / metres).astype(np.uint16)))
    return found


def run(worker: Worker, folder: Path, settings: Settings, exports: dict[str, str] | None = None) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    request = {"photo": str(PHOTO), "settings": dataclasses.asdict(settings), "folder": str(folder)}
    files = {name: str(folder / file) for name, file in (FILES if exports is None else exports).items()}
    return worker.submit({**request, "exports": files}).wait()


def packed(folder: Path, settings: Settings) -> Any:
    """Returns the same reconstruction by this process, which has the packages."""
    (folder / "packed").mkdir()
    return pipeline.reconstruct(
        PHOTO, settings, lambda stage, share: None, Session(folder), pipeline.Folders(folder / "packed")
    )


CASES: dict[str, dict[str, Any]] = {
    "fill": {},
    "quads": {"quads": True, "edges": "tear", "trim": 1, "crop_left": 10.0},
    "connected": {"edges": "connected", "photo_detail": 0.5, "smooth": 3},
    "level": {"level": True, "sky": "clamp", "normal_map": True, "shading": "principled"},
    "sky removed": {"sky": "remove"},
    "solid": {"solid": "flat", "tear": 0.0},
    "vertex colours": {"material": "vertex_colours", "solid": "mirrored"},
}


_QUICK = ("fill", "quads", "level")


@pytest.mark.parametrize(
    "name", [name if name in _QUICK else pytest.param(name, marks=pytest.mark.thorough) for name in CASES]
)
def test_geometry_is_that_of_a_worker_with_packages(
    name: str, bare: Worker, depths: dict[str, Path], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]), **CASES[name])
    result = run(bare, tmp_path / "job", settings)
    found, expected = load(tmp_path / "job"), packed(tmp_path, settings)
    assert result["counts"] == expected.counts() and result["notes"] == list(expected.notes)
    for part in ("mesh", "background"):
        one, other = getattr(found, part), getattr(expected, part)
        assert (one is None) == (other is None)
        if one is not None:
            assert np.array_equal(one.triangles, other.triangles) and np.array_equal(one.quads, other.quads)
            np.testing.assert_allclose(one.vertices, other.vertices, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(one.uv, other.uv, atol=1e-5)
            assert np.abs(one.colors.astype(int) - other.colors).max() <= 1
    for file in FILES.values():
        assert (tmp_path / "job" / file).stat().st_size > 100, file
    assert set(result["files"]) == set(FILES)


def test_every_depth_file_is_read(bare: Worker, depths: dict[str, Path], tmp_path: Path) -> None:
    found = {}
    for name, path in depths.items():
        kind = "disparity" if name == "png" else "metres"
        settings = dataclasses.replace(SMALL, depth_file=str(path), depth_kind=kind, sky="keep", edge_aware=False)
        run(bare, tmp_path / name, settings, {})
        found[name] = load(tmp_path / name).depth
    assert found["npy"].max() == pytest.approx(5.0, rel=1e-3)
    assert np.array_equal(found["pfm"], found["npy"])
    disparity, inverse = 1.0 / found["png"], 1.0 / found["npy"]
    assert np.corrcoef(disparity.ravel(), inverse.ravel())[0, 1] > 0.999


def test_pictures_can_be_read_by_others(bare: Worker, depths: dict[str, Path], tmp_path: Path) -> None:
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]), normal_map=True, shading="principled")
    folder = tmp_path / "job"
    run(bare, folder, settings)
    saved = load(folder)
    with Image.open(PHOTO) as photo, Image.open(saved.texture) as texture:
        assert np.array_equal(np.asarray(photo.convert("RGB")), np.asarray(texture))
    assert saved.background_texture is not None and saved.normal_map is not None
    for path in (saved.background_texture, saved.normal_map, folder / FILES["picture"]):
        with Image.open(path) as picture:
            assert picture.mode == "RGB" and np.asarray(picture).std() > 1.0
    with Image.open(folder / FILES["png16"]) as picture:
        assert picture.info["unit"] == "metre" and np.asarray(picture).max() == 65535
    assert json.loads((folder / FILES["camera"]).read_text())["width"] == 600


def test_an_adaptive_mesh_with_a_mask(bare: Worker, depths: dict[str, Path], tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    kept = np.zeros((200, 300), np.uint8)
    kept[:, 100:] = 255
    mask.write_bytes(encoded(kept))
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]), surface="adaptive", mask=str(mask))
    result = run(bare, tmp_path / "job", settings)
    saved = load(tmp_path / "job")
    assert 0 < result["counts"]["triangles"] < 9000 and saved.mesh.uv[:, 0].min() > 0.3
    assert np.isnan(saved.depth[:, :50]).all()


def test_a_mesh_is_reshaped_without_the_photo_being_read_again(
    bare: Worker, depths: dict[str, Path], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]))
    (tmp_path / "a").mkdir()
    request = {"photo": str(PHOTO), "settings": dataclasses.asdict(settings), "folder": str(tmp_path / "a")}
    bare.submit({**request, "keep": True, "key": "cup"}).wait()
    (tmp_path / "b").mkdir()
    other = dataclasses.asdict(dataclasses.replace(settings, smooth=2, crop_left=20.0))
    bare.submit({"task": "reshape", "key": "cup", "settings": other, "folder": str(tmp_path / "b")}).wait()
    made = reshape_files.load(tmp_path / "b")
    assert made.mesh.uv[:, 0].min() > 0.19
    assert made.background_texture is not None and made.background_texture.suffix == ".png"
    with Image.open(made.background_texture) as picture:
        assert picture.mode == "RGB"


def test_a_jpeg_that_was_handed_over_is_texture_and_preview(
    bare: Worker, depths: dict[str, Path], tmp_path: Path
) -> None:
    photo = tmp_path / "cup.jpg"
    with Image.open(PHOTO) as picture:
        picture.convert("RGB").save(photo, quality=95)
    with Image.open(photo) as picture:
        np.save(tmp_path / "cup.npy", np.asarray(picture))
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]))
    files = {name: str(tmp_path / FILES[name]) for name in ("glb", "picture")}
    request = {"photo": str(photo), "settings": dataclasses.asdict(settings), "folder": str(tmp_path)}
    with pytest.raises(Mono3DError, match="JPEG files need the package Pillow, which is not installed"):
        bare.submit({**request, "exports": files}).wait()
    bare.submit({**request, "exports": files, "decoded": {str(photo): str(tmp_path / "cup.npy")}}).wait()
    texture = load(tmp_path).texture
    with Image.open(texture) as one, Image.open(photo) as other:
        assert texture.suffix == ".jpg" and np.array_equal(np.asarray(one), np.asarray(other))
    run(bare, tmp_path / "png", settings, {"picture": FILES["picture"]})
    with Image.open(tmp_path / "png" / FILES["picture"]) as one, Image.open(files["picture"]) as other:
        difference = np.asarray(one).astype(int) - np.asarray(other)
        assert np.abs(difference).mean() < 4


def test_the_other_tasks_need_no_package_either(bare: Worker, depths: dict[str, Path], tmp_path: Path) -> None:
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]))
    whole = {"photo": str(PHOTO), "settings": dataclasses.asdict(settings), "folder": str(tmp_path)}
    described = {"photo": str(PHOTO), "thumbnail": str(tmp_path / "small.npy"), "side": 100, "max_pixels": 100.0}
    bare.submit({"task": "describe", **described}).wait()
    assert np.load(tmp_path / "small.npy").shape == (67, 100, 3)
    bare.submit({"task": "depth", **whole}).wait()
    alone = np.load(tmp_path / "depth.npy")
    bare.submit({"task": "reconstruct", **whole}).wait()
    assert np.array_equal(load(tmp_path).depth, alone)
    export = {"task": "export", "folder": str(tmp_path), "name": "cup"}
    for name in ("obj", "picture", "exr", "normals_exr"):
        bare.submit({**export, "format": name, "path": str(tmp_path / f"out.{name}")}).wait()
        assert (tmp_path / f"out.{name}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("more", "exports", "feature"),
    [
        ({"surface": "poisson"}, {}, "Poisson and ball pivoting surfaces need the package open3d"),
        ({"surface": "ball_pivoting"}, {}, "Poisson and ball pivoting surfaces need the package open3d"),
        ({"target_triangles": 500}, {}, "Surfaces with fewer triangles need the package fast-simplification"),
        ({}, {"vtp": "cup.vtp"}, "VTP files need the package pyvista"),
        ({}, {"turntable": "cup.webp"}, "WebP files need the package Pillow"),
    ],
)
def test_what_needs_an_extra_is_one_sentence(
    more: dict[str, Any], exports: dict[str, str], feature: str, bare: Worker, depths: dict[str, Path], tmp_path: Path
) -> None:
    settings = dataclasses.replace(SMALL, depth_file=str(depths["npy"]), **more)
    with pytest.raises(Mono3DError) as raised:
        run(bare, tmp_path / "job", settings, exports)
    assert str(raised.value).startswith(f"{feature}, which is not installed: click Install in the sidebar")
    assert not list((tmp_path / "job").glob("cup*")) and not list((tmp_path / "job").glob("*.json"))
