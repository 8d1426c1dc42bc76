# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from training import sets

ROOT = Path(__file__).resolve().parents[2]


def _soft_set(folder: Path) -> Path:
    """A red square in front of a blue wall, and a label whose soft edges are two pixels off."""
    folder.mkdir()
    pixels = np.zeros((128, 160, 3), np.uint8)
    pixels[...] = 30, 40, 200
    pixels[40:90, 50:110] = 220, 30, 30
    label = np.full((128, 160), 0.25, np.float32)
    label[38:88, 52:112] = 0.8
    soft = Image.fromarray(np.round(label * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(3)).resize((80, 64))
    for name in ("a_1", "b_1"):
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=95)
        soft.save(folder / f"{name}.disp.png")
    return folder


def _run(photos: Path, out: Path) -> None:
    command = [sys.executable, "-m", "training.sharpen", "--photos", str(photos), "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, timeout=120)


def test_edges_move_to_those_of_the_photo(tmp_path: Path) -> None:
    photos, out = _soft_set(tmp_path / "soft"), tmp_path / "sharp"
    _run(photos, out)
    example = sets.read([out])[0]
    assert example.picture_at.read() == (photos / "a_1.jpg").read_bytes()
    disparity = example.disparity()
    assert disparity.shape == (128, 160)
    steps = np.abs(np.diff(disparity[64]))
    assert set(np.flatnonzero(steps > 0.2)) == {49, 109}
    assert np.abs(disparity[64, 60:100] - 0.8).max() < 0.05
    assert np.abs(disparity[64, 10:40] - 0.25).max() < 0.05


def test_it_continues_where_it_stopped(tmp_path: Path) -> None:
    photos, out = _soft_set(tmp_path / "soft"), tmp_path / "sharp"
    _run(photos, out)
    (out / "b_1.jpg").unlink()
    kept = (out / "a_1.disp.png").stat().st_mtime_ns
    _run(photos, out)
    assert [example.name for example in sets.read([out])] == ["a_1", "b_1"]
    assert (out / "a_1.disp.png").stat().st_mtime_ns == kept
    assert not list(out.glob("*.partial"))
