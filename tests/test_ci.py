# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of continuous integration: their commands, run here as the runners run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.version import version
from tests.running.parts import PARTS

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PORTABLE = ROOT / ".ci" / "portable.py"


def commands(path: Path) -> Iterator[list[str]]:
    """Yields the words of each command of a workflow."""
    for text in re.findall(
        r"^ +- run: (?:>-\n)?((?:.+)(?:\n {10}\S.*)*)", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        # A key of the step ends the command.
        yield shlex.split(re.split(r"\n +(?:if|env|with):", text)[0])


def test_every_command_of_the_workflows_is_one_of_ours() -> None:
    known = {".ci/run": set(PARTS), ".ci/portable.py": {"zip", "plan", "mesh"}, "tests/run.py": set(PARTS)}
    seen = 0
    for path in WORKFLOWS:
        for program, *words in commands(path):
            script, *rest = words if program == "python" else [program, *words]
            seen += 1
            if script == "gh":
                continue
            assert (ROOT / script).is_file() and (program == "python" or os.access(ROOT / script, os.X_OK)), script
            if script in known:
                assert set(rest) <= known[script], f"{path.name}: {words}"
    assert seen == sum(path.read_text(encoding="utf-8").count("- run:") for path in WORKFLOWS) >= 5


def test_no_value_of_github_is_put_into_a_command() -> None:
    """A branch or tag may have any name; commands get it as a variable."""
    for path in WORKFLOWS:
        for words in commands(path):
            assert "${{" not in " ".join(words), path.name


def portable(*steps: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(PORTABLE), *steps], capture_output=True, text=True, check=False)


def test_an_unknown_step_is_wrong_usage() -> None:
    done = portable("zap")
    assert done.returncode == 2 and "choose from zip, plan, mesh" in done.stderr


def test_the_zips_are_built_as_on_every_system() -> None:
    done = portable("zip")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^[0-9a-f]{64}  (.+)$", done.stdout, re.MULTILINE) == [
        f"mono3d-{version()}-store.zip",
        f"mono3d-{version()}.zip",
    ]


@pytest.mark.thorough
@pytest.mark.network
def test_the_plan_and_the_mesh_of_a_bare_python() -> None:
    done = portable("plan", "mesh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "torch" in done.stdout and "1 done" in done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a script for bash")
def test_a_tag_of_another_version_makes_no_release(tmp_path: Path) -> None:
    command = [str(ROOT / ".ci" / "release"), str(tmp_path / "dist"), "v99.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"the manifest says version {version()}" in done.stderr
    assert not (tmp_path / "dist").exists()
