# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's copies of other people's code are what their README says."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "mono3d_addon" / "web" / "static" / "vendor" / "three"
README = (FOLDER / "README.md").read_text()
SUMS = dict(re.findall(r"^\| `([\w.-]+)`[^|]* \| `([0-9a-f]{64})` \|$", README, re.MULTILINE))


@pytest.mark.parametrize("name", ["entry.js", "three.js"])
def test_a_file_is_the_one_that_the_readme_names(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == SUMS[name]


def test_all_files_are_named_and_nothing_else_is_there() -> None:
    licences = {"LICENSE", "LICENSE-meshoptimizer"}
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", "entry.js", "three.js"} | licences


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("npx") is None, reason="npm is not installed")
def test_the_steps_of_the_readme_give_the_same_bytes(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "entry.js", tmp_path)
    steps = re.findall(r"^    (np[mx] .*)$", README, re.MULTILINE)
    assert len(steps) == 2
    for step in steps:
        subprocess.run(step, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    assert (tmp_path / "three.js").read_bytes() == (FOLDER / "three.js").read_bytes()
