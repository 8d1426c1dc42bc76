# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a checkout on any system, with Python 3.11 or newer and pip: `python .ci/portable.py [STEP ...]`.

Steps, all by default, each in a temporary folder:
  zip    both editions of the extension; prints their SHA-256, which is the same on all systems
  plan   what the installer would install here, by the package indexes
  mesh   a photo becomes a mesh in a Python with numpy only, without a network
The quick tier of the tests is `python tests/run.py core`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def zips(folder: Path) -> None:
    """Builds both editions."""
    for edition in ("full", "store"):
        call(sys.executable, "-m", "mono3d_addon.build", "--edition", edition, "-o", str(folder))
    for path in sorted(folder.glob("*.zip")):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}", flush=True)


def plan(folder: Path) -> None:
    """Plans an installation of all components."""
    call(sys.executable, "-m", "vendor_installer", "plan", "worker", "web", "--data-folder", str(folder))


def mesh(folder: Path) -> None:
    """Makes a mesh with the standard library and numpy."""
    venv.create(folder / "python", with_pip=True)
    python = next(path for name in ("bin/python", "Scripts/python.exe") if (path := folder / "python" / name).exists())
    call(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy")
    photo = ROOT / "tests" / "photos" / "coffee.png"
    out = folder / "out"
    words = (str(photo), "-o", str(out), "--data-folder", str(folder / "data"), "--format", "glb,ply,npy")
    call(str(python), "-m", "mono3d_addon", *words)
    for name in ("coffee.glb", "coffee.ply", "coffee_depth.npy"):
        assert (out / name).stat().st_size > 100_000, name


STEPS: Mapping[str, Callable[[Path], None]] = {"zip": zips, "plan": plan, "mesh": mesh}


def call(*command: str) -> None:
    """Runs a command in the checkout; raises CalledProcessError when it fails."""
    print(f"$ {' '.join(command)}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"})


def main(names: Sequence[str]) -> int:
    """Runs the steps; returns the exit code."""
    if unknown := [name for name in names if name not in STEPS]:
        print(f"There is no step '{unknown[0]}'; choose from {', '.join(STEPS)}.", file=sys.stderr)
        return 2
    for name in names or STEPS:
        print(f"=== {name} ===", flush=True)
        with tempfile.TemporaryDirectory(prefix="mono3d-") as folder:
            try:
                STEPS[name](Path(folder))
            except subprocess.CalledProcessError as error:
                print(f"{name} failed: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
