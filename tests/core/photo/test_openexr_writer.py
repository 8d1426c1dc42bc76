# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEXR files of our own writer, as our reader and the official library read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.photo import openexr_file
from mono3d_addon.core.photo.openexr_writer import encoded

SHAPES = [(1, 1), (3, 5), (16, 7), (33, 64), (50, 1)]


def channels(shape: tuple[int, int], *names: str) -> dict[str, NDArray[np.float32]]:
    """Returns values of all kinds: noise that cannot be packed, an even part, and what is no number."""
    made = {}
    for number, name in enumerate(names):
        values = np.random.default_rng(number).normal(size=shape).astype(np.float32)
        values[shape[0] // 2 :] = 0.25
        values[0, 0] = (np.nan, np.inf, -0.0)[number % 3]
        made[name] = values
    return made


def same(found: NDArray[Any], wanted: NDArray[np.float32]) -> bool:
    return found.dtype == np.float32 and found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("names", [("Y",), ("R", "G", "B"), ("Z", "A", "view.depth")])
def test_our_reader_gives_every_bit_back(shape: tuple[int, int], names: tuple[str, ...]) -> None:
    wanted = channels(shape, *names)
    data = encoded(wanted, {"comments": "größe"})
    header = openexr_file.header_of(data)
    assert header.size == shape[::-1] and header.is_readable and header.names == tuple(sorted(names))
    found = openexr_file.read(data, header, names)
    assert all(same(found[name], wanted[name]) for name in names)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_official_library_gives_every_bit_back(shape: tuple[int, int], tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    wanted = channels(shape, "R", "G", "B")
    path = tmp_path / "a.exr"
    path.write_bytes(encoded(wanted, {"comments": "a comment"}))
    with library.File(str(path), separate_channels=True) as file:
        assert file.header()["comments"] == "a comment" and file.header()["compression"] == library.ZIP_COMPRESSION
        found = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
    assert sorted(found) == ["B", "G", "R"] and all(same(found[name], wanted[name]) for name in wanted)


def test_it_packs_what_can_be_packed() -> None:
    even = np.full((400, 600), 2.5, np.float32)
    assert len(encoded({"Y": even})) < even.nbytes / 100
    smooth = np.linspace(1.0, 9.0, 400 * 600, dtype=np.float32).reshape(400, 600)
    assert len(encoded({"Y": smooth})) < 0.75 * smooth.nbytes
