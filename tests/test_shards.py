# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a run for several machines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.errors import WrongUsage
from mono3d_addon.run.photos import PhotoTask, find
from mono3d_addon.run.shards import select

NAMES = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=60)


def tasks(names: list[str], folder: str = "photos") -> list[PhotoTask]:
    return [PhotoTask(Path(folder, f"{number}.jpg"), name) for number, name in enumerate(names)]


@given(NAMES, st.integers(1, 9))
def test_each_photo_is_in_exactly_one_shard(names: list[str], count: int) -> None:
    everything = tasks(names)
    parts = [select(everything, f"{number}/{count}") for number in range(1, count + 1)]
    assert Counter(task.name for part in parts for task in part) == Counter(names)
    assert select(everything, "") == everything


@given(NAMES, st.text(min_size=1, max_size=12), st.integers(1, 9))
def test_neither_folders_nor_further_photos_move_a_photo(names: list[str], further: str, count: int) -> None:
    here = {task.name for task in select(tasks(names), f"1/{count}")}
    there = {task.name for task in select(tasks([further, *names], "/mnt/elsewhere"), f"1/{count}")}
    assert there - {further} == here - {further}


def test_shards_are_about_equal() -> None:
    everything = tasks([f"IMG_{number:05}" for number in range(10_000)])
    sizes = [len(select(everything, f"{number}/20")) for number in range(1, 21)]
    assert sum(sizes) == 10_000 and min(sizes) > 420 and max(sizes) < 580


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4/2", "1.5/4", "/"])
def test_other_words_are_refused(shard: str) -> None:
    with pytest.raises(WrongUsage, match="is not one of the parts"):
        select(tasks(["a"]), shard)


def test_names_are_those_of_the_whole_run(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cup.jpg").write_bytes(b"x")
    found = find([str(tmp_path / "a"), str(tmp_path / "b")]).tasks
    parts = [select(found, f"{number}/2") for number in (1, 2)]
    assert sorted(task.name for part in parts for task in part) == sorted(task.name for task in found)
    assert len({task.name for task in found}) == 2
