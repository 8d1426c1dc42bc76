# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test files belong to the files that a change touches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = "mono3d_addon"

ALSO = {
    "mono3d_addon/blender": ("tests/programs/*",),
    "mono3d_addon/web": ("tests/browser/*",),
    "pyproject.toml": ("tests/build/*",),
    "vendor_installer": ("tests/blender/test_real_install.py", "tests/programs/*"),
    "training": ("tests/blender/test_training_scenes.py",),
}
"""Tests of a folder or file besides those in the folder of `tests` with the same name."""


def changed_files(root: Path, revision: str) -> list[str]:
    """Returns the files that differ from a revision in the working tree of `root`, untracked files included.

    Raises ValueError when git does not know the revision.
    """
    names: set[str] = set()
    for words in (
        ["diff", "--name-only", "--no-renames", "--relative", revision, "--"],
        ["ls-files", "--others", "--exclude-standard"],
    ):
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(f"git cannot compare with '{revision}': {done.stderr.strip()}")
        names |= set(done.stdout.splitlines())
    return sorted(names)


def patterns_of(files: Iterable[str]) -> tuple[str, ...]:
    """Returns patterns of the test files whose thorough tests belong to changed files, such as 'tests/core/*'."""
    found: set[str] = set()
    for name in files:
        first, *inner = Path(name).parts
        if first in (PACKAGE, "tests") and name.endswith((".py", ".js", ".html", ".css", ".safetensors")):
            has_folder = len(inner) > 1 and (TESTS / inner[0]).is_dir()
            found.add(f"tests/{inner[0]}/*" if has_folder else "tests/test_*.py")
        elif first in ("mono3d", "training", "vendor_installer", "website"):
            found.add(f"tests/{first}/*")
        for folder, tests in ALSO.items():
            if name == folder or name.startswith(f"{folder}/"):
                found |= set(tests)
    return tuple(sorted(found))
