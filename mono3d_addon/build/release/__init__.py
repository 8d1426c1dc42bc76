# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of a release, made reproducibly: the same sources and tools give the same bytes."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from ...errors import Mono3DError
from ...version import ROOT, version
from ..deflate import compressed
from ..editions import EDITIONS
from ..extension import build
from .bill import bill_of_materials
from .changelog import changes_of
from .checksums import write_checksums
from .packages import build_packages
from .repository import extension_command, make_repository


def make_release(folder: Path, *, blender: str = "", website: str = "", is_draft: bool = False) -> Path:
    """Makes the files of a release in a new folder below `folder`, named by the version, and returns that folder.

    It holds the zips of both editions, the extension repository (`repository/`), wheel, sdist, bill of materials
    (CycloneDX, `.cdx.json`), the changelog's section (CHANGES.md) and SHA256SUMS.
    `blender` is the program that makes the repository's index, see `extension_command`; `website` is the address that
    the manifests are to state; a draft may have a changelog without a heading for the version.
    Downloads the build's pinned tools with pip. Raises Mono3DError when something fails; then nothing is left behind.
    """
    name = f"mono3d-{version()}"
    target = folder / name
    if target.exists():
        raise Mono3DError(f"'{target}' exists already; remove it to make the release anew.")
    changes = changes_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version(), is_draft=is_draft)
    command = extension_command(blender)
    # The zips, the wheel and the sdist have most files in common.
    compress = functools.cache(compressed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".mono3d-", suffix=".partial", dir=folder) as staging:
            made = Path(staging) / name
            made.mkdir()
            zips = {edition: build(made, ROOT, edition, website, compress) for edition in EDITIONS}
            make_repository(made / "repository", zips["full"], command)
            build_packages(made, compress)
            (made / "CHANGES.md").write_text(changes, encoding="utf-8", newline="\n")
            (made / f"{name}.cdx.json").write_text(bill_of_materials(), encoding="utf-8", newline="\n")
            write_checksums(made)
            shutil.move(made, target)
    except OSError as error:
        raise Mono3DError(f"The release cannot be written to '{folder}' ({error.strerror or error}).") from error
    return target
