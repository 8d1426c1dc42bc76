# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own extension repository in a real Blender: added, installed from, upgraded by Blender itself, removed."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.version import version
from tests.file_list import changed, listing
from tests.programs.program import WORK, Program
from tests.programs.repository import Repository, older_version, served, this_version

NAME = "ours"
MODULE = f"bl_ext.{NAME}.mono3d"
PHOTO = f"{WORK}/repository/tests/photos/coffee.png"


@pytest.fixture(scope="module")
def customer(program: Program) -> Program:
    """Blender in a fresh profile, beside installed packages."""
    one = dataclasses.replace(program, profile="customer")
    shutil.rmtree(one.work / one.profile, ignore_errors=True)
    (one.work / one.profile).mkdir()
    return one


@pytest.fixture(scope="module")
def repository(customer: Program) -> Iterator[Repository]:
    with served(customer) as one:
        yield one


def extension(program: Program, *words: str) -> str:
    """Runs Blender's command for extensions and returns what it says."""
    done = program.run("blender", "--online-mode", "--command", "extension", *words)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def checked(program: Program, phase: str) -> dict[str, Any]:
    out = program.work / "out" / "upgrade.json"
    out.unlink(missing_ok=True)
    scene = f"{WORK}/{program.profile}/cup.blend"
    words = (phase, MODULE, PHOTO, f"{WORK}/data/environments", scene, program.inside(out))
    done = program.script("check_upgrade.py", *words, options=("--online-mode",), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(out.read_text())
    return answer


def engine(answer: dict[str, Any]) -> str:
    """Returns what ran the network, by the add-on's message."""
    words = " ".join(answer["messages"])
    found = re.search(r"starter, (\w+)", words)
    assert found, words
    return found[1]


def test_from_the_first_installation_to_the_removal(customer: Program, repository: Repository, tmp_path: Path) -> None:
    """Packages, preferences and scenes outlive the upgrade, and nothing outlives the removal."""
    repository.offer(older_version(tmp_path))
    extension(customer, "repo-add", "--name", "Mono3D", "--url", repository.address, NAME)
    # The repositories of a fresh profile, extensions.blender.org for one, may be out of reach.
    customer.run("blender", "--online-mode", "--command", "extension", "sync")
    extension(customer, "install", f"{NAME}.mono3d", "--enable")
    before = checked(customer, "before")
    assert before["version"] != version() and engine(before) != "numpy"
    own = customer.root / before["own folder"].lstrip("/")
    models = listing([own / "models"])

    repository.offer(this_version(tmp_path / "new"))
    customer.run("blender", "--online-mode", "--command", "extension", "sync")
    assert "mono3d" in extension(customer, "update")
    assert changed(models, listing([own / "models"])) == []
    after = checked(customer, "after")
    assert after["version"] == version() and after["enabled"]
    assert engine(after) == engine(before), "the packages are used as before"
    for name in ("scene", "preferences", "own folder", "kept"):
        assert after[name] == before[name], name
    assert after["faces before"] == before["faces"] == after["faces"]
    assert after["farthest"] == pytest.approx(4.0, abs=0.01), "the mesh of the old version can be reshaped"
    assert after["farthest, reshaped"] == pytest.approx(2.0, abs=0.01)

    extension(customer, "remove", f"{NAME}.mono3d")
    removed = checked(customer, "removed")
    assert not removed["enabled"] and not removed["classes"]
    assert not own.exists() and not (customer.work / customer.profile / "extensions" / NAME / "mono3d").exists()
    assert (customer.work / "data" / "environments").is_dir(), "what a link led to is not Blender's to remove"
