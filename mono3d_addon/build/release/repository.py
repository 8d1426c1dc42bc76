# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension repository: static files that any web server holds, from which Blender installs and updates.

Blender itself makes `index.json`; `index.html` is a page of ours with the link that one drags into Blender, around the
table that Blender makes.
"""

from __future__ import annotations

import hashlib
import html
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from ...errors import Mono3DError
from ..extension import MANIFEST

PLATFORMS = ("windows-x64", "windows-arm64", "macos-arm64", "macos-x64", "linux-x64", "linux-arm64")
"""Where Blender runs. The add-on contains no compiled code, so its manifest names no platforms, which means all."""

_PAGE = Path(__file__).parent / "page.html"
_SECONDS = 120.0


def extension_command(blender: str = "") -> list[str]:
    """Returns the beginning of Blender's command for extensions.

    `blender` is a Blender program, or the script `blender_ext.py` of its Python module; empty: the `blender` on the
    path. Raises Mono3DError when there is none.
    """
    found = shutil.which(blender or "blender")
    if blender.endswith(".py") and Path(blender).is_file():
        return [sys.executable, blender]
    if found is None:
        missing = f"There is no program '{blender}'" if blender else "No Blender was found"
        raise Mono3DError(
            f"{missing}, which makes the index of the extension repository: name one with --blender (Blender, or the "
            "blender_ext.py of the Python package bpy)."
        )
    return [found, "--command", "extension"]


def drag_link(archive: str, manifest: Mapping[str, object]) -> str:
    """Returns the link to a zip, relative to the page, that installs it when it is dragged into Blender."""
    query = {"repository": "./index.json", "blender_version_min": manifest["blender_version_min"]}
    return f"{archive}?{urlencode({**query, 'platforms': ','.join(PLATFORMS)})}"


def make_repository(folder: Path, archive: Path, command: Sequence[str]) -> None:
    """Makes the repository in the new folder `folder`, with a copy of the zip `archive`.

    `command` is that of `extension_command`. Raises Mono3DError when Blender fails or leaves the extension out, OSError
    when something cannot be written.
    """
    folder.mkdir()
    zipped = Path(shutil.copy(archive, folder))
    with zipfile.ZipFile(zipped) as opened:
        manifest = tomllib.loads(opened.read(MANIFEST).decode())
    # Beside the repository: a Blender in a container sees the same folder as we do, if any.
    with tempfile.NamedTemporaryFile("w", suffix=".html", dir=folder.parent, encoding="utf-8", delete=False) as file:
        file.write(_page(zipped, manifest))
    template = Path(file.name)
    try:
        words = [*command, "server-generate", f"--repo-dir={folder}", "--html", f"--html-template={template}"]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Mono3DError(f"Blender cannot make the index of the extension repository: {error}") from error
    finally:
        template.unlink()
    listed = _listed(folder / "index.json")
    digest = hashlib.sha256(zipped.read_bytes()).hexdigest()
    wanted = (manifest["id"], manifest["version"], f"./{zipped.name}", f"sha256:{digest}")
    if done.returncode != 0 or listed != [wanted]:
        said = (done.stderr.strip() or done.stdout.strip())[-600:]
        raise Mono3DError(f"Blender did not make the index of the extension repository: {said or 'it says nothing'}")


def _listed(index: Path) -> list[tuple[str, str, str, str]]:
    if not index.is_file():
        return []
    data = json.loads(index.read_text(encoding="utf-8"))["data"]
    return [(one["id"], one["version"], one["archive_url"], one["archive_hash"]) for one in data]


def _page(archive: Path, manifest: Mapping[str, object]) -> str:
    """Returns the template of the page, in which Blender replaces `${body}`."""
    values = {
        "name": manifest["name"],
        "tagline": manifest["tagline"],
        "version": manifest["version"],
        "blender": manifest["blender_version_min"],
        "megabytes": f"{archive.stat().st_size / 1e6:.1f}",
        "link": drag_link(archive.name, manifest),
        "archive": archive.name,
    }
    text = _PAGE.read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"[[{key}]]", html.escape(str(value)).replace("$", "$$"))
    return text
