# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension repository, made by the command of Blender's Python module; real Blenders use it in tests/programs."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from mono3d_addon.build import MANIFEST
from mono3d_addon.build.release.repository import drag_link, extension_command, make_repository
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT, version

DATA = Path(os.environ.get("MONO3D_TEST_DATA") or "/nowhere")
SCRIPT = "environments/scene-*/packages-*/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"


@pytest.fixture(scope="module")
def blender() -> str:
    """The script of an installed bpy that implements Blender's command for extensions."""
    found = next(DATA.glob(SCRIPT), None)
    if found is None:
        pytest.skip("no bpy (run 'python3 tests/run.py')")
    return str(found)


def small_zip(path: Path, text: str = "") -> Path:
    """An extension with the product's manifest and nothing else."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, text or (ROOT / MANIFEST).read_text(encoding="utf-8"))
        archive.writestr("__init__.py", "")
    return path


def test_blenders_index_and_our_page(tmp_path: Path, blender: str) -> None:
    archive = small_zip(tmp_path / f"mono3d-{version()}.zip")
    make_repository(tmp_path / "repository", archive, extension_command(blender))
    assert sorted(path.name for path in (tmp_path / "repository").iterdir()) == [
        "index.html",
        "index.json",
        archive.name,
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [archive.name, "repository"], "the template is left"
    (listed,) = json.loads((tmp_path / "repository" / "index.json").read_text())["data"]
    assert (listed["id"], listed["version"]) == ("mono3d", version())
    assert listed["archive_hash"] == f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    page = (tmp_path / "repository" / "index.html").read_text()
    assert "[[" not in page and "$" not in page and "http" not in page.replace("http-equiv", "")
    (link,) = re.findall(r'class="drag" draggable="true" href="([^"]+)"', page)
    address = urlsplit(html.unescape(link))
    query = {name: values[0] for name, values in parse_qs(address.query, strict_parsing=True).items()}
    assert address.path == archive.name and query["repository"] == "./index.json"
    assert query["blender_version_min"] == listed["blender_version_min"] and "macos-arm64" in query["platforms"]
    # Blender's own link, without platforms, is in its table.
    assert f"./{archive.name}?repository=.%2Findex.json&" in html.unescape(page)


def test_two_repositories_are_the_same(tmp_path: Path, blender: str) -> None:
    archive = small_zip(tmp_path / "a.zip")
    for name in ("1", "2"):
        make_repository(tmp_path / name, archive, extension_command(blender))
    for name in ("index.json", "index.html"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_an_extension_that_blender_refuses_is_one_sentence(tmp_path: Path, blender: str) -> None:
    broken = (ROOT / MANIFEST).read_text(encoding="utf-8").replace('id = "mono3d"', 'id = "not an id"')
    archive = small_zip(tmp_path / "a.zip", broken)
    with pytest.raises(Mono3DError, match="Blender did not make the index"):
        make_repository(tmp_path / "repository", archive, extension_command(blender))


def test_a_blender_that_does_not_exist_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match=r"no program '/nowhere/blender'.*--blender"):
        extension_command("/nowhere/blender")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Mono3DError, match="No Blender was found"):
        extension_command()
    (tmp_path / "blender").write_text("#!/bin/sh\n")
    (tmp_path / "blender").chmod(0o755)
    assert extension_command() == [str(tmp_path / "blender"), "--command", "extension"]


def test_a_program_that_is_no_blender_is_one_sentence(tmp_path: Path) -> None:
    archive = small_zip(tmp_path / "a.zip")
    with pytest.raises(Mono3DError, match="did not make the index"):
        make_repository(tmp_path / "repository", archive, [sys.executable, "-c", "pass"])


def test_the_link_states_what_blender_checks() -> None:
    link = drag_link("mono3d-1.2.3.zip", {"blender_version_min": "4.2.0"})
    assert link.startswith(
        "mono3d-1.2.3.zip?repository=.%2Findex.json&blender_version_min=4.2.0&platforms=windows-x64%2C"
    )
