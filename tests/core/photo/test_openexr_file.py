# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own reader of OpenEXR files gives what the package OpenEXR gives."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.photo import openexr_file
from mono3d_addon.core.photo.damage import Damaged
from mono3d_addon.core.photo.exr_source import open_exr
from mono3d_addon.errors import Mono3DError
from tests.core.photo.picture_files import exr_header

library = pytest.importorskip("OpenEXR")


def planes(height: int, width: int) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(height)
    return {
        "R": random.random((height, width)).astype(np.float16),
        "View.Depth.Z": np.round(random.random((height, width)), 1).astype(np.float32),
        "id": random.integers(0, 9, (height, width)).astype(np.uint32),
    }


def write(path: Path, channels: dict[str, Any], compression: str, **header: Any) -> bytes:
    options = {"compression": getattr(library, f"{compression}_COMPRESSION"), "type": library.scanlineimage}
    library.File(options | header, dict(channels)).write(str(path))
    return path.read_bytes()


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 7), (64, 50)])
def test_every_channel_is_read(tmp_path: Path, compression: str, height: int, width: int) -> None:
    channels = planes(height, width)
    data = write(tmp_path / "a.exr", channels, compression)
    header = openexr_file.header_of(data)
    assert header.is_readable and header.size == (width, height) and set(header.names) == set(channels)
    found = openexr_file.read(data, header, header.names)
    for name, values in channels.items():
        assert found[name].dtype == values.dtype and np.array_equal(found[name], values)
    assert list(openexr_file.read(data, header, ["id"])) == ["id"]


def test_parts_and_windows(tmp_path: Path) -> None:
    first, second = planes(9, 5), planes(9, 5)
    options = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    parts = [library.Part(dict(options), dict(one), name=name) for one, name in ((first, "a"), (second, "b"))]
    library.File(parts).write(str(tmp_path / "parts.exr"))
    data = (tmp_path / "parts.exr").read_bytes()
    header = openexr_file.header_of(data)
    assert header.has_parts and np.array_equal(openexr_file.read(data, header, ["R"])["R"], first["R"])
    numbers = (0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.3127, 0.329)
    stated = openexr_file.header_of(write(tmp_path / "c.exr", first, "ZIP", chromaticities=numbers)).chromaticities
    assert stated == pytest.approx(numbers, rel=1e-6)


@pytest.mark.parametrize("compression", ["PIZ", "PXR24", "B44", "DWAA"])
def test_other_compressions_are_read_by_the_package(tmp_path: Path, compression: str) -> None:
    values = np.round(np.linspace(0.0, 1.0, 64 * 48, dtype=np.float32).reshape(48, 64), 2)
    data = write(tmp_path / "a.exr", {"Z": values}, compression)
    assert not openexr_file.header_of(data).is_readable
    source = open_exr(tmp_path / "a.exr")
    assert source.size == (64, 48) and source.names == ("Z",)
    np.testing.assert_allclose(source.read(["Z"])["Z"], values, atol=0.01)


def test_tiles_are_left_to_the_package(tmp_path: Path) -> None:
    channels = planes(64, 64)
    library.File({"type": library.tiledimage, "tiles": library.TileDescription()}, dict(channels)).write(
        str(tmp_path / "a.exr")
    )
    assert not openexr_file.header_of((tmp_path / "a.exr").read_bytes()).is_readable
    assert np.array_equal(open_exr(tmp_path / "a.exr").read(["id"])["id"], channels["id"])


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIP"])
def test_damage_is_told(tmp_path: Path, compression: str) -> None:
    data = write(tmp_path / "a.exr", planes(40, 30), compression)
    header = openexr_file.header_of(data)
    for length in (0, 4, 9, 100, 300, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.exr").write_bytes(data[:length])
        with pytest.raises(Damaged):
            open_exr(tmp_path / "cut.exr").read(header.names)
    random = np.random.default_rng(1)
    for place, value in itertools.product(random.integers(0, len(data), 150), (0, 255)):
        spoiled = bytearray(data)
        spoiled[place] = value
        (tmp_path / "spoiled.exr").write_bytes(spoiled)
        try:
            source = open_exr(tmp_path / "spoiled.exr")
            source.read(source.names)
        except (Damaged, Mono3DError):
            continue


def test_a_header_without_pixels_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(exr_header((8, 8), compression=3))
    with pytest.raises(Damaged):
        open_exr(tmp_path / "a.exr").read(["Z"])
