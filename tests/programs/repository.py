# SPDX-License-Identifier: GPL-3.0-or-later
"""An extension repository on a web server of this machine, as a release has it, and versions to offer there."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mono3d_addon.build import MANIFEST, build
from mono3d_addon.build.release.repository import make_repository
from tests.programs.program import Program

OLDER = "0.0.1"
LAST_RELEASE = os.environ.get("MONO3D_LAST_RELEASE", "")
"""The zip of the last release, to upgrade from; without it these sources are built as version OLDER."""

_ROOT = Path(__file__).resolve().parents[2]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Prints nothing."""


@dataclass(frozen=True)
class Repository:
    """A repository at `address` (of its index.json), whose files are in `folder`, made by the Blender of `program`."""

    folder: Path
    address: str
    program: Program

    def offer(self, archive: Path) -> None:
        """Replaces what the repository offers by the zip of one version."""
        shutil.rmtree(self.folder, ignore_errors=True)
        make_repository(self.folder, archive, self.program.command("blender", "--command", "extension"))

    def link(self) -> str:
        """Returns the address of the link of its page that is to be dragged."""
        page = (self.folder / "index.html").read_text(encoding="utf-8")
        (link,) = re.findall(r'class="drag" draggable="true" href="([^"]+)"', page)
        # As a browser resolves it; Blender resolves the query itself.
        return self.address.replace("index.json", link.replace("&amp;", "&"))


@contextlib.contextmanager
def served(program: Program) -> Iterator[Repository]:
    """Yields an empty repository in the Debian of `program`, served until the block ends."""
    see_itself(program.root)
    folder = program.work / "offered"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Repository(folder, f"http://127.0.0.1:{server.server_port}/index.json", program)
        finally:
            server.shutdown()


def see_itself(root: Path) -> None:
    """Makes a path of this machine below `root` valid inside `root` too."""
    link = root / str(root).lstrip("/")
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/")


def older_version(folder: Path) -> Path:
    """Returns the zip of the last release or, without one, of these sources with a lower version."""
    if LAST_RELEASE:
        return Path(shutil.copy(LAST_RELEASE, folder))
    sources = folder / "older"
    for name in ("mono3d_addon", "vendor_installer"):
        shutil.copytree(_ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "LICENSE", "README.md"):
        shutil.copy(_ROOT / name, sources)
    manifest = (_ROOT / MANIFEST).read_text(encoding="utf-8")
    changed = re.sub(r'^version = ".*"$', f'version = "{OLDER}"', manifest, flags=re.MULTILINE)
    (sources / MANIFEST).write_text(changed, encoding="utf-8")
    # By the command, which takes the version from the manifest beside it.
    command = [sys.executable, "-m", "mono3d_addon.build", "-o", str(folder)]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def this_version(folder: Path) -> Path:
    """Returns the zip of these sources."""
    return build(folder)
