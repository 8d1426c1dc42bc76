# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender program in a Debian root folder, with the built extension and the installed packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mono3d_addon.build import build
from mono3d_addon.build.editions import EDITIONS
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
def debian() -> Program:
    """Blender with a copy of the repository, and nothing installed."""
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
    return program


@pytest.fixture(scope="session")
def program(debian: Program) -> Program:
    """The same with the worker's packages, and the extension built and installed as a user does it."""
    install = "cd /mono3d/repository && exec python3 -m vendor_installer install worker"
    done = debian.run("sh", "-c", f"{install} --data-folder {WORK}/data --system torch,torchvision", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    debian.install_extension(build(debian.work / "dist"))
    return debian


@pytest.fixture(scope="session", params=tuple(EDITIONS))
def bare(debian: Program, request: pytest.FixtureRequest) -> Program:
    """Each edition in a fresh profile, without packages and without a network."""
    profile = f"bare-{request.param}"
    archive = build(debian.work / "dist", edition=request.param, website="https://example.org/mono3d")
    return debian.with_extension(archive, profile)
