# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in a fresh Blender without packages and without a network: from the zip to the mesh."""

from __future__ import annotations

import functools
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.programs.program import WORK, Program

PHOTOS = ("coffee.png", "china.jpg")
SOME = ("china.jpg", pytest.param("coffee.png", marks=pytest.mark.thorough))
"""Blender decodes a JPEG for the worker; a PNG, which the worker reads by itself, is in tests/blender too."""

Maker = Callable[[str], "Made"]


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


@pytest.fixture(scope="module")
def mesh(bare: Program) -> Maker:
    """Returns what becomes of a photo in an edition without packages."""
    return functools.cache(lambda photo: made(bare, photo))


@pytest.fixture(scope="module")
def expected(program: Program) -> Maker:
    """Returns what becomes of a photo with packages."""
    return functools.cache(lambda photo: made(program, photo, f"{WORK}/data"))


@pytest.mark.parametrize("photo", SOME)
def test_a_photo_becomes_a_mesh_with_nothing_installed(bare: Program, mesh: Maker, photo: str) -> None:
    result = mesh(photo)
    assert result.about["faces"] > 100_000 and "numpy" in " ".join(result.about["messages"])
    assert not (Path(bare.root, result.about["own folder"].lstrip("/")) / "environments").exists()
    # On two busy cores; the usual time is printed above.
    assert result.about["seconds"] < 60.0


def test_the_operators_are_those_of_the_edition(bare: Program, mesh: Maker) -> None:
    operators = mesh("china.jpg").about["operators"]
    installing = {"MONO3D_OT_install", "MONO3D_OT_uninstall", "MONO3D_OT_repair", "MONO3D_OT_download_model"}
    assert "MONO3D_OT_generate" in operators
    assert installing & set(operators) == (installing if "full" in bare.profile else set())


@pytest.mark.parametrize("photo", SOME)
def test_the_mesh_is_that_of_the_installed_product(mesh: Maker, expected: Maker, photo: str) -> None:
    """At the vertices of the same pixels, within what the engines differ by."""
    result, wanted = mesh(photo), expected(photo)
    assert "numpy" not in " ".join(wanted.about["messages"])
    assert abs(len(result.depths) / len(wanted.depths) - 1.0) < 0.005
    # The background goes on behind near things, so a pixel may have several depths.
    places = defaultdict(list)
    for uv, depth in zip(np.round(wanted.uvs, 5).tolist(), wanted.depths.tolist(), strict=True):
        places[tuple(uv)].append(depth)
    pixels = (tuple(uv) for uv in np.round(result.uvs, 5).tolist())
    off = np.array(
        [
            min(abs(depth / other - 1.0) for other in places[pixel])
            for pixel, depth in zip(pixels, result.depths.tolist(), strict=True)
            if pixel in places
        ]
    )
    assert len(off) > 0.98 * len(result.depths)
    print(f"{photo}: depths differ by {np.median(off):.1e} (median), {np.percentile(off, 99):.1e} (99th percentile)")
    assert np.median(off) < 1e-4 and np.percentile(off, 99) < 1e-3


def test_a_batch_works_without_packages(bare: Program) -> None:
    if "full" not in bare.profile:
        pytest.skip("this edition has no command line")
    out = bare.work / "out" / "batch"
    shutil.rmtree(out, ignore_errors=True)
    extension = f"{WORK}/{bare.profile}/extensions/user_default/mono3d"
    photos = [f"{WORK}/repository/tests/photos/{photo}" for photo in PHOTOS]
    words = [*photos, "-o", bare.inside(out), "--format", "blend,glb,ply", "--detail", "256"]
    batch = f"{extension}/mono3d_addon/batch.py"
    done = bare.blender("--offline-mode", "--python", batch, "--", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 done" in done.stdout and "numpy" in done.stdout
    shown = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    endings = (".blend", ".glb", ".ply", "_preview.png")
    assert shown == sorted(f"{name}{end}" for name in ("china", "coffee") for end in endings)
