# SPDX-License-Identifier: GPL-3.0-or-later
"""Every download opens in a reader that is not ours."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visit import Visit
from tests.web.web_server import WebServer


def download(visit: Visit, format: str, folder: Path) -> Path:
    """Presses a format's button and returns the file, under the name that the browser gives it."""
    with visit.page.expect_download(timeout=120_000) as waiting:
        visit.find(f"a[data-format={format}]").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.fixture
def at_result(visit: Visit, coffee: str) -> Visit:
    visit.open(coffee)
    return visit


@pytest.mark.parametrize(
    "format", ["glb", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("obj", "ply", "stl"))]
)
def test_meshes_open(at_result: Visit, format: str, tmp_path: Path) -> None:
    path = download(at_result, format, tmp_path)
    assert "coffee" in path.name
    if format == "obj":
        assert path.suffix == ".zip"
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {Path(name).suffix for name in archive.namelist()} == {".obj", ".mtl", ".jpg"}
            archive.extractall(tmp_path / "obj")
        path = next((tmp_path / "obj").rglob("*.obj"))
        material = next((tmp_path / "obj").rglob("*.mtl"))
        picture = material.read_text().split("map_Kd ", 1)[1].split("\n", 1)[0]
        with Image.open(material.parent / picture) as texture:
            assert texture.size == (600, 400)
    mesh = trimesh.load(path, force="mesh", process=False)
    triangles = int(at_result.find("#facts dd").nth(1).inner_text().split(", ")[1].split(" ")[0].replace(",", ""))
    assert len(mesh.faces) == triangles and np.isfinite(mesh.vertices).all()


@pytest.mark.thorough
def test_the_cloud_opens(at_result: Visit, tmp_path: Path) -> None:
    path = download(at_result, "cloud", tmp_path)
    cloud: Any = trimesh.load(path)
    assert path.suffix == ".ply" and len(cloud.vertices) > 10_000


def test_depth_and_camera_open(at_result: Visit, site: WebServer, tmp_path: Path) -> None:
    depth = np.load(download(at_result, "npy", tmp_path), allow_pickle=False)
    camera = json.loads(download(at_result, "camera", tmp_path).read_text(encoding="utf-8"))
    with Image.open(download(at_result, "png16", tmp_path)) as picture:
        levels = np.asarray(picture)
    assert depth.shape == levels.shape and 0.9 < np.nanmin(depth) < np.nanmax(depth) < 6.1
    # Near is bright.
    assert np.corrcoef(depth.ravel(), levels.ravel().astype(float))[0, 1] < -0.8
    assert camera["width"] > camera["height"] > 0
    assert camera["field_of_view_degrees"] == site.status(at_result.job)["result"]["camera"]["field_of_view_degrees"]
    exr = download(at_result, "exr", tmp_path).read_bytes()
    assert exr[:4] == b"\x76\x2f\x31\x01"


def test_those_that_this_server_cannot_make_say_why(at_result: Visit, site: WebServer, tmp_path: Path) -> None:
    for format in site.get("/api/about").json()["formats"]:
        place = at_result.find(f"[data-format={format['name']}]")
        expect(place).to_be_visible()
        if format["available"]:
            assert place.get_attribute("href")
        else:
            assert place.get_attribute("aria-disabled") == "true" and format["reason"] in place.inner_text()


def test_the_blender_file_opens(at_result: Visit, site: WebServer, tmp_path: Path) -> None:
    if not next(one for one in site.get("/api/about").json()["formats"] if one["name"] == "blend")["available"]:
        pytest.skip("the component 'scene' is not installed in the data folder")
    data = download(at_result, "blend", tmp_path).read_bytes()
    # Blender's own header, or that of the zstd that it compresses with.
    assert data[:7] == b"BLENDER" or data[:4] == b"\x28\xb5\x2f\xfd"


def test_a_download_that_fails_is_told_on_the_page(at_result: Visit) -> None:
    at_result.expected = ("507",)
    sentence = "The disk of the server is full; tell its owner."
    answer = {"status": 507, "content_type": "application/json", "body": json.dumps({"error": sentence})}
    at_result.page.route("**/files/glb?*", lambda route: route.fulfill(**answer))
    at_result.find("a[data-format=glb]").click()
    expect(at_result.find("#download-failure")).to_have_text(sentence)


def test_a_mesh_that_is_being_shaped_is_not_downloaded(visit: Visit, own_coffee: str, tmp_path: Path) -> None:
    """Neither the mesh from before the change nor a sentence that blames another page."""
    visit.open(own_coffee)
    visit.find("#shape-far").fill("8")
    visit.find("#shape-far").press("Enter")
    visit.find("#download-first").click()
    expect(visit.find("#download-failure")).to_contain_text("still being shaped")
    # The sentence goes when the mesh is there.
    expect(visit.find("#download-failure")).to_be_hidden(timeout=60_000)
    assert download(visit, "glb", tmp_path).stat().st_size > 10_000
