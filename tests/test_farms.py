# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of docs/farms.md: each starts commands that do all parts of a run, and no part twice."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mono3d_addon.arguments import parse_batch
from mono3d_addon.version import ROOT

RECIPES = {
    text.splitlines()[0]: text
    for text in re.findall(r"```\w+\n(.*?)```", (ROOT / "docs" / "farms.md").read_text(encoding="utf-8"), re.DOTALL)
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="runs shell scripts")


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a command `mono3d` on the path that writes its arguments to the returned file, a line for each call."""
    file = tmp_path / "calls"
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "mono3d"
    script.write_text(f'#!/bin/sh\necho "$@" >> {file}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return file


def shards(calls: Path) -> list[str]:
    """Returns the shards of the commands in a file, each of which the parser accepts."""
    lines = [line.split() for line in calls.read_text().splitlines()]
    assert all(words[0] == "batch" for words in lines)
    return [parse_batch(words[1:], "mono3d batch").options.shard for words in lines]


def test_the_slurm_script_runs_each_part_of_its_array(tmp_path: Path, noted: Path) -> None:
    script = tmp_path / "mono3d.sh"
    script.write_text(RECIPES["#!/bin/sh"])
    first, last = map(int, re.search(r"--array=(\d+)-(\d+)", script.read_text()).groups())  # type: ignore[union-attr]
    for number in range(first, last + 1):
        variables = {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_TASK_COUNT": str(last - first + 1)}
        subprocess.run(["sh", script], cwd=tmp_path, env={**os.environ, **variables}, check=True, timeout=20)
    assert shards(noted) == [f"{number}/20" for number in range(1, 21)]


def test_gnu_parallel_gets_each_part() -> None:
    recipe = next(text for text in RECIPES.values() if "parallel" in text)
    words = recipe.partition("mono3d batch ")[2].replace("{}", "7").split()
    assert "seq 20" in recipe and parse_batch(words, "mono3d batch").options.shard == "7/20"
