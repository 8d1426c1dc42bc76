# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures, in the command as a user types it: a worker whose network tells the truth of a scene."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera
from tests.exact_files import (
    ANGLE,
    BY_FOCAL,
    DISPARITY,
    EXIF_ANGLE,
    METRES,
    MONO,
    POINTS,
    depth_errors,
    files,
    true_range,
    true_sky,
    vertex_errors,
)
from tests.test_cli import DATA, ROOT, data  # noqa: F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')"),
]


@dataclass(frozen=True)
class Made:
    """What the command made of a photo: depth, camera file, vertices in the camera's frame, and what it said."""

    depth: NDArray[np.float32]
    facts: dict[str, Any]
    vertices: NDArray[np.float32]
    text: str
    record: dict[str, Any]
    camera: Camera


def run(model: str, folder: Path, data_folder: Path, *words: object, has_exif: bool = False) -> Made:
    """Runs the command on a photo of its own."""
    given = files(folder, model, has_exif=has_exif)
    out, report = folder / "out", folder / "report.json"
    command = [sys.executable, "-m", "tests.exact_worker", given.photo, "-o", out, "--data-folder", data_folder]
    command += ["--model", model, "--weights", given.weights, "--detail", 320, "--no-planes", "--no-preview"]
    command += ["--format", "npy,camera,glb", "--edges", "tear", "--report", report, *words]
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scene = trimesh.load(out / f"{given.photo.stem}.glb", process=False)
    meshes = list(scene.geometry.values())
    (record,) = json.loads(report.read_text(encoding="utf-8"))["photos"]
    assert (record["model"], record["engine"]) == (f"{model} ({given.weights.name})", "exact")
    return Made(
        np.load(out / f"{given.photo.stem}_depth.npy"),
        json.loads((out / f"{given.photo.stem}_camera.json").read_text(encoding="utf-8")),
        # glTF is y up and looks along -z.
        np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float32) * np.array([1, -1, -1], np.float32),
        done.stdout,
        record,
        given.camera,
    )


def check_metres(made: Made, angle: float) -> None:
    found = depth_errors(made.depth, made.camera)
    assert np.quantile(found, 0.99) < 1e-3, np.quantile(found, [0.5, 0.9, 0.99])
    found = vertex_errors(made.vertices, made.camera)
    assert np.quantile(found, 0.98) < 1e-3, np.quantile(found, [0.5, 0.9, 0.98, 0.99])
    assert made.facts["field_of_view_degrees"]["longer_side"] == pytest.approx(angle, abs=0.01)


def sources(made: Made) -> tuple[str, str]:
    """Returns where the near distance and the lens come from."""
    return made.record["distances"]["near"]["source"], made.record["camera"]["source"]


def test_points_give_metres_lens_and_sky(data: Path, tmp_path: Path) -> None:  # noqa: F811
    made = run(POINTS, tmp_path, data, "--sky", "remove")
    check_metres(made, ANGLE)
    sky = true_sky(made.camera, *made.depth.shape)
    assert (np.isnan(made.depth) != sky).mean() < 4e-3
    assert "Distances: estimated" in made.text and "estimated 62 degrees" in made.text, made.text
    assert sources(made) == ("estimated", "estimated 62 degrees")


@pytest.mark.parametrize(
    ("model", "words", "source"),
    [
        pytest.param(METRES, ("--field-of-view", ANGLE), "estimated", marks=pytest.mark.thorough),
        pytest.param(BY_FOCAL, ("--field-of-view", ANGLE), "estimated", marks=pytest.mark.thorough),
        (MONO, ("--field-of-view", ANGLE, "--near"), "set by you"),
        (DISPARITY, ("--field-of-view", ANGLE, "--percentile", 1, "--sky", "keep", "--near", "--far"), "set by you"),
    ],
)
def test_each_kind_gives_metres_with_what_it_lacks(
    model: str,
    words: tuple[object, ...],
    source: str,
    data: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    near, far = true_range(model, has_sky=model == DISPARITY)
    known: list[object] = []
    for word in words:
        known += [word, {"--near": near, "--far": far}[word]] if word in ("--near", "--far") else [word]
    made = run(model, tmp_path, data, *known)
    check_metres(made, ANGLE)
    assert sources(made) == (source, "your setting")


@pytest.mark.parametrize(
    ("model", "words", "angle", "said"),
    [
        pytest.param(POINTS, ("--field-of-view", EXIF_ANGLE), EXIF_ANGLE, "your setting", marks=pytest.mark.thorough),
        pytest.param(POINTS, (), EXIF_ANGLE, "EXIF", marks=pytest.mark.thorough),
        (BY_FOCAL, (), EXIF_ANGLE, "EXIF"),
    ],
)
def test_the_lens_of_user_and_file_come_first(
    model: str,
    words: tuple[object, ...],
    angle: float,
    said: str,
    data: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    made = run(model, tmp_path, data, *words, has_exif=True)
    check_metres(made, angle)
    near, lens = sources(made)
    assert near == "estimated" and said in lens, lens


def test_without_any_lens_it_is_the_usual_one(data: Path, tmp_path: Path) -> None:  # noqa: F811
    made = run(METRES, tmp_path, data)
    assert np.quantile(depth_errors(made.depth, made.camera), 0.99) < 1e-3
    assert made.facts["field_of_view_degrees"]["longer_side"] == pytest.approx(55.0, abs=0.01)
    near, lens = sources(made)
    assert near == "estimated" and "55 degrees" in lens and "estimated" not in lens, lens
