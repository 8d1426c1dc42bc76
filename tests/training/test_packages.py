# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.training.made_packages import collection, deb, tar
from training import packages

FILES = {"usr/share/a.jpg": b"first", "usr/share/b.png": b"second"}


def _wheel(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.deb", deb(FILES)), ("a.tgz", tar(FILES, "gz")), ("a.tar.xz", tar(FILES, "xz")), ("a.whl", _wheel(FILES))],
)
def test_files_are_read_from_every_kind_of_package(tmp_path: Path, name: str, data: bytes) -> None:
    package = _written(tmp_path, name, data)
    assert dict(packages.read(package, {"usr/share/b.png"})) == {"usr/share/b.png": b"second"}
    assert dict(packages.read(package, set(FILES))) == FILES


def test_files_are_read_from_a_resource_collection(tmp_path: Path) -> None:
    files = {"usr/a.rcc": collection({"pictures/cat.jpg": b"cat" * 100, "pictures/dog.jpg": b"dog"})}
    package = _written(tmp_path, "a.deb", deb(files))
    wanted = {"usr/a.rcc!/pictures/cat.jpg", "usr/a.rcc!/pictures/dog.jpg"}
    assert dict(packages.read(package, wanted)) == dict(zip(sorted(wanted), (b"cat" * 100, b"dog"), strict=True))
    with pytest.raises(ValueError, match=r"a\.deb cannot be read: there is no 'cow\.jpg'"):
        dict(packages.read(package, {"usr/a.rcc!/pictures/cow.jpg"}))
    with pytest.raises(ValueError, match="a folder"):
        dict(packages.read(package, {"usr/a.rcc!/pictures"}))


@pytest.mark.parametrize("path", ["../outside.jpg", "/etc/passwd", "a/../../b.jpg", "a\\..\\b.jpg", "", "."])
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, path: str) -> None:
    package = _written(tmp_path, "a.tgz", tar({path.strip("/") or "a": b"hostile"}, "gz"))
    with pytest.raises(ValueError, match="not a path inside a package"):
        dict(packages.read(package, {path}))


def test_hostile_names_in_an_archive_cannot_be_read(tmp_path: Path) -> None:
    package = _written(tmp_path, "a.tgz", tar({"../../a.jpg": b"hostile", "a.jpg": b"good"}, "gz"))
    assert dict(packages.read(package, {"a.jpg"})) == {"a.jpg": b"good"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_link_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    package = _written(tmp_path, "a.tgz", buffer.getvalue())
    with pytest.raises(ValueError, match="not a regular file"):
        dict(packages.read(package, {"a.jpg"}))


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MOST_BYTES", 1000)
    bomb = bytes(1001)
    for name, data in (("a.deb", deb({"a": bomb})), ("a.tgz", tar({"a": bomb}, "gz")), ("a.whl", _wheel({"a": bomb}))):
        with pytest.raises(ValueError, match="more than 1000 bytes"):
            dict(packages.read(_written(tmp_path, name, data), {"a"}))
    packed = collection({"bomb.jpg": bomb})
    assert len(packed) < 1000
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        dict(packages.read(_written(tmp_path, "b.deb", deb({"b.rcc": packed})), {"b.rcc!/bomb.jpg"}))


def test_missing_and_damaged_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.deb has no file usr/other\.jpg"):
        dict(packages.read(_written(tmp_path, "a.deb", deb(FILES)), {"usr/other.jpg"}))
    for damaged in (b"", b"PK\x03\x04", b"!<arch>\n", deb(FILES)[:200], b"<html>", tar(FILES, "xz")[:60]):
        with pytest.raises(ValueError, match=r"b\.deb cannot be read"):
            dict(packages.read(_written(tmp_path, "b.deb", damaged), set(FILES)))


@pytest.mark.parametrize("damage", [b"qres", b"qres" + bytes(40), collection({"a": b"aa"})[:30], b"other" * 9])
def test_a_damaged_resource_collection_is_reported(tmp_path: Path, damage: bytes) -> None:
    package = _written(tmp_path, "a.deb", deb({"a.rcc": damage}))
    with pytest.raises(ValueError, match=r"a\.deb cannot be read"):
        dict(packages.read(package, {"a.rcc!/a"}))
