# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site: `python3 -m website -o FOLDER`.

Needs the packages of website/requirements.txt (`python3 -m pip install -r website/requirements.txt`). The result is a
folder of static files for any web server; it loads nothing from other hosts.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import pages

HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str]) -> int:
    """Builds the site and returns the exit code of MkDocs: 0, or 1 with its warnings on standard error."""
    parser = argparse.ArgumentParser(prog="python3 -m website", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the site; replaced")
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("mkdocs") is None:
        print(f"The site is built with MkDocs: python3 -m pip install -r {HERE / 'requirements.txt'}", file=sys.stderr)
        return 1
    return build(options.out)


def build(out: Path) -> int:
    """Builds the site into a folder, which is replaced, and returns MkDocs's exit code."""
    with tempfile.TemporaryDirectory() as work:
        stage = Path(work)
        shutil.copy(HERE / "mkdocs.yml", stage)
        pages.write(pages.collect(HERE.parent), stage / "pages")
        shutil.copytree(HERE / "assets", stage / "pages" / "assets")
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out.resolve())]
        # Its advertisement of another program is no warning about this site.
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        return subprocess.run(command, cwd=stage, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
