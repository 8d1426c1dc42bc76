# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.training.made_sets import write_set
from training import sets
from training.packed import LONGEST_SIDE, Pack


def test_a_pack_gives_back_what_it_was_given(tmp_path: Path) -> None:
    examples = sets.read([write_set(tmp_path / "set", ["a", "b"], is_metric=True)])
    assert Pack(tmp_path / "pack").add(examples) == 2
    again = Pack(tmp_path / "pack")
    assert again.add(examples) == 0
    for example, entry in zip(examples, again.entries, strict=True):
        packed = again.read(entry)
        assert entry.name == example.name and entry.metric == example.metric()
        assert np.array_equal(packed.picture, np.asarray(example.picture()))
        np.testing.assert_allclose(packed.disparity / 65535, example.disparity(), atol=1e-5)


def test_another_reader_sees_what_is_added(tmp_path: Path) -> None:
    writer, reader = Pack(tmp_path / "pack"), Pack(tmp_path / "pack")
    writer.add(sets.read([write_set(tmp_path / "set", ["a"])]))
    assert not reader.entries
    reader.refresh()
    assert [entry.name for entry in reader.entries] == ["a"]
    reader.read(reader.entries[0])


def test_damaged_pictures_are_left_out_and_large_ones_made_small(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", ["a"])
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "b.disp.png").write_bytes(b"none either")
    Image.new("RGB", (2 * LONGEST_SIDE + 1, 301)).save(folder / "c.png")
    Image.new("L", (200, 100)).save(folder / "c.disp.png")
    pack = Pack(tmp_path / "pack")
    assert pack.add(sets.read([folder])) == 2
    packed = pack.read(pack.entries[1])
    assert max(packed.picture.shape) <= LONGEST_SIDE and packed.disparity.shape == (100, 200)
