# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures, through the server: a worker whose network tells the truth of a scene."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import exact_network as exact
from tests.exact_files import ANGLE, POINTS, data_folder, depth_errors, true_sky, vertex_errors
from tests.view_file import positions
from tests.web.web_server import DATA, WebServer, need_packages, serving

pytestmark = [pytest.mark.slow]
need_packages()

SHAPE: dict[str, Any] = {"detail": 320, "planes": False, "edges": "tear", "sky": "remove"}
SETTINGS = {"model": POINTS, **SHAPE}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server whose data folder has the weights of one model besides the starter's."""
    folder = tmp_path_factory.mktemp("exact")
    data = data_folder(folder / "data", POINTS, DATA)
    with serving(folder, data=data, program="tests.exact_worker") as running:
        yield running
        assert "Traceback" not in running.text() and "unforeseen" not in running.text(), running.text()


def vertices(server: WebServer, id: str) -> np.ndarray[Any, Any]:
    """Returns the vertices of the mesh for the viewer in the camera's frame; glTF is y up and looks along -z."""
    found = positions(server.get(f"/api/jobs/{id}/view").body)
    return found.astype(np.float32) * np.array([1, -1, -1], np.float32)


def test_metres_lens_and_sky_come_through_the_server(server: WebServer, tmp_path: Path) -> None:
    camera = exact.eye(degrees=ANGLE)
    id = server.done(exact.photo(tmp_path), SETTINGS)
    result = server.status(id)["result"]
    assert result["camera"]["source"] == "estimated 62 degrees"
    assert result["distances"]["near"]["source"] == result["distances"]["far"]["source"] == "estimated"
    facts = server.get(f"/api/jobs/{id}/files/camera").json()
    assert facts["field_of_view_degrees"]["longer_side"] == pytest.approx(ANGLE, abs=0.01)
    depth = np.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/npy").body))
    assert np.quantile(depth_errors(depth, camera), 0.99) < 1e-3
    assert (np.isnan(depth) != true_sky(camera, *depth.shape)).mean() < 4e-3
    assert np.quantile(vertex_errors(vertices(server, id), camera), 0.98) < 1e-3
    # A slider on top of what was measured: the far distance follows the near one, and the network does not run again.
    near = result["distances"]["near"]["metres"]
    answer = server.post(f"/api/jobs/{id}/shape", {"settings": SHAPE | {"near": 2.0 * near}, "draft": False})
    assert answer.status == 202, answer.body
    after = server.wait(id)["result"]
    assert "Estimating depth" in result["seconds"] and "Estimating depth" not in after["seconds"]
    assert np.quantile(vertex_errors(vertices(server, id) / 2.0, camera), 0.98) < 2e-3
