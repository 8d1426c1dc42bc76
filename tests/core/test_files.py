# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from mono3d_addon.core.files import atomic_write
from mono3d_addon.errors import Mono3DError


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "größer 1.txt"
    target.write_text("before")
    with pytest.raises(ValueError), atomic_write(target) as beside:
        beside.write_text("half")
        assert target.read_text() == "before"
        raise ValueError
    assert target.read_text() == "before"
    with atomic_write(target) as beside:
        assert beside.suffix == ".txt"
        beside.write_text("after")
    assert target.read_text() == "after"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["n" * 251 + ".txt", "ä" * 125 + ".txt", "{}.txt"])
def test_the_longest_and_the_oddest_names_are_written(tmp_path: Path, name: str) -> None:
    with atomic_write(tmp_path / name) as beside:
        assert "{" not in beside.name, "Blender takes braces in a render's path for a template"
        beside.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="cannot be written"), atomic_write(tmp_path / "gone" / "a.txt") as beside:
        beside.write_text("x")
