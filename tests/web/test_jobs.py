# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of jobs: other shapes, drafts, order, removal, masks, depth maps, samples, and photos that are bad."""

from __future__ import annotations

import io
import json
import struct
import time
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.view_file import positions
from tests.web.web_server import COFFEE, ENDLESS, PHOTOS, SMALL, WebServer, need_packages, png

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()


@pytest.fixture(scope="module")
def server(quick_server: WebServer) -> WebServer:
    return quick_server


def vertices(server: WebServer, id: str) -> int:
    """Returns how many vertices the mesh for the viewer has."""
    return len(positions(server.get(f"/api/jobs/{id}/view").body))


def as_jpeg(size: tuple[int, int], **details: Any) -> bytes:
    """Returns a JPEG, red at its left and blue at its right side."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2, 0] = pixels[:, size[0] // 2 :, 2] = 220
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **details)
    return buffer.getvalue()


def test_a_turned_photo_is_shown_upright_and_without_its_exif(server: WebServer) -> None:
    turned = Image.Exif()
    turned[274] = 6
    id = server.done(as_jpeg((240, 160), exif=turned), SMALL)
    with Image.open(io.BytesIO(server.get(f"/api/jobs/{id}/photo").body)) as photo:
        assert photo.size == (160, 240) and photo.getexif().get(274, 1) == 1
        assert photo.convert("RGB").getpixel((80, 20))[0] > 180, "what was at the left is at the top"  # type: ignore[index]
    scene = trimesh.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/glb").body), file_type="glb")
    textures = {mesh.visual.material.name: mesh.visual.material.baseColorTexture for mesh in scene.geometry.values()}
    assert textures["photo"].size == (160, 240)


def test_the_viewer_asks_for_a_mesh_again_only_when_it_changed(server: WebServer) -> None:
    id = server.done()
    first = server.get(f"/api/jobs/{id}/view")
    again = server.get(f"/api/jobs/{id}/view", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    server.post(f"/api/jobs/{id}/shape", {"settings": SMALL | {"near": 2.0}})
    server.wait(id)
    assert server.get(f"/api/jobs/{id}/view", If_None_Match=first.headers["etag"]).status == 200


def test_a_draft_changes_what_is_shown_and_not_what_is_downloaded(server: WebServer) -> None:
    id = server.done(settings={"detail": 512})
    whole = vertices(server, id)
    server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 512, "near": 2.0}, "draft": True})
    status = server.wait(id)
    assert status["is_draft"] and status["revision"] == 2 and status["result"]["settings"]["detail"] == 512
    assert vertices(server, id) < whole / 2
    ply = trimesh.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/ply").body), file_type="ply")
    assert len(ply.vertices) == whole
    server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 512, "near": 2.0}})
    status = server.wait(id)
    assert not status["is_draft"] and status["revision"] == 3 and vertices(server, id) > whole / 2


def test_a_shape_that_fails_leaves_the_mesh_before(server: WebServer) -> None:
    id = server.done()
    before = server.get(f"/api/jobs/{id}/view").body
    server.post(f"/api/jobs/{id}/shape", {"settings": SMALL | {"trim": 100, "tear": 0.0001}})
    status = server.wait(id)
    assert status["state"] == "done" and status["revision"] == 1
    assert status["error"].startswith("'coffee.png' gave an empty mesh; raise 'Tear'")
    assert server.get(f"/api/jobs/{id}/view").body == before
    assert server.get(f"/api/jobs/{id}/files/glb").status == 200


def test_a_shape_knows_live_settings_only(server: WebServer) -> None:
    id = server.done()
    path = f"/api/jobs/{id}/shape"
    answer = server.post(path, {"settings": {"model": "starter"}})
    assert (
        answer.status == 422
        and answer.error == "Model cannot be changed for an existing result; upload the photo again."
    )
    assert server.post(path, {"settings": {"near": -1}}).status == 422
    assert server.post(path, {"settings": {"near": 5, "far": 4}}).error == "Far (4 m) must be larger than near (5 m)."
    wrongs: list[object] = [[], {"settings": 1}, {"draft": 1}, {"more": 1}, "text"]
    for wrong in wrongs:
        assert server.post(path, wrong).status == 400, wrong
    assert server.status(id)["state"] == "done"


def test_one_job_does_not_take_all_connections(server: WebServer) -> None:
    id = server.started(settings=ENDLESS)
    streams = [server.events(id) for _ in range(16)]
    for stream in streams:
        next(stream)
    answer = server.get(f"/api/jobs/{id}/events")
    assert answer.status == 503 and answer.error == "Too many clients follow this job; request its status instead."
    streams.pop().close()
    time.sleep(0.5)
    streams.append(server.events(id))
    assert next(streams[-1])["id"] == id, "one place has become free"
    server.post(f"/api/jobs/{id}/cancel")
    assert all(list(stream)[-1]["state"] == "cancelled" for stream in streams)


def test_whoever_waits_at_a_slider_comes_before_new_photos(server: WebServer) -> None:
    shaped = server.done()
    busy = server.started(settings=ENDLESS)
    server.wait(busy, "running")
    first, second = server.started(), server.started()
    server.post(f"/api/jobs/{shaped}/shape", {"settings": SMALL | {"near": 2.0}})
    assert [server.status(id)["position"] for id in (busy, shaped, first, second)] == [0, 1, 2, 3]
    server.post(f"/api/jobs/{busy}/cancel")
    assert server.wait(shaped)["revision"] == 2
    assert server.wait(second)["state"] == "done"


def test_what_is_not_there_yet_is_409(server: WebServer) -> None:
    id = server.started(settings=ENDLESS)
    for end in ("photo", "depth", "view", "files/glb"):
        answer = server.get(f"/api/jobs/{id}/{end}")
        assert answer.status == 409 and answer.error.startswith("There is no result yet")
    assert server.post(f"/api/jobs/{id}/shape", {"settings": {}}).status == 409
    server.ask("DELETE", f"/api/jobs/{id}")


def test_a_removed_job_is_gone(server: WebServer) -> None:
    id = server.started()
    assert server.ask("DELETE", f"/api/jobs/{id}").status == 204
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/view"), ("GET", "/events")):
        answer = server.ask(method, f"/api/jobs/{id}{end}")
        assert answer.status == 404 and "does not exist" in answer.error
    finished = server.done()
    assert server.ask("DELETE", f"/api/jobs/{finished}").status == 204
    assert server.get(f"/api/jobs/{finished}").status == 404


def test_a_mask_and_a_depth_map_come_along(server: WebServer) -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 30:] = 255
    depth = np.tile(np.linspace(2.0, 5.0, 60, dtype=np.float32), (40, 1))
    encoded, array = io.BytesIO(), io.BytesIO()
    Image.fromarray(mask).save(encoded, "PNG")
    np.save(array, depth)
    id = server.done(COFFEE, SMALL | {"tear": 0.5}, mask=encoded.getvalue(), depth=array.getvalue())
    result = server.status(id)["result"]
    assert result["model"] == "own depth" and any("depth.npy" in note for note in result["notes"]), result["notes"]
    found = np.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/npy").body))
    assert np.isnan(found[:, :60]).all() and 3.4 < np.nanmin(found) < 3.7 and 4.8 < np.nanmax(found) < 5.1
    server.post(f"/api/jobs/{id}/shape", {"settings": SMALL | {"tear": 0.5, "crop_right": 20.0}})
    assert server.wait(id)["result"]["counts"]["vertices"] < result["counts"]["vertices"], "the mask and depth stay"
    blend = server.get(f"/api/jobs/{id}/files/camera").body
    assert b"/" not in json.loads(blend)["photo"].encode()


def test_two_photos_with_one_depth_map_keep_their_own_colours(server: WebServer) -> None:
    array = io.BytesIO()
    np.save(array, np.tile(np.linspace(2.0, 3.0, 60, dtype=np.float32), (40, 1)))
    red = server.done(png(60, 40, (200, 20, 20)), {}, depth=array.getvalue())
    blue = server.done(png(60, 40, (20, 20, 200)), {}, depth=array.getvalue())
    for id, channel in ((red, 0), (blue, 2)):
        server.post(f"/api/jobs/{id}/shape", {"settings": {"near": 1.5}})
        server.wait(id)
        cloud = trimesh.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/cloud").body), file_type="ply")
        colours = np.asarray(cloud.colors)[:, :3].mean(axis=0)
        assert int(colours.argmax()) == channel and colours[channel] > 180


@pytest.mark.parametrize("name", ["coffee", "china", "astronaut"])
def test_a_sample_photo_will_do(server: WebServer, name: str) -> None:
    answer = server.upload(settings=SMALL, sample=name)
    assert answer.status == 202 and answer.json()["name"] == f"{name}.jpg"
    status = server.wait(answer.json()["id"])
    assert status["state"] == "done"
    told = next(one for one in server.get("/api/about").json()["samples"] if one["name"] == name)
    used = status["result"]["settings"]
    assert 0.0 < used["near"] == told["near"] < used["far"] == told["far"]
    told = status["result"]["distances"]
    assert (told["near"]["metres"], told["far"]["metres"]) == (used["near"], used["far"])
    assert told["near"]["source"] == "set by you"


def test_distances_of_the_visitors_own_stand_before_a_samples(server: WebServer) -> None:
    for given, found in (
        ({"near": 2.0}, (2.0, 0.0)),
        ({"far": 7.0}, (0.0, 7.0)),
        ({"near": 1.0, "far": 6.0}, (1.0, 6.0)),
    ):
        answer = server.upload(settings=SMALL | given, sample="coffee")
        used = server.wait(answer.json()["id"])["result"]["settings"]
        assert (used["near"], used["far"]) == found


def test_presets_and_photos_in_other_formats(server: WebServer) -> None:
    buffer = io.BytesIO()
    with Image.open(PHOTOS / "china.jpg") as picture:
        picture.convert("RGB").save(buffer, "WEBP")
    id = server.done(buffer.getvalue(), {"far": 9}, preset="fast", name="a.jpg")
    settings = server.status(id)["result"]["settings"]
    assert (settings["detail"], settings["far"]) == (512, 9.0)


def test_a_bad_photo_costs_one_job(server: WebServer) -> None:
    data = COFFEE.read_bytes()
    cut = server.started(data[: len(data) // 50], name="cut.png")
    status = server.wait(cut)
    assert status["state"] == "failed" and status["error"].startswith("'cut.png' is damaged or cut off")
    assert "/" not in status["error"], "no places of the server"
    assert server.get(f"/api/jobs/{cut}/photo").error == "There is no result: the job failed."
    # Its header says 16 by 16, so that it is let in; the worker meets the rest.
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 16, 16, 8, 2, 0, 0, 0) + b"\0\0\0\0"
    assert server.wait(server.started(header + b"rubbish"))["state"] == "failed"
    assert server.wait(server.started())["state"] == "done"
