# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs code in a process that has the standard library, numpy and this program, and nothing else to import."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
_NUMPY = Path(np.__file__).parent


def run_bare(folder: Path, code: str) -> Any:
    """Returns what `code` puts into `found`, by way of JSON; `folder` is an empty one, of which it may import.

    Fails the test when the code raises.
    """
    place = folder / "only numpy"
    place.mkdir()
    # The wheels of Linux and Windows have numpy's libraries in a second folder.
    for name in ("numpy", "numpy.libs"):
        if (_NUMPY.parent / name).is_dir():
            (place / name).symlink_to(_NUMPY.parent / name, target_is_directory=True)
    paths = [sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED"), str(place), str(ROOT)]
    script = f"import sys\nsys.path[:] = {paths!r}\nfound = None\n{code}\nimport json\nprint(json.dumps(found))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
