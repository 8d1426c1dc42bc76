# SPDX-License-Identifier: GPL-3.0-or-later
"""The table from which a user chooses a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from mono3d_addon.depth import choosing, timings
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import GRADES, MODEL_NAMES


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_the_three_words_come_with_size_terms_and_speed(tmp_path: Path) -> None:
    rows = choosing.graded(choosing.table(tmp_path))
    assert [row.model.grade for row in rows] == ["starter", "better", "best"]
    assert [row.model.label for row in rows] == ["Starter", "Better: Depth Anything V2 small", "Best: MoGe-2 large"]
    assert [row.summary for row in rows] == [
        "bundled, free for all use, about 0.03 s",
        "99 MB, free for all use, about 1 s",
        "1,324 MB, free for all use, about 13 s",
    ]


def test_without_packages_the_starter_takes_as_long_as_on_numpy(tmp_path: Path) -> None:
    rows = choosing.graded(choosing.table(tmp_path, is_bare=True))
    assert [row.speed for row in rows] == ["about 0.3 s", "about 1 s", "about 13 s"]


def test_a_licence_with_a_reservation_is_told(tmp_path: Path) -> None:
    rows = {row.model.name: row for row in choosing.table(tmp_path)}
    assert "not for commercial work" in rows["depth_anything_v2_vitb"].summary
    assert "made from weights under CC-BY-NC-4.0" in rows["midas_v21_384"].summary


def test_the_next_step_is_for_those_who_have_only_the_starter(tmp_path: Path) -> None:
    rows = choosing.table(tmp_path)
    step = choosing.next_step(rows, "starter")
    assert step is not None and step.model.grade == "better"
    assert choosing.next_step(rows, "dpt_large_384") is None and choosing.next_step(rows, "own depth") is None
    assert choosing.promise(step) == (
        "Better: Depth Anything V2 small brings more exact depth and finer outlines: 99 MB, free for all use, about 1 s"
    )
    bare = choosing.next_step(choosing.table(tmp_path, is_bare=True), "starter")
    assert bare is not None and choosing.promise(bare).endswith(
        ": 99 MB and the packages that it needs, free for all use, about 1 s"
    )
    assert ": 327 MB with the packages that it needs, free for all use," in choosing.promise(bare, 228_000_000)
    other = tmp_path / "weights" / MODELS["midas_v21_small_256"].file
    other.parent.mkdir()
    with other.open("wb") as file:
        file.truncate(MODELS["midas_v21_small_256"].file_bytes)
    assert choosing.next_step(choosing.table(tmp_path), "starter") is None


def test_the_next_step_is_offered_once(tmp_path: Path) -> None:
    assert [choosing.is_first_offer(tmp_path / "data") for _ in range(3)] == [True, False, False]
    (tmp_path / "file").touch()
    assert not choosing.is_first_offer(tmp_path / "file"), "a folder that cannot be written gets no offer each time"


def test_what_is_here_comes_first(tmp_path: Path) -> None:
    better = MODELS[GRADES["better"]]
    (tmp_path / "weights").mkdir()
    with (tmp_path / "weights" / better.file).open("wb") as file:
        file.truncate(better.file_bytes)
    names = [row.model.name for row in choosing.here_first(choosing.table(tmp_path))]
    assert names[:3] == ["starter", better.name, "midas_v21_small_256"] and sorted(names) == sorted(MODEL_NAMES)


def test_seconds_are_kept_by_model_and_device_and_few_of_one_process(tmp_path: Path) -> None:
    assert timings.measured(tmp_path) == {}
    timer = timings.Timer("starter", tmp_path)
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0, 100.0):
        timer("cpu", seconds)
    timings.Timer("starter", tmp_path)("cuda", 0.5)
    assert timings.measured(tmp_path) == {"starter": {"cpu": 3.0, "cuda": 0.5}}
    timings.Timer("starter", tmp_path)("cpu", 5.0)
    assert timings.measured(tmp_path) == {"starter": {"cuda": 0.5, "cpu": 4.0}}
    assert list(timings.measured(tmp_path)["starter"]) == ["cuda", "cpu"]


@pytest.mark.parametrize("content", ["", "[]", '{"starter cpu": 3}', '{"starter": [1.0]}', '{"starter cpu": []}'])
def test_a_record_of_another_kind_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / timings.RECORD).write_text(content)
    assert timings.measured(tmp_path) == {}
    timings.Timer("starter", tmp_path)("cpu", 1.0)
    assert timings.measured(tmp_path) == {"starter": {"cpu": 1.0}}
