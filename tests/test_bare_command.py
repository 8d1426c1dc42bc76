# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line where no packages are installed, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COFFEE = ROOT / "tests" / "photos" / "coffee.png"

_START = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from mono3d_addon.core import extras
hidden = sys.argv.pop(1)
extras.forbid(hidden.split(",") if hidden else ())
from mono3d_addon.cli import main
sys.exit(main(sys.argv[1:]))
"""


def mono3d(data: Path, *arguments: object, hidden: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command with an empty data folder; top-level modules in `hidden` are not there."""
    command = [sys.executable, "-I", "-c", _START, str(ROOT), hidden, *map(str, arguments), "--data-folder", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_without_numpy_one_line_says_what_is_missing(tmp_path: Path) -> None:
    done = mono3d(tmp_path / "data", COFFEE, "-o", tmp_path / "out", "--format", "ply", hidden="numpy")
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "pip install numpy Pillow" in done.stderr and "--install" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_needs_packages_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    choice = ("--surface", "poisson", "--model", "dpt_large_384")
    done = mono3d(tmp_path / "data", COFFEE, "-o", tmp_path / "out", "--format", "ply", *choice)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "mono3d: 'dpt_large_384' (Model) and 'poisson' (Surface) need packages that are not installed: "
        "add --install, or choose 'starter' and 'grid'."
    )
    assert not (tmp_path / "out").exists()


def test_formats_of_packages_that_are_asked_for_are_refused(tmp_path: Path) -> None:
    for form, purpose in (("blend", "Blender scenes"), ("vtp", "networks and meshing")):
        done = mono3d(tmp_path / "data", COFFEE, "-o", tmp_path / "out", "--format", form)
        assert done.returncode == 1 and f"The packages for {purpose} are not installed" in done.stderr


def test_the_models_are_listed(tmp_path: Path) -> None:
    done = mono3d(tmp_path / "data", "--help", hidden="numpy,PIL")
    assert done.returncode == 0, done.stderr
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _START,
        str(ROOT),
        "",
        "models",
        "list",
        "--data-folder",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "starter" in done.stdout and "bundled" in done.stdout, done.stderr


@pytest.mark.parametrize("hidden", ["", "PIL"])
def test_a_photo_gives_all_formats_that_need_no_package(hidden: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = mono3d(tmp_path / "data", COFFEE, "-o", out, "--detail", 256, hidden=hidden)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ".blend files are left out" in done.stdout and "numpy" in done.stdout
    endings = (".glb", ".ply", "_depth.npy", "_depth.png", "_preview.png")
    shown = [path.name for path in out.iterdir() if not path.name.startswith(".")]
    assert sorted(shown) == sorted(f"coffee{end}" for end in endings)
    again = mono3d(tmp_path / "data", COFFEE, "-o", out, "--detail", 256, "--skip-existing", hidden=hidden)
    assert again.returncode == 0 and "1 skipped" in again.stdout
