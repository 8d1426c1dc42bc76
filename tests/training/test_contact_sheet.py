# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh, joined
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from training import contact_sheet, mesh_picture

pytestmark = pytest.mark.torch
PHOTOS = Path(__file__).resolve().parents[1] / "photos"


def square(z: float, half: float, color: tuple[int, int, int]) -> Mesh:
    corners = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return Mesh(
        corners, triangles, np.zeros((4, 2), np.float32), np.array([color] * 4, np.uint8), np.zeros_like(corners)
    )


def test_the_nearer_hides_the_farther_and_both_fill_the_picture() -> None:
    photo = Camera.from_field_of_view(80, 60, 1.0, "test")
    near, far = square(2.0, 0.3, (200, 0, 0)), square(3.0, 1.0, (0, 0, 200))
    view = mesh_picture.raised_view([near, far], photo, (80, 60))
    places = view.camera.project(view.points(np.concatenate([near.vertices, far.vertices])))
    assert (places >= -1).all() and (places <= [81, 61]).all()
    assert np.ptp(places[:, 1]) == pytest.approx(60, abs=2) or np.ptp(places[:, 0]) == pytest.approx(80, abs=2)
    both = joined(near, far)
    shown = mesh_picture.picture(both, view)
    column, row = view.camera.project(view.points(np.array([[0, 0, 2]], np.float32)))[0].astype(int)
    assert shown[row, column, 0] > 100 and shown[row, column, 2] == 0
    column, row = view.camera.project(view.points(np.array([[0.9, 0.9, 3]], np.float32)))[0].astype(int)
    assert shown[row, column, 2] > 100 and shown[row, column, 0] == 0
    assert (shown[0, 0] == mesh_picture.BACKGROUND).all()


def test_a_sheet_of_a_file_and_a_picture_of_a_set(tmp_path: Path) -> None:
    small = Image.open(PHOTOS / "astronaut.png").convert("RGB").resize((96, 128))
    small.save(tmp_path / "tall.png")
    (tmp_path / "set").mkdir()
    small.resize((128, 96)).save(tmp_path / "set" / "wide.png")
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(tmp_path / "set" / "wide.disp.png")
    with tarfile.open(tmp_path / "set.tar", "w") as stream:
        stream.add(tmp_path / "set", "set")
    model, out = str(BUNDLED_FOLDER / "starter.safetensors"), tmp_path / "sheet.png"
    photos = [str(tmp_path / "tall.png"), f"wide@{tmp_path / 'set.tar'}"]
    assert contact_sheet.main(["--old", model, "--new", model, "--out", str(out), *photos]) == 0
    made = np.asarray(Image.open(out))
    assert made.shape[1] == 2008
    # Old and new are the same model, so the pictures are equal.
    step = contact_sheet.TILE[0] + 8
    assert np.array_equal(made[40:300, 3 * step + 8 : 4 * step], made[40:300, 4 * step + 8 : 5 * step])
    with pytest.raises(SystemExit):
        contact_sheet.main(["--old", model, "--new", model, "--out", str(out), f"absent@{tmp_path / 'set.tar'}"])
