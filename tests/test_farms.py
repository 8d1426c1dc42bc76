# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of docs/farms.md: each starts commands that do all parts of a run, and no part twice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon.arguments import parse
from mono3d_addon.version import ROOT

DATA = os.environ.get("MONO3D_TEST_DATA", "")
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
    return [parse(line.split(), "mono3d").options.shard for line in calls.read_text().splitlines()]


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
    words = recipe.partition("mono3d ")[2].replace("{}", "7").split()
    assert "seq 20" in recipe and parse(words, "mono3d").options.shard == "7/20"


def template(tmp_path: Path) -> Path:
    path = tmp_path / "mono3d.yaml"
    path.write_text(next(text for start, text in RECIPES.items() if start.startswith("specificationVersion")))
    return path


def openjd(*words: object) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("openjd.cli")
    command = [str(Path(sys.executable).with_name("openjd")), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_open_job_description_is_valid_and_runs_each_part(tmp_path: Path, noted: Path) -> None:
    path = template(tmp_path)
    checked = openjd("check", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (tmp_path / "photos").mkdir()
    values = ("-p", f"Photos={tmp_path / 'photos'}", "-p", f"Out={tmp_path / 'out'}", "-p", "Shards=3")
    done = openjd("run", path, *values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(shards(noted)) == ["1/3", "2/3", "3/3"]


@pytest.mark.thorough
@pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')")
def test_the_open_job_description_reconstructs_photos(tmp_path: Path, noted: Path) -> None:
    (tmp_path / "bin" / "mono3d").write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m mono3d_addon --data-folder {DATA} "$@"\n'
    )
    (tmp_path / "photos").mkdir()
    for name in ("coffee.png", "china.jpg"):
        shutil.copy(ROOT / "tests" / "photos" / name, tmp_path / "photos")
    values = ("-p", f"Photos={tmp_path / 'photos'}", "-p", f"Out={tmp_path / 'out'}", "-p", "Shards=2")
    done = openjd("run", template(tmp_path), *values, "-p", "Preset=fast")
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "out"
    assert {path.name for path in out.glob("*.glb")} == {"coffee.glb", "china.glb"}
    assert {path.name for path in out.glob("report-*.json")} == {"report-1.json", "report-2.json"}
