# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from training import contact_sheet

pytestmark = pytest.mark.torch
PHOTOS = Path(__file__).resolve().parents[1] / "photos"


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
