# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the wheel and the sdist for the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def build(root: Path, folder: Path, *targets: str) -> list[Path]:
    """Returns the files that hatchling makes of the sources in `root`, in the order of `targets` (wheel, sdist)."""
    words = [word for target in targets for word in ("-t", target)]
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-d", str(folder), *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    endings = {"wheel": "*.whl", "sdist": "*.tar.gz"}
    return [next(folder.glob(endings[target])) for target in targets]
