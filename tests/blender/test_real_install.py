# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the real packages into a `bpy` wheel, by operator and by command-line flag, and makes a mesh with each.

These take minutes and gigabytes, so they run only where MONO3D_TEST_INSTALL says from where to install: "online", or
the folder of a wheelhouse, as `tests/run.py` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon import build
from tests.file_list import changed, listing, results

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "tests" / "photos" / "coffee.png"
SCRIPT = ROOT / "tests" / "programs" / "scripts" / "install_packages.py"

SOURCE = os.environ.get("MONO3D_TEST_INSTALL", "")
WHEELHOUSE = "" if SOURCE == "online" else SOURCE

_OPERATOR = f"""
import runpy, sys
import bpy
bpy.context.preferences.system.use_online_access = {not WHEELHOUSE}
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
bpy.context.preferences.addons["bl_ext.user_default.mono3d"].preferences.wheelhouse = {WHEELHOUSE!r}
runpy.run_path(sys.argv[2], run_name="__main__")
"""

_HEADLESS = f"""
import runpy, sys
import bpy
bpy.context.preferences.system.use_online_access = {not WHEELHOUSE}
runpy.run_path(sys.argv[1], run_name="__main__")
"""

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(not SOURCE, reason="MONO3D_TEST_INSTALL is not set"),
]


def run(folder: Path, *command: str) -> str:
    """Runs a command with home and temporary files in `folder`; returns its output."""
    variables = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "resources"), "HOME": str(folder / "home")}
    variables |= {"TMPDIR": str(folder / "temporary"), "XDG_CACHE_HOME": str(folder / "home" / ".cache")}
    variables.pop("MONO3D_DATA", None)
    for name in ("home", "temporary"):
        (folder / name).mkdir(exist_ok=True)
    answer = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=1500, env=variables, cwd=folder
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr, answer.stderr
    return answer.stdout


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed afterwards: the packages take several gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_by_the_operator(place: Path) -> None:
    package = build.build(place / "dist")
    own = place / "resources" / "extensions" / ".user" / "user_default" / "mono3d"
    folders = [place / "home", place / "resources", Path(sysconfig.get_paths()["purelib"])]
    # Blender writes its settings with the first start, and its list of extensions when it installs one.
    run(place, "-c", "import bpy; bpy.ops.wm.save_userpref()")
    extensions = place / "resources" / "extensions"
    without = [own, extensions / "user_default", extensions / ".cache"]
    before = listing(folders, without)
    shown = run(place, "-c", _OPERATOR, str(package), str(SCRIPT), "--", str(PHOTO), "online")
    assert "CHECKED install" in shown and str(own) in shown
    print(shown.splitlines()[-1])
    assert changed(before, listing(folders, without)) == [], "something was written elsewhere"
    assert not [path for path in (place / "temporary").iterdir() if "mono3d" in path.name]


@pytest.mark.thorough
def test_by_the_headless_flag(place: Path) -> None:
    own, out = place / "data", place / "out"
    folders = [place / "home", Path(sysconfig.get_paths()["purelib"])]
    run(place, "-c", "import bpy")
    before = listing(folders)
    batch = str(ROOT / "mono3d_addon" / "batch.py")
    options = ["--install", str(PHOTO), "-o", str(out), "--data-folder", str(own), "--format", "blend,glb"]
    options += ["--wheelhouse", WHEELHOUSE] if WHEELHOUSE else []
    shown = run(place, "-c", _HEADLESS, batch, "--", *options)
    assert "1 done" in shown, shown
    assert sorted(path.name for path in results(out)) == ["coffee.blend", "coffee.glb", "coffee_preview.png"]
    assert changed(before, listing(folders)) == [], "something was written elsewhere"
