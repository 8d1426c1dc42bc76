# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole release: the same bytes by two Pythons, its checksums, and what is left after a failure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mono3d_addon.build.release import make_release
from mono3d_addon.build.release.checksums import NAME, write_checksums
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT, version
from tests.build.release.test_repository import DATA, SCRIPT
from tests.running.environments import LeftOut, find_python

OTHER_PYTHON = "3.13" if sys.version_info[:2] != (3, 13) else "3.11"
RELEASE = f"mono3d-{version()}"


@pytest.mark.thorough
@pytest.mark.network
@pytest.mark.skipif(os.name == "nt", reason="a script for bash")
def test_two_pythons_make_the_same_release(tmp_path: Path) -> None:
    blender = next(DATA.glob(SCRIPT), None)
    if blender is None:
        pytest.skip("no bpy (run 'python3 tests/run.py')")
    try:
        other = find_python(OTHER_PYTHON)
    except LeftOut as reason:
        pytest.skip(str(reason))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "MONO3D_BLENDER": str(blender), "PATH": path}
    subprocess.run([str(ROOT / ".ci" / "release"), str(tmp_path / "a")], env=variables, check=True)
    words = ["-m", "mono3d_addon.build", "--release", "--draft", "--blender", str(blender), "-o", str(tmp_path / "b")]
    subprocess.run([other, *words], cwd=ROOT, check=True)
    first, second = (tmp_path / name / RELEASE for name in ("a", "b"))
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second).as_posix() for path in second.rglob("*") if path.is_file())
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []
    wheel = f"{RELEASE}-py3-none-any.whl"
    assert names == sorted(
        [
            *("CHANGES.md", NAME, wheel, f"{RELEASE}-store.zip", f"{RELEASE}.cdx.json", f"{RELEASE}.tar.gz"),
            *(f"{RELEASE}.zip", "repository/index.html", "repository/index.json", f"repository/{RELEASE}.zip"),
        ]
    )
    for line in (first / NAME).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((first / name).read_bytes()).hexdigest() == digest
    assert json.loads((first / f"{RELEASE}.cdx.json").read_text())["metadata"]["component"]["version"] == version()
    with zipfile.ZipFile(first / wheel) as archive:
        record = archive.read(f"{RELEASE}.dist-info/RECORD").decode()
        assert {row[0] for row in csv.reader(io.StringIO(record))} == set(archive.namelist())
        assert not [name for name in archive.namelist() if "/build/" in name]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="did not make the index"):
        make_release(tmp_path / "dist", blender=sys.executable, is_draft=True)
    assert not list((tmp_path / "dist").iterdir())


def test_a_release_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / RELEASE).mkdir()
    with pytest.raises(Mono3DError, match="exists already"):
        make_release(tmp_path, is_draft=True)


def test_checksums_are_those_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"x")
    for _ in range(2):
        write_checksums(tmp_path)
        assert (tmp_path / NAME).read_text() == (
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  a\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b/c\n"
        )
