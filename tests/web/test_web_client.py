# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the documentation, against a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from mono3d_addon.errors import Cancelled, Mono3DError
from mono3d_addon.version import ROOT
from mono3d_addon.web.client import Client, Refused
from tests.web.web_server import COFFEE, ENDLESS, SMALL, STAND_IN, WebServer, need_packages, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()
TOKEN = "correcthorse42battery"


@pytest.fixture
def client(server: WebServer) -> Client:
    return Client(server.address)


def test_from_a_photo_to_files(client: Client, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    job = client.reconstruct(COFFEE, settings=SMALL, on_progress=lambda *told: seen.append(told))
    assert seen and job.result["counts"]["vertices"] > 1000
    glb, npy = job.save(tmp_path / "out", "glb", "npy")
    assert (glb.name, npy.name) == ("coffee.glb", "coffee_depth.npy")
    assert len(trimesh.load(glb).to_geometry().vertices) == job.result["counts"]["vertices"]
    near = np.load(npy)
    assert job.shape(SMALL | {"near": 2.0})["revision"] == 2
    assert np.nanmin(np.load(job.save(tmp_path, "npy")[0])) > np.nanmin(near)
    assert client.job(job.id).result == job.result
    job.delete()
    with pytest.raises(Refused, match="does not exist") as caught:
        job.refresh()
    assert caught.value.status == 404


def test_a_mask_a_depth_map_and_a_preset(client: Client, tmp_path: Path) -> None:
    depth = tmp_path / "Tiefe.npy"
    np.save(depth, np.full((40, 60), 3.0, np.float32))
    job = client.reconstruct(COFFEE, {"tear": 0.5}, preset="fast", depth=depth, mask=COFFEE)
    assert job.result["model"] == "own depth" and job.result["settings"]["detail"] == 512


def test_refusals_are_sentences(client: Client, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Near: -1 m is outside") as caught:
        client.reconstruct(COFFEE, settings={"near": -1})
    assert caught.value.status == 422
    with pytest.raises(Mono3DError, match="cannot be read"):
        client.send(tmp_path / "nothing.jpg")
    with pytest.raises(Mono3DError, match="call wait"):
        _ = client.send(COFFEE, SMALL).result
    big = tmp_path / "big.jpg"
    big.write_bytes(bytes(101_000_000))
    with pytest.raises(Refused, match="the limit here is 100 MB") as caught:
        client.send(big)
    assert caught.value.status == 413


def test_cancelled_and_failed_jobs(client: Client, tmp_path: Path) -> None:
    job = client.send(COFFEE, ENDLESS)
    job.cancel()
    with pytest.raises(Cancelled):
        job.wait()
    cut = tmp_path / "cut.png"
    cut.write_bytes(COFFEE.read_bytes()[:1000])
    with pytest.raises(Mono3DError, match=r"'cut\.png' is damaged"):
        client.reconstruct(cut)


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-jobs", "1", "--token", TOKEN, program=STAND_IN) as server:
        client = Client(server.address, TOKEN)
        first = client.send(COFFEE, {"detail": 1024})
        with pytest.raises(Refused, match="busy") as caught:
            client.send(COFFEE, SMALL)
        assert caught.value.status == 503 and caught.value.retry_after > 0
        assert client.reconstruct(COFFEE, SMALL, patience=60.0).result
        assert first.refresh()["state"] == "done"
        with pytest.raises(Refused, match="token"):
            Client(server.address, "wrong").about()


def test_no_server_is_one_sentence() -> None:
    with pytest.raises(Mono3DError, match=r"The server at 127\.0\.0\.1:9 cannot be reached"):
        Client("http://127.0.0.1:9").about()
    with pytest.raises(Mono3DError, match="is not the address of a server"):
        Client("127.0.0.1:8760")


def test_it_needs_the_standard_library_alone(server: WebServer) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from mono3d_addon.web.client import Client; print(Client(sys.argv[1]).about()['workers'])"
    command = [sys.executable, "-I", "-S", "-c", code, server.address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "1", done.stderr
