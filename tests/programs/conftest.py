# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender program in a Debian root folder, with the built extension and the installed packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.program import WORK, Program

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
NAMED = os.environ.get("MONO3D_BLENDER_ROOT", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks all tests here, and skips them without a Debian with Blender."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("binary")
            if not NAMED:
                item.add_marker(pytest.mark.skip(reason="no Blender program (run 'python3 tests/run.py')"))


@pytest.fixture(scope="session")
def bare() -> Iterator[Program]:
    """Blender with a copy of the repository and the worker's packages, installed by vendor_installer."""
    program = Program(Path(NAMED))
    for name in ("home", "resources", "scripts", "repository", "out"):
        shutil.rmtree(program.work / name, ignore_errors=True)
    for name in ("home", "resources", "out"):
        (program.work / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree(SCRIPTS, program.work / "scripts")
    kept = ("mono3d_addon", "vendor_installer", "blender_manifest.toml", "__init__.py", "LICENSE", "README.md")
    for name in kept:
        source, target = ROOT / name, program.work / "repository" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copytree(ROOT / "tests" / "photos", program.work / "repository" / "tests" / "photos")
    install = "cd /mono3d/repository && exec python3 -m vendor_installer install worker"
    done = program.run("sh", "-c", f"{install} --data-folder {WORK}/data --system torch,torchvision", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    yield program


@pytest.fixture(scope="session")
def program(bare: Program) -> Program:
    """The same with the extension built and installed as a user does it."""
    subprocess.run([sys.executable, "-m", "mono3d_addon.build", "-o", str(bare.work / "dist")], cwd=ROOT, check=True)
    archive = next((bare.work / "dist").glob("mono3d-*.zip"))
    checked = bare.run("blender", "--command", "extension", "validate", bare.inside(archive))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    install = ("extension", "install-file", "-r", "user_default", "--enable", bare.inside(archive))
    done = bare.run("blender", "--command", *install)
    assert done.returncode == 0, done.stdout + done.stderr
    return bare
