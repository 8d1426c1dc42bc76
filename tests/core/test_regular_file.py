# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core import regular_file
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.core.regular_file import read_regular
from mono3d_addon.depth_source import read_depth
from mono3d_addon.errors import Mono3DError


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among files")
@pytest.mark.timeout(20)
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(Mono3DError, match="not a regular file"):
            read_photo(path)
        with pytest.raises(Mono3DError, match="not a regular file"):
            read_depth(path, 100.0)


def test_there_is_a_limit_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(100))
    monkeypatch.setattr(regular_file, "MOST_BYTES", 99)
    with pytest.raises(Mono3DError, match="make it smaller"):
        read_regular(tmp_path / "a.bin")


def test_a_growing_file_is_not_read_halfway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bytes(100))
    real, calls = os.fstat, []

    def growing(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        if found.st_size == 100:
            calls.append(descriptor)
            with path.open("ab") as file:
                file.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", growing)
    with pytest.raises(Mono3DError, match="still being written"):
        read_regular(path)
    assert calls


def test_white_is_zero_as_mask_and_as_depth(tmp_path: Path) -> None:
    from tests.core.photo.picture_files import tags_of, tiff

    values = np.tile(np.linspace(1000, 60000, 40).astype(np.uint16), (30, 1))
    inverted = np.uint16(65535) - values
    (tmp_path / "d.tif").write_bytes(tiff(tags_of(inverted, 0), [inverted.tobytes()]))
    assert np.array_equal(read_depth(tmp_path / "d.tif", 100.0).values, values)
    from mono3d_addon.core.photo.mask import masked

    Image.new("RGB", (40, 30)).save(tmp_path / "p.png")
    mask = masked(read_photo(tmp_path / "p.png"), str(tmp_path / "d.tif"), 100.0).mask
    assert mask is not None and not mask[:, :15].any() and mask[:, 25:].all()
