# SPDX-License-Identifier: GPL-3.0-or-later
"""Every download, opened by a program that is not ours."""

from __future__ import annotations

import io
import json
import zipfile
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from mono3d_addon import environment
from mono3d_addon.settings import FORMATS
from mono3d_addon.web.downloads import clean_name, file_name, stem_of
from tests.web.web_server import COFFEE, DATA, SMALL, WebServer, need_packages

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()


@pytest.fixture(scope="module")
def id(server: WebServer) -> str:
    return server.done(COFFEE, SMALL | {"surface": "poisson"}, name="../Tässe \u2603 1.png")


def saved(server: WebServer, id: str, format: str) -> tuple[str, bytes]:
    """Returns the name and the content of a download."""
    answer = server.get(f"/api/jobs/{id}/files/{format}")
    assert answer.status == 200, answer.body
    listed = {one["name"]: one for one in server.get("/api/about").json()["formats"]}
    assert answer.headers["content-type"] == listed[format]["media_type"]
    header = Message()
    header["Content-Disposition"] = answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment;")
    name = header.get_filename()
    assert name is not None and name.endswith(listed[format]["ending"])
    return name, answer.body


def mesh_of(data: bytes, ending: str) -> trimesh.Trimesh:
    found = trimesh.load(io.BytesIO(data), file_type=ending)
    return found.to_geometry() if isinstance(found, trimesh.Scene) else found


@pytest.mark.parametrize("format", ["glb", "ply", "stl"])
def test_meshes(server: WebServer, id: str, format: str) -> None:
    name, data = saved(server, id, format)
    assert name == f"Tässe _ 1.{format}"
    triangles = server.status(id)["result"]["counts"]["triangles"]
    assert len(mesh_of(data, format).faces) == triangles > 1000


def test_obj_comes_in_a_zip_with_its_material_and_texture(server: WebServer, id: str, tmp_path: Path) -> None:
    name, data = saved(server, id, "obj")
    assert name == "Tässe _ 1_obj.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        members = archive.namelist()
        archive.extractall(tmp_path)
    files = ("mesh.obj", "mesh.mtl", "mesh_texture.png", "mesh_behind_texture.jpg")
    assert sorted(members) == sorted(f"Tässe _ 1/{one}" for one in files)
    parts = trimesh.load(tmp_path / "Tässe _ 1" / "mesh.obj").geometry.values()
    assert sum(len(one.faces) for one in parts) == server.status(id)["result"]["counts"]["triangles"]
    textures = {one.visual.material.name: one.visual.material.image for one in parts}
    assert set(textures) == {"photo", "behind"} and textures["photo"].size == (600, 400)


def test_the_cloud(server: WebServer, id: str) -> None:
    name, data = saved(server, id, "cloud")
    points = trimesh.load(io.BytesIO(data), file_type="ply")
    assert name.endswith("_cloud.ply") and len(points.vertices) == server.status(id)["result"]["counts"]["points"]


def test_the_depth_in_three_ways(server: WebServer, id: str, tmp_path: Path) -> None:
    import OpenEXR

    depth = np.load(io.BytesIO(saved(server, id, "npy")[1]))
    assert depth.shape == (85, 128) and depth.dtype == np.float32
    with Image.open(io.BytesIO(saved(server, id, "png16")[1])) as picture:
        near, far = float(picture.info["near"]), float(picture.info["far"])
        inverse = np.asarray(picture, np.float64) / 65535 * (1 / near - 1 / far) + 1 / far
    assert np.allclose(1 / inverse, depth, rtol=1e-3)
    (tmp_path / "depth.exr").write_bytes(saved(server, id, "exr")[1])
    with OpenEXR.File(str(tmp_path / "depth.exr"), separate_channels=True) as file:
        stored = file.channels()["Y"].pixels
    assert np.allclose(stored, depth, rtol=1e-3)


def test_the_camera(server: WebServer, id: str) -> None:
    camera = json.loads(saved(server, id, "camera")[1])
    assert (camera["width"], camera["height"]) == (600, 400)
    assert camera["photo"] == "Tässe \u2603 1.png" and camera["fx"] == server.status(id)["result"]["camera"]["fx"]


def test_a_scene_for_blender_where_blender_is(server: WebServer, id: str) -> None:
    if environment.missing(("scene",), DATA):
        answer = server.get(f"/api/jobs/{id}/files/blend")
        assert (
            answer.status == 404 and answer.error == "The packages for Blender scenes are not installed on this server."
        )
        return
    _, data = saved(server, id, "blend")
    # Blender compresses with Zstandard; a file of older ones begins in plain text.
    assert data.startswith((b"\x28\xb5\x2f\xfd", b"BLENDER"))
    for place in (str(DATA).encode(), b"server-", b"jobs/"):
        assert place not in data, place


def test_a_format_whose_packages_are_missing_says_so(server: WebServer, id: str) -> None:
    for one in server.get("/api/about").json()["formats"]:
        if not one["available"]:
            answer = server.get(f"/api/jobs/{id}/files/{one['name']}")
            assert answer.status == 404 and answer.error == one["reason"] != ""
    assert server.get(f"/api/jobs/{id}/files/exe").status == 404
    listed = server.status(id)["result"]["files"]
    assert set(listed) == {one["name"] for one in server.get("/api/about").json()["formats"] if one["available"]}
    assert set(FORMATS) == {one["name"] for one in server.get("/api/about").json()["formats"]}


def test_a_download_is_written_once(server: WebServer, id: str) -> None:
    first, second = (server.get(f"/api/jobs/{id}/files/ply") for _ in range(2))
    assert first.body == second.body and first.headers["last-modified"] == second.headers["last-modified"]


@pytest.mark.parametrize(
    ("given", "shown", "stem"),
    [
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\Windows\\cup.png", "cup.png", "cup"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png", "aSet-Cookie_ x"),
        ("\u202egnp.exe", "gnp.exe", "gnp"),
        ("", "photo", "photo"),
        ("...", "photo", "photo"),
        ("\ud800.png", ".png", "png"),
        ("x" * 300 + ".png", "x" * 68 + "xxxxxxxx.png", "x" * 76),
        ("<b>.png", "<b>.png", "_b_"),
    ],
)
def test_names_are_for_showing_only(given: str, shown: str, stem: str) -> None:
    assert clean_name(given) == shown
    assert stem_of(shown) == stem and file_name(shown, "glb") == f"{stem}.glb"
