# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking wheels, compared with the real pip."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.vendor_installer.local_index import make_wheel
from vendor_installer import InstallError, wheels


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
    }


def test_the_result_equals_that_of_pip(tmp_path: Path) -> None:
    files = {
        "gamma/__init__.py": b"x = 1\n",
        "gamma/deep/er/data.bin": bytes(range(256)) * 9000,
        "gamma-1.0.data/purelib/gamma_more.py": b"y = 2\n",
        "gamma-1.0.data/platlib/gamma/native.py": b"z = 3\n",
    }
    wheel = make_wheel(tmp_path, "gamma", files=files)
    ours = tmp_path / "ours"
    counted: list[int] = []
    written = wheels.unpack(wheel, ours, (), counted.append)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*command, "--target", str(tmp_path / "theirs"), str(wheel)], check=True, capture_output=True)
    assert _tree(ours) == _tree(tmp_path / "theirs")
    assert written == sum(counted) == sum(path.stat().st_size for path in ours.rglob("*") if path.is_file())


def test_trimmed_files_are_not_written_and_not_counted(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "gamma", files={"gamma/a.py": b"", "gamma/unused/b.py": b"12345"})
    with zipfile.ZipFile(wheel) as archive:
        expected = wheels.stored_bytes(archive, ("gamma/unused/*",))
        assert wheels.stored_bytes(archive, ()) == expected + 5
    assert wheels.unpack(wheel, tmp_path / "out", ("gamma/unused/*",), lambda count: None) == expected
    assert (tmp_path / "out/gamma/a.py").is_file() and not (tmp_path / "out/gamma/unused").exists()


def test_folders_of_a_wheel_can_be_moved(tmp_path: Path) -> None:
    """Like Intel's wheels, whose libraries would go into the interpreter's prefix, outside a packages folder."""
    files = {"gamma.py": b"", "gamma-1.0.data/data/lib/libsycl.so.9": b"12345", "gamma-1.0.data/data/share/x.txt": b"1"}
    wheel = make_wheel(tmp_path, "gamma", files=files)
    moves = {"*.data/data/lib": "torch/lib"}
    with zipfile.ZipFile(wheel) as archive:
        difference = wheels.stored_bytes(archive, (), moves) - wheels.stored_bytes(archive, ())
    wheels.unpack(wheel, tmp_path / "out", (), lambda count: None, moves)
    assert (tmp_path / "out/torch/lib/libsycl.so.9").read_bytes() == b"12345" and difference == 5
    assert (tmp_path / "out/gamma.py").is_file() and not list((tmp_path / "out").rglob("x.txt"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
def test_programs_stay_executable(tmp_path: Path) -> None:
    wheel = tmp_path / "gamma-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        item = zipfile.ZipInfo("gamma/program")
        item.external_attr = 0o755 << 16
        archive.writestr(item, b"#!/bin/sh\n")
        archive.writestr("gamma/text", b"")
    wheels.unpack(wheel, tmp_path / "out", (), lambda count: None)
    assert (tmp_path / "out/gamma/program").stat().st_mode & 0o111
    assert not (tmp_path / "out/gamma/text").stat().st_mode & 0o111


@pytest.mark.parametrize("member", ["../escape.py", "/escape.py", "gamma/../../escape.py", "c:/escape.py", "a\\b.py"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, member: str) -> None:
    wheel = tmp_path / "gamma-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        item = zipfile.ZipInfo("placeholder")
        item.filename = member
        archive.writestr(item, b"")
    with pytest.raises(InstallError, match="forbidden path"):
        wheels.unpack(wheel, tmp_path / "out", (), lambda count: None)
    assert not list(tmp_path.rglob("*escape.py"))


def test_a_damaged_wheel_is_one_sentence(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "gamma", files={"gamma/data.bin": bytes(100_000)})
    data = bytearray(wheel.read_bytes())
    data[500] ^= 255
    wheel.write_bytes(data)
    with pytest.raises(InstallError, match="is damaged"):
        wheels.unpack(wheel, tmp_path / "out", (), lambda count: None)
