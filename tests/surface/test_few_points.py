# SPDX-License-Identifier: GPL-3.0-or-later
"""Open3D crashes if it cannot build a surface, so these tests run in a child process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from mono3d_addon.version import ROOT

pytestmark = [
    pytest.mark.open3d,
    pytest.mark.skipif(importlib.util.find_spec("open3d") is None, reason="Open3D is not installed"),
]

CODE = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from mono3d_addon.surface.meshing import OrientedPoints, ball_pivoting, poisson
positions = np.array({positions}, np.float64).reshape(-1, 3)
points = OrientedPoints(positions, np.tile([0.0, 0.0, -1.0], (len(positions), 1)))
print(len(poisson(points, 9, 2.0, 4.0).triangles), len(ball_pivoting(points).triangles))
"""


@pytest.mark.parametrize("positions", [[], [[1, 2, 3]], [[1, 2, 3], [2, 2, 3]], [[1, 2, 3]] * 10], ids=str)
def test_points_that_span_nothing_give_an_empty_surface(positions: list[list[float]]) -> None:
    code = CODE.format(root=str(ROOT), positions=positions)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["0", "0"]), done.stderr[-300:]
