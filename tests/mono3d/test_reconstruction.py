# SPDX-License-Identifier: GPL-3.0-or-later
"""`mono3d.Reconstruction`: arrays, files, other libraries, notebooks."""

from __future__ import annotations

import base64
import gc
import importlib.util
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mono3d
from mono3d import conversions
from mono3d_addon.surface import open3d_library

ROOT = Path(__file__).resolve().parents[2]
COFFEE = ROOT / "tests" / "photos" / "coffee.png"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(COFFEE, tmp_path_factory.mktemp("photos") / "cup.png"))


@pytest.fixture(scope="module")
def cup(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> mono3d.Reconstruction:
    """A result with a background and a levelled camera."""
    return mono3d.reconstruct(photo, detail=128, level=True, data_folder=tmp_path_factory.mktemp("data"))


def test_the_mesh_projects_onto_the_photo(cup: mono3d.Reconstruction) -> None:
    assert len(cup.mesh.vertices) > len(cup._result.mesh.vertices), "the filled background is part of it"
    surface = len(cup._result.mesh.vertices)
    pixels = cup.camera.project(cup.mesh.vertices[:surface])
    u = cup.mesh.uv[:surface] * [cup.camera.width, cup.camera.height]
    assert np.abs(pixels[:, 0] - u[:, 0]).max() < 0.01
    assert np.abs(cup.camera.height - pixels[:, 1] - u[:, 1]).max() < 0.01


def test_arrays_are_as_documented(cup: mono3d.Reconstruction, photo: Path) -> None:
    assert cup.depth.dtype == np.float32 and max(cup.depth.shape) == 128 and type(cup.depth) is np.ndarray
    assert cup.disparity.ndim == 2 and not cup.depth.flags.writeable
    assert 0 < cup.near < cup.far and cup.near * 0.5 < float(np.nanmin(cup.depth))
    assert (cup.name, cup.photo, cup.engine != "") == ("cup", photo, True)


@pytest.mark.parametrize(
    ("name", "format", "others"),
    [
        ("cup.glb", None, []),
        ("cup.exr", None, []),
        ("new/folder/cup.ply", None, []),
        ("cup.npy", None, []),
        ("points.ply", "cloud", []),
        ("view.png", "picture", []),
        ("cup.json", None, []),
        ("cup.obj", None, ["cup.mtl", "cup_behind_texture.jpg", "cup_texture.png"]),
    ],
)
def test_files_are_saved_by_their_ending_or_a_format(
    name: str, format: str | None, others: list[str], cup: mono3d.Reconstruction, tmp_path: Path
) -> None:
    first, *more = cup.save(tmp_path / name, format)  # type: ignore[arg-type]
    assert first == tmp_path / name and first.stat().st_size > 100
    assert [path.name for path in more] == others
    assert sorted(path.name for path in first.parent.iterdir()) == sorted([first.name, *others])


def test_a_photo_is_never_replaced(cup: mono3d.Reconstruction, photo: Path) -> None:
    before = photo.read_bytes()
    with pytest.raises(mono3d.Mono3DError, match=r"'cup\.png' would replace a photo"):
        cup.save(photo)
    assert photo.read_bytes() == before and [path.name for path in photo.parent.iterdir()] == ["cup.png"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cup.xyz", r"'cup\.xyz' cannot be written: supported endings are \.blend \.glb"),
        ("cup.blend", "The packages for Blender scenes are not installed"),
        ("cup.vtp", "The packages for VTP files are not installed"),
    ],
)
def test_what_cannot_be_saved_is_one_sentence(
    name: str, sentence: str, cup: mono3d.Reconstruction, tmp_path: Path
) -> None:
    with pytest.raises(mono3d.Mono3DError, match=sentence):
        cup.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_trimesh_gets_the_mesh_of_the_glb_file(cup: mono3d.Reconstruction, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    mesh = cup.to_trimesh()
    saved = trimesh.load(cup.save(tmp_path / "cup.glb")[0], force="scene").to_geometry()
    assert np.allclose(mesh.bounds, saved.bounds, atol=1e-4) and len(mesh.faces) == len(cup.mesh.triangles)
    assert (mesh.visual.vertex_colors[:, :3] == cup.mesh.colors).all()


def test_open3d_gets_the_mesh_of_the_ply_file(cup: mono3d.Reconstruction, tmp_path: Path) -> None:
    if importlib.util.find_spec("open3d") is None:
        pytest.skip("Open3D is not installed")
    open3d = open3d_library.load()
    mesh = cup.to_open3d()
    saved = open3d.io.read_triangle_mesh(str(cup.save(tmp_path / "cup.ply")[0]))
    for name in ("vertices", "vertex_normals", "vertex_colors", "triangles"):
        assert np.allclose(np.asarray(getattr(mesh, name)), np.asarray(getattr(saved, name)), atol=1e-5), name


def test_pyvista_gets_the_mesh_of_the_vtp_file_or_a_sentence(cup: mono3d.Reconstruction) -> None:
    try:
        import pyvista  # noqa: F401
    except ImportError:
        with pytest.raises(mono3d.Mono3DError, match="needs pyvista.*'python3 -m pip install pyvista'"):
            cup.to_pyvista()
        return
    mesh = cup.to_pyvista()
    assert (mesh.n_points, mesh.n_cells) == (len(cup.mesh.vertices), len(cup.mesh.triangles))
    assert (mesh.point_data["RGB"] == cup.mesh.colors).all()


def test_a_library_that_is_missing_is_named(cup: mono3d.Reconstruction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trimesh", None)
    with pytest.raises(mono3d.Mono3DError, match="This conversion needs trimesh"):
        conversions.to_trimesh(cup.mesh)


def test_notebooks_show_a_picture_and_facts(cup: mono3d.Reconstruction) -> None:
    text = cup._repr_html_()
    found = re.search(r'src="data:image/png;base64,([^"]+)"', text)
    assert found and base64.b64decode(found[1]) == cup._repr_png_()
    with Image.open(io.BytesIO(cup._repr_png_())) as picture:
        assert picture.format == "PNG" and max(picture.size) >= 960
    assert f"cup.png: {len(cup.mesh.vertices):,} vertices" in text and "field of view" in repr(cup)


def test_names_are_escaped(tmp_path: Path) -> None:
    photo = Path(shutil.copy(COFFEE, tmp_path / "a & b.png"))
    result = mono3d.reconstruct(photo, detail=32, data_folder=tmp_path / "data")
    assert "a &amp; b.png" in result._repr_html_()


def test_temporary_files_go_with_the_result_and_arrays_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = mono3d.reconstruct(COFFEE, detail=32, data_folder=tmp_path / "data")
    depth, (folder,) = result.depth, tmp_path.glob("mono3d-python-*")
    del result
    gc.collect()
    assert not folder.exists() and np.isfinite(depth).any()
