# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheel and sdist, packed anew: the same files, and bytes that depend on nothing else."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from mono3d_addon.build.release.packages import TIME, TOOLS, repack_sdist, repack_wheel
from mono3d_addon.version import ROOT

FILES = {
    "b/__init__.py": b"import a\n" * 50,
    "a.py": b"",
    "photo.jpg": bytes(range(256)),
    "b-1.0.dist-info/RECORD": b"a.py,,\n",
    "b-1.0.dist-info/METADATA": b"Name: b\n",
}


def wheel(path: Path, names: list[str], year: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, (year, 2, 3, 4, 5, 6)), FILES[name])
    return path


def test_a_wheel_keeps_its_files_and_loses_its_times(tmp_path: Path) -> None:
    repack_wheel(wheel(tmp_path / "1.whl", list(FILES), 2020), tmp_path / "a.whl")
    repack_wheel(wheel(tmp_path / "2.whl", sorted(FILES), 2026), tmp_path / "b.whl")
    assert (tmp_path / "a.whl").read_bytes() == (tmp_path / "b.whl").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.whl") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.namelist()[-2:] == ["b-1.0.dist-info/METADATA", "b-1.0.dist-info/RECORD"]


def sdist(path: Path, names: list[str], seconds: int, mode: int) -> Path:
    source = path.with_suffix(".source")
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            source.write_bytes(FILES[name])
            about = archive.gettarinfo(source, f"b-1.0/{name}")
            about.mtime, about.mode, about.uname = seconds, mode, f"user{seconds}"
            with source.open("rb") as content:
                archive.addfile(about, content)
    return path


def test_an_sdist_keeps_its_files_and_loses_times_modes_and_owners(tmp_path: Path) -> None:
    repack_sdist(sdist(tmp_path / "1.tar.gz", list(FILES), 5, 0o600), tmp_path / "a.tar.gz")
    repack_sdist(sdist(tmp_path / "2.tar.gz", sorted(FILES), 6, 0o755), tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        members = archive.getmembers()
        contents = {}
        for one in members:
            file = archive.extractfile(one)
            assert file is not None
            contents[one.name.removeprefix("b-1.0/")] = file.read()
    assert contents == FILES
    assert {(one.mtime, one.mode, one.uname, one.uid) for one in members} == {(TIME, 0o644, "", 0)}


def test_the_backend_is_that_of_pyproject() -> None:
    pinned = set(re.findall(r"^([\w.-]+==[\w.]+) --hash=sha256:[0-9a-f]{64}$", TOOLS.read_text(), re.MULTILINE))
    assert len(pinned) == len(TOOLS.read_text().splitlines()) - 1
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)["build-system"]["requires"]) <= pinned


@pytest.mark.parametrize("name", ["1.whl", "1.tar.gz"])
def test_what_is_repacked_differs_with_its_content(name: str, tmp_path: Path) -> None:
    make, repack = (sdist_of, repack_sdist) if name.endswith("gz") else (wheel_of, repack_wheel)
    made = []
    for number, names in enumerate((list(FILES), list(FILES)[1:])):
        repack(make(tmp_path / f"{number}{name}", names), tmp_path / "out")
        made.append((tmp_path / "out").read_bytes())
    assert made[0] != made[1]


def wheel_of(path: Path, names: list[str]) -> Path:
    return wheel(path, names, 2026)


def sdist_of(path: Path, names: list[str]) -> Path:
    return sdist(path, names, 5, 0o644)
