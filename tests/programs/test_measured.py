# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures, in the installed extension: a worker whose network tells the truth of a scene."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests import exact_network as exact
from tests.exact_files import ANGLE, POINTS, files, vertex_errors
from tests.programs.program import WORK, Program


def test_metres_and_lens_in_the_program(program: Program) -> None:
    folder = program.work / "out" / "measured"
    shutil.rmtree(folder, ignore_errors=True)
    given = files(folder, POINTS)
    shutil.copy(Path(__file__).parents[1] / "exact_worker.py", program.work / "repository" / "tests")
    out = folder / "mesh.npz"
    words = [program.inside(given.photo), program.inside(given.weights), POINTS, f"{WORK}/data", f"{WORK}/repository"]
    done = program.script("check_measured.py", *words, program.inside(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CHECKED" in done.stdout and "estimated 62 degrees" in done.stdout, done.stdout
    with np.load(out) as made:
        places, angle = made["places"][:, [0, 2, 1]] * np.array([1, -1, 1], np.float32), float(made["angle"])
    assert angle == pytest.approx(ANGLE, abs=0.01)
    assert np.quantile(vertex_errors(places, exact.eye(degrees=ANGLE)), 0.98) < 1e-3
