# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line in a Python that has numpy and nothing else: PNG by itself, JPEG by a program of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import venv
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.version import ROOT

PHOTOS = ROOT / "tests" / "photos"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment without packages, into which numpy is linked."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib*/python3*/site-packages"), folder / "Lib" / "site-packages")
    installed = Path(np.__file__).parent
    for place in (installed, installed.with_name("numpy.libs")):
        if place.exists():
            (site / place.name).symlink_to(place)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def mono3d(python: Path, folder: Path, photo: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    options = ["--format", "ply", "--detail", "128", "--preview", "off", "--data-folder", str(folder / "data")]
    command = [str(python), "-m", "mono3d_addon", str(photo), "-o", str(folder / "out"), *options]
    variables = {**os.environ, **({} if path is None else {"PATH": path})}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False)


def test_the_environment_has_numpy_alone(python: Path) -> None:
    code = "import numpy, importlib.util as u\n"
    code += "print([n for n in ('PIL', 'torch', 'openvino', 'OpenEXR') if u.find_spec(n)])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_png_becomes_a_mesh(python: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    done = mono3d(python, tmp_path, PHOTOS / "coffee.png", path="")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "coffee.ply").stat().st_size > 10_000
    print(f"{time.monotonic() - began:.1f} s")


@pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg (libjpeg-turbo-progs) is not installed")
def test_a_jpeg_is_decoded_by_a_program_of_the_system(python: Path, tmp_path: Path) -> None:
    done = mono3d(python, tmp_path, PHOTOS / "china.jpg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "china.ply").stat().st_size > 10_000
    assert not list((tmp_path / "out").glob("*.npy"))


def test_a_jpeg_without_such_a_program_is_one_sentence(python: Path, tmp_path: Path) -> None:
    done = mono3d(python, tmp_path, PHOTOS / "china.jpg", path=str(tmp_path))
    assert done.returncode == 1
    assert (
        "'china.jpg' cannot be decoded here: JPEG files need the package Pillow, or one of the programs djpeg"
        in done.stderr
    )
    assert "Traceback" not in done.stderr and not list((tmp_path / "out").glob("*"))


def older_python() -> str:
    """Returns a Python before 3.11 of this machine, empty if it has none; one that is not chosen prints no version."""
    candidates = [shutil.which(f"python3.{minor}") or "" for minor in (9, 10)]
    candidates += map(str, sorted(Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python")))
    for path in filter(None, candidates):
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20)
        if done.returncode == 0 and done.stdout.startswith("Python 3."):
            return path
    return ""


def test_an_older_python_is_told_which_one_is_needed() -> None:
    if not (path := older_python()):
        pytest.skip("no Python before 3.11 here")
    done = subprocess.run([path, "-m", "mono3d_addon", "a.jpg"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is Python 3." in done.stderr and len(done.stderr.splitlines()) == 1
