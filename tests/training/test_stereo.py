# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth from pairs of photos, made here from textures at known distances."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.file_server import Behaviour, serving
from tests.training.made_packages import tar
from training import comparison, photo_table, stereo

cv2 = pytest.importorskip("cv2", reason="OpenCV is only in training/requirements.txt")

HEIGHT, WIDTH = 120, 240
WALL, BOX = 9, 30
"""Disparities in pixels."""


def pair() -> tuple[stereo.Pixels, stereo.Pixels]:
    """Returns two photos of a wall and of a box before it, in the middle."""
    random = np.random.default_rng(0)
    wall, box = (
        cv2.GaussianBlur(random.integers(0, 256, size, np.uint8), (0, 0), 1.2) for size in ((120, 400), (60, 80))
    )
    photos = []
    for offset in (0, 1):
        one = wall[:, 80 + offset * WALL : 80 + offset * WALL + WIDTH].copy()
        one[30:90, 90 - offset * BOX : 170 - offset * BOX] = box
        photos.append(np.repeat(one[..., None], 3, axis=2))
    return photos[0], photos[1]


def test_disparities_are_found_and_what_one_photo_hides_is_unknown() -> None:
    left, right = pair()
    found = stereo.disparity(left, right, 48)
    assert found.dtype == np.float32 and found.shape == (HEIGHT, WIDTH)
    box = found[35:85, 95:165]
    assert np.isfinite(box).mean() > 0.9 and np.nanmax(np.abs(box - BOX)) <= 1.0
    wall = np.concatenate([found[5:25, 20:], found[95:115, 20:]])
    assert np.isfinite(wall).mean() > 0.9 and np.nanmax(np.abs(wall - WALL)) <= 1.0
    # Beside the box, the right photo does not show the wall; at the left border, it shows nothing.
    hidden = found[40:80, 90 - (BOX - WALL) + 3 : 87]
    assert np.isnan(hidden).mean() > 0.8
    assert np.isnan(found[:, : WALL - 2]).all()


@pytest.mark.parametrize(("focal", "baseline"), [(200.0, 0.1), (200.0, None), (None, None)])
def test_metres_and_lens_are_told_where_they_are_known(focal: float | None, baseline: float | None) -> None:
    package = photo_table.Package("pypi", "a", 1, "b")
    one = stereo.Pair("a_1", package, "l", "r", 48, focal, baseline, 3.0, (0.0, 0.25, 0.5, 1.0), "room")
    picture, away, known = stereo.measured(one, *pair())
    assert picture.shape == (90, 120, 3) and away.shape == (90, 120) and away.dtype == np.float32
    scale = 1.0 if focal is None or baseline is None else focal * baseline
    assert np.median(away[np.isfinite(away)]) * scale == pytest.approx(WALL + 3.0, abs=0.3)
    assert np.isinf(away).any() and not np.isnan(away).any()
    assert known["kind"] == "room"
    assert known.get("focal") == (None if focal is None else pytest.approx(200.0 / 120.0, abs=1e-4))
    assert known.get("inverse_metres") == (1.0 if baseline else None)


@pytest.fixture
def server() -> Iterator[Behaviour]:
    with serving() as behaviour:
        yield behaviour


def test_the_command_writes_what_evaluate_takes(
    server: Behaviour, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        f"a/{side}.png": cv2.imencode(".png", photo)[1].tobytes() for side, photo in zip("lr", pair(), strict=True)
    }
    server.content = tar(files, "gz")
    table = tmp_path / "stereo.csv"
    row = ["a_1", "pypi", "p/a_1.tar.gz", len(server.content), hashlib.sha256(server.content).hexdigest()]
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(next(csv.reader(stereo.TABLE.open(encoding="utf-8"))))
        writer.writerow([*row, "a/l.png", "a/r.png", 48, 200, 0.1, 0, "0 0 1 1", "object"])
    arguments = ["--list", str(table), "--out", str(tmp_path / "out"), "--pypi", server.address]
    assert stereo.main(arguments) == 0
    (case,) = comparison.ground_truth(tmp_path / "out", 0.0).cases
    picture, truth = case.read()
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert 1.0 / np.nanmedian(truth) == pytest.approx(20.0 / WALL, rel=0.05)
    assert case.metric is not None and case.metric.kind == "object"
    assert json.loads((tmp_path / "out" / "a_1.json").read_text())["inverse_metres"] == 1.0
    assert stereo.main(arguments) == 0
    assert "0 of 1 photos are new" in capsys.readouterr().out
    server.content = b"another"
    (tmp_path / "out" / "a_1_left.png").unlink()
    for file in (tmp_path / "out" / "packages").iterdir():
        file.unlink()
    assert stereo.main(arguments) == 1
    assert capsys.readouterr().err


def test_the_table_names_complete_pairs_of_one_known_package() -> None:
    pairs = stereo.read()
    assert len({one.name for one in pairs}) == len(pairs) == 26
    for one in pairs:
        assert len(one.package.sha256) == 64 and one.package.kind == "pypi" and one.left != one.right
        assert one.reach > 0 and len(one.used) == 4 and one.used[0] < one.used[2] and one.used[1] < one.used[3]
        assert one.baseline is None or one.focal is not None
