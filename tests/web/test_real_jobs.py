# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo's way through the product's own server, whose worker estimates its depth: progress, result, cancelling."""

from __future__ import annotations

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from tests.web.test_jobs import as_jpeg, vertices
from tests.web.web_server import COFFEE, ENDLESS, SMALL, WebServer, need_packages

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()


def test_a_photo_becomes_a_mesh_and_its_pictures(server: WebServer) -> None:
    seen = list(server.events(server.started(COFFEE, SMALL, name="Tasse 1.png")))
    assert [one["state"] for one in seen][-1] == "done" and "running" in {one["state"] for one in seen}
    assert [one["fraction"] for one in seen] == sorted(one["fraction"] for one in seen)
    last = seen[-1]
    id, result = last["id"], last["result"]
    assert last == server.status(id) | {"elapsed": last["elapsed"], "expires": last["expires"]}
    assert last["name"] == "Tasse 1.png" and last["revision"] == 1 and not last["is_draft"] and last["fraction"] == 1.0
    assert (result["width"], result["height"]) == (600, 400) and result["model"] == "starter"
    assert re.fullmatch(r"assumed \d+ degrees", result["camera"]["source"])
    assert result["counts"]["vertices"] > 1000
    assert result["settings"]["detail"] == 128 and "mask" not in result["settings"]
    photo = server.get(f"/api/jobs/{id}/photo")
    assert photo.headers["content-type"] == "image/png"
    # The same pixels; metadata is left out.
    with Image.open(io.BytesIO(photo.body)) as shown, Image.open(COFFEE) as sent:
        assert shown.mode == sent.mode and shown.tobytes() == sent.tobytes()
    with Image.open(io.BytesIO(server.get(f"/api/jobs/{id}/depth").body)) as depth:
        assert depth.mode == "RGB" and np.asarray(depth).std() > 20, "colours that vary"
    assert vertices(server, id) == result["counts"]["vertices"]


def test_another_shape_takes_the_same_depth(server: WebServer) -> None:
    id = server.done()
    before = server.status(id)["result"]
    answer = server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 64, "near": 2.0}, "draft": False})
    assert answer.status == 202 and answer.json()["state"] in ("queued", "running") and answer.json()["result"]
    after = server.wait(id)
    assert after["revision"] == 2 and after["result"]["counts"]["vertices"] < before["counts"]["vertices"]
    assert "Estimating depth" in before["seconds"] and "Estimating depth" not in after["result"]["seconds"]
    assert after["result"]["settings"]["near"] == 2.0 and after["result"]["settings"]["far"] == 0.0
    depth = np.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/npy").body))
    assert depth.shape == (43, 64) and 1.9 < np.nanmin(depth) < 2.1


def test_a_newer_shape_replaces_one_that_runs(server: WebServer) -> None:
    id = server.done(settings={"detail": 1024})
    server.post(f"/api/jobs/{id}/shape", {"settings": ENDLESS})
    server.wait(id, "running")
    server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 64}})
    # Far less than what runs would take, and enough for another worker to start on a busy machine.
    status = server.wait(id, seconds=60.0)
    assert status["result"]["settings"]["surface"] == "grid" and status["revision"] == 2 and not status["error"]


def test_cancelling_costs_one_job(server: WebServer) -> None:
    first = server.started(settings=ENDLESS)
    server.wait(first, "running")
    second, third = server.started(), server.started()
    assert [server.status(id)["position"] for id in (first, second, third)] == [0, 1, 2]
    answer = server.post(f"/api/jobs/{second}/cancel")
    assert answer.status == 200 and answer.json()["state"] == "cancelled" and answer.json()["result"] is None
    assert server.status(third)["position"] == 1
    assert server.post(f"/api/jobs/{first}/cancel").json()["state"] == "cancelled"
    assert server.wait(third)["state"] == "done"
    again = server.post(f"/api/jobs/{first}/cancel")
    assert again.status == 409 and again.error == "This job is already over."
    assert server.get(f"/api/jobs/{first}/view").error == "There is no result: the job was cancelled."


def lose_what_is_kept(server: WebServer) -> None:
    """Has the worker be stopped: cancelling in Open3D's hands costs it, and with it all that it knew."""
    other = server.started(settings=ENDLESS | {"detail": 512})
    end = time.monotonic() + 60
    while (stage := server.status(other)["stage"]) != "Building the surface":
        assert time.monotonic() < end, stage
        time.sleep(0.05)
    server.post(f"/api/jobs/{other}/cancel")


def test_a_worker_that_lost_its_photos_reads_them_again(server: WebServer) -> None:
    shape = {"detail": 128, "sky": "clamp"}
    # A faster engine would be prepared for a shape of its own.
    ids = [
        server.done(settings={"detail": 256}),
        server.done(as_jpeg((4400, 64)), SMALL | {"engine": "plain"}),
    ]

    def shaped() -> list[dict[str, object]]:
        for id in ids:
            server.post(f"/api/jobs/{id}/shape", {"settings": shape})
        return [server.wait(id)["result"] for id in ids]

    kept = shaped()
    lose_what_is_kept(server)
    for read, before in zip(shaped(), kept, strict=True):
        for name in ("counts", "camera", "notes", "width", "height"):
            assert read[name] == before[name], name
    assert (kept[1]["width"], kept[1]["height"]) == (4400, 64), "a large photo is kept as it came"
