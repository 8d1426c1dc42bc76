# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in a fresh Blender without packages and without a network: from the zip to the mesh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.programs.program import WORK, Program

PHOTOS = ("coffee.png", "china.jpg")


class Made(NamedTuple):
    """A mesh that `check_bare.py` has stored: distances (n,) along the camera's axis, UVs (n, 2), and other results."""

    depths: NDArray[np.float32]
    uvs: NDArray[np.float32]
    about: dict[str, Any]


def made(program: Program, photo: str, data_folder: str = "") -> Made:
    out = program.work / "out" / f"{program.profile}-{Path(photo).stem}.npz"
    out.unlink(missing_ok=True)
    words = (f"{WORK}/repository/tests/photos/{photo}", data_folder, program.inside(out))
    done = program.script("check_bare.py", *words, options=("--offline-mode",))
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout.splitlines()[-1])
    with np.load(out) as arrays:
        return Made(arrays["places"][:, 1], arrays["uvs"], json.loads(str(arrays["about"])))


@pytest.mark.parametrize("photo", PHOTOS)
def test_a_photo_becomes_a_mesh_with_nothing_installed(bare: Program, photo: str) -> None:
    result = made(bare, photo)
    assert result.about["faces"] > 100_000 and "numpy" in " ".join(result.about["messages"])
    assert not (Path(bare.root, result.about["own folder"].lstrip("/")) / "environments").exists()
    # On two busy cores; the usual time is printed above.
    assert result.about["seconds"] < 60.0


def test_the_operators_are_those_of_the_edition(bare: Program) -> None:
    operators = made(bare, "coffee.png").about["operators"]
    installing = {"MONO3D_OT_install", "MONO3D_OT_uninstall", "MONO3D_OT_repair", "MONO3D_OT_download_model"}
    assert "MONO3D_OT_generate" in operators
    assert installing & set(operators) == (installing if "full" in bare.profile else set())


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_mesh_is_that_of_the_installed_product(bare: Program, program: Program, photo: str) -> None:
    """At the vertices of the same pixels, within what the engines differ by."""
    result, expected = made(bare, photo), made(program, photo, f"{WORK}/data")
    assert "numpy" not in " ".join(expected.about["messages"])
    assert abs(len(result.depths) / len(expected.depths) - 1.0) < 0.005
    places = {tuple(uv): depth for uv, depth in zip(np.round(expected.uvs, 5).tolist(), expected.depths, strict=True)}
    pairs = [
        (depth, places[tuple(uv)])
        for uv, depth in zip(np.round(result.uvs, 5).tolist(), result.depths, strict=True)
        if tuple(uv) in places
    ]
    shared = np.array(pairs)
    assert len(shared) > 0.98 * len(result.depths)
    off = np.abs(shared[:, 0] / shared[:, 1] - 1.0)
    print(f"{photo}: depths differ by {np.median(off):.1e} (median), {np.percentile(off, 99):.1e} (99th percentile)")
    assert np.median(off) < 2e-4 and np.percentile(off, 99) < 5e-3
