# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheel as a user gets it: a new virtual environment or pipx, a new home, the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

from mono3d_addon.version import ROOT
from tests.build.dists import build

pytestmark = [pytest.mark.thorough, pytest.mark.network]
BIN = "Scripts" if os.name == "nt" else "bin"
COFFEE = ROOT / "tests" / "photos" / "coffee.png"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dists"), "wheel")[0]


def run(home: Path, *command: object) -> str:
    """Runs a command in a new home and returns its output."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MONO3D_", "PYTHON"))}
    variables = inherited | {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home / "local")}
    variables |= {"XDG_DATA_HOME": "", "PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=home, env=variables, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home with two photos."""
    shutil.copy(COFFEE, tmp_path / "photo.png")
    with Image.open(COFFEE) as picture:
        picture.convert("RGB").save(tmp_path / "photo.jpg")
    return tmp_path


def test_a_new_environment_makes_a_mesh_without_and_with_packages(wheel: Path, home: Path) -> None:
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / BIN
    run(home, programs / "python", "-m", "pip", "install", "--quiet", wheel)
    listed = run(home, programs / "python", "-m", "pip", "list", "--format=freeze").lower().split()
    assert {line.split("==")[0] for line in listed} - {"pip", "setuptools"} == {"mono3d", "numpy", "pillow"}
    assert "numpy" in run(home, programs / "mono3d", "photo.png", "-o", "bare/")
    assert {"photo.glb", "photo.ply", "photo_depth.npy"} <= {path.name for path in (home / "bare").iterdir()}
    run(home, programs / "python", "-m", "mono3d_addon", "photo.jpg", "-o", "photo.glb")
    run(home, programs / "mono3d", "--install", "photo.jpg", "-o", "out/", "--surface", "poisson")
    assert {"photo.blend", "photo.glb", "photo.ply"} <= {path.name for path in (home / "out").iterdir()}


def test_pipx_runs_it(wheel: Path, home: Path) -> None:
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / BIN / "python"
    run(home, python, "-m", "pip", "install", "--quiet", "pipx")
    run(
        home,
        python,
        "-m",
        "pipx",
        "run",
        "--python",
        sys.executable,
        "--spec",
        wheel,
        "mono3d",
        "photo.jpg",
        "-o",
        "o/",
    )
    assert (home / "o" / "photo.glb").is_file()
