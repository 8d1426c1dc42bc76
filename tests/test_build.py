# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from mono3d_addon import build
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT, version


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The extension's sources elsewhere, with other times and permissions."""
    for name in build.files():
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(0o600)
        os.utime(target, (1e9, 1e9))
    return tmp_path / "copy"


def test_identical_sources_give_identical_bytes(copy: Path, tmp_path: Path) -> None:
    for rubbish in (
        "mono3d_addon/__pycache__/a.pyc",
        "mono3d_addon/.hidden.py",
        "mono3d_addon/core/notes.bak",
        "tests/a.py",
    ):
        (copy / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (copy / rubbish).write_text("not part of it")
    first, second = build.build(tmp_path / "a"), build.build(tmp_path / "b", copy)
    assert first.read_bytes() == second.read_bytes()
    assert [item.name for item in (tmp_path / "a").iterdir()] == [f"mono3d-{version()}.zip"]


def test_a_changed_source_gives_other_bytes(copy: Path, tmp_path: Path) -> None:
    with (copy / "mono3d_addon" / "errors.py").open("a") as file:
        file.write("\n")
    assert build.build(tmp_path / "a").read_bytes() != build.build(tmp_path / "b", copy).read_bytes()


def test_it_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build.build(tmp_path)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert names[:2] == ["blender_manifest.toml", "__init__.py"] and len(set(names)) == len(names)
    for needed in (
        "LICENSE",
        "README.md",
        "mono3d_addon/__init__.py",
        "mono3d_addon/batch.py",
        "mono3d_addon/blender/scene/build.py",
        "mono3d_addon/depth/bundled/starter.safetensors",
        "vendor_installer/__init__.py",
    ):
        assert needed in names
    assert any(name.startswith("vendor_installer/locks/") for name in names)
    assert any(name.endswith(".md") and name.startswith("mono3d_addon/depth/bundled/") for name in names), "model card"
    parts = {part for name in names for part in Path(name).parts}
    assert not parts & {"tests", "benchmarks", "training", "__pycache__", ".ci", "pyproject.toml", "web"}
    assert not any(name.endswith((".pyc", ".whl", ".so", ".pyd")) for name in names)
    assert (manifest["id"], manifest["version"]) == ("mono3d", version())
    assert modes == {stat.S_IFREG | 0o644}


def test_a_missing_part_is_one_sentence(copy: Path, tmp_path: Path) -> None:
    (copy / "LICENSE").unlink()
    with pytest.raises(Mono3DError, match="LICENSE"):
        build.build(tmp_path / "a", copy)
    assert not list((tmp_path / "a").iterdir())


def test_the_command_says_where_the_zip_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["-o", str(tmp_path)]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_the_extension_tells_that_it_has_no_web_page(tmp_path: Path) -> None:
    with zipfile.ZipFile(build.build(tmp_path)) as archive:
        archive.extractall(tmp_path / "extension")
    code = "import sys; sys.path.insert(0, sys.argv[1]); from mono3d_addon.cli import main; sys.exit(main(['web']))"
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "extension")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "The extension does not include the web page; start it with Python from the repository."
    )
