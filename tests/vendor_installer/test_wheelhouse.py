# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheelhouses: bundled with a network, installed without."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import vendor_installer
from tests.vendor_installer.local_index import Index, locked, make_wheel, write_lock
from vendor_installer import InstallError, bundle, commands, find, install
from vendor_installer.interpreter import Interpreter
from vendor_installer.plans import Plan
from vendor_installer.platforms import LINUX, WINDOWS
from vendor_installer.wheelhouse import SUMS

MakePlan = Callable[[], Plan]


@pytest.fixture
def house(index: Index, tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheelhouse of the tiny component; once it is made, network and pip are disabled."""
    folder = tmp_path / "house"
    assert bundle(tiny_plan(), folder) == 2
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    index.requests.clear()
    return folder


def _from(house: Path, data_folder: Path, locks_folder: Path) -> Plan:
    return vendor_installer.plan("tiny", data_folder, locks_folder=locks_folder, wheelhouse=house)


def test_a_bundle_has_the_files_and_a_list_for_sha256sum(house: Path, wheels: dict[str, Path]) -> None:
    assert {path.name for path in house.iterdir()} == {*(wheel.name for wheel in wheels.values()), SUMS}
    if sys.platform == "linux":
        done = subprocess.run(["sha256sum", "--check", SUMS], cwd=house, capture_output=True, text=True, check=True)
        assert done.stdout.count(": OK") == 2


def test_a_bundle_leaves_nothing_in_the_data_folder_but_the_log(house: Path, data_folder: Path) -> None:
    assert {item.name for item in data_folder.iterdir()} == {"logs", "install.lock"}


def test_an_installation_from_it_uses_no_network_and_no_pip(
    house: Path, index: Index, data_folder: Path, locks_folder: Path, interpreter: Interpreter
) -> None:
    made = _from(house, data_folder, locks_folder)
    assert made.download_bytes == 0 and "the network is not used" in made.summary()
    assert "  nothing to download, on disk" in made.summary()
    bare = dataclasses.replace(made, interpreter=dataclasses.replace(interpreter, has_pip=False, pip_wheel=""))
    installed = install(bare, allow_network=False)
    assert find("tiny", data_folder) == installed and installed.hashes_complete
    assert not index.requests
    assert len(list(house.iterdir())) == 3


def test_missing_files_are_named(house: Path, data_folder: Path, locks_folder: Path) -> None:
    next(house.glob("beta*")).unlink()
    with pytest.raises(InstallError, match=r"lacks beta 1\.0 for tiny .*vendor_installer bundle tiny --python-tag cp3"):
        _from(house, data_folder, locks_folder)


def test_a_damaged_file_is_refused(house: Path, data_folder: Path, locks_folder: Path) -> None:
    wheel = next(house.glob("beta*"))
    wheel.write_bytes(bytes(wheel.stat().st_size))
    with pytest.raises(InstallError, match="damaged or not the one that was pinned"):
        install(_from(house, data_folder, locks_folder), allow_network=True)
    assert find("tiny", data_folder) is None


def test_a_missing_folder_is_reported(data_folder: Path, locks_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="There is no folder"):
        _from(tmp_path / "nowhere", data_folder, locks_folder)


def test_a_file_without_a_pinned_hash_is_compared_with_the_list(
    wheels: dict[str, Path], data_folder: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    folder, house = tmp_path / "open", tmp_path / "house"
    write_lock(folder, interpreter, [locked(wheels["alpha"], hashed=False), locked(wheels["beta"])])
    bundle(vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True), house)
    assert (house / wheels["alpha"].name).is_file()
    installed = install(_from(house, data_folder, folder), allow_network=False)
    assert not installed.hashes_complete
    make_wheel(house, "alpha", files={"alpha/__init__.py": b"version = 'evil'\n"})
    with pytest.raises(InstallError, match="damaged"):
        install(_from(house, data_folder, folder), allow_network=False, repair=True)


def test_a_second_bundle_adds_to_the_first(
    house: Path,
    wheels: dict[str, Path],
    data_folder: Path,
    interpreter: Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_wheel(wheels["alpha"].parent, "alpha", "2.0")
    folder = tmp_path / "newer"
    write_lock(folder, interpreter, [locked(other), locked(wheels["beta"])])
    monkeypatch.setenv("PIP_FIND_LINKS", str(other.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    bundle(vendor_installer.plan("tiny", data_folder, locks_folder=folder, allow_network=True), house)
    assert len((house / SUMS).read_text().splitlines()) == 3 == len(list(house.glob("*.whl")))


def test_a_bundle_for_another_machine(
    wheels: dict[str, Path], index: Index, data_folder: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    platform = WINDOWS if interpreter.platform == LINUX else LINUX
    words = {WINDOWS: "win_amd64", LINUX: "manylinux_2_28_x86_64"}[platform]
    native = wheels["beta"].rename(wheels["beta"].with_name(f"beta-1.0-cp313-cp313-{words}.whl"))
    there = dataclasses.replace(interpreter, tag="cp313", platform=platform)
    folder, house = tmp_path / "there", tmp_path / "house"
    write_lock(folder, there, [locked(wheels["alpha"]), locked(native)])
    made = vendor_installer.plan(
        "tiny", data_folder, locks_folder=folder, allow_network=True, target=("cp313", platform)
    )
    assert bundle(made, house) == 2 and (house / native.name).is_file()
    with pytest.raises(InstallError, match="for another machine"):
        install(made, allow_network=True)


@pytest.mark.parametrize(("tag", "platform"), [("python3.11", LINUX), ("cp311", "linux")])
def test_an_unknown_machine_is_refused(tag: str, platform: str, data_folder: Path) -> None:
    with pytest.raises(InstallError, match="There is no machine"):
        vendor_installer.plan("tiny", data_folder, target=(tag, platform))


def test_a_progress_line_shows_the_end_once(capsys: pytest.CaptureFixture[str]) -> None:
    with commands.ProgressLine() as line:
        for _ in range(5):
            line("Downloading alpha", 1.0)
    assert capsys.readouterr().err == "100 %  Downloading alpha\n"


def test_bundle_and_install_on_the_command_line(
    wheels: dict[str, Path],
    data_folder: Path,
    locks_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("vendor_installer.locks.FOLDER", locks_folder)
    house = str(tmp_path / "house")
    assert commands.main(["bundle", "--data-folder", str(data_folder), "tiny", "-o", house]) == 0
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    assert commands.main(["install", "--data-folder", str(data_folder), "tiny", "--wheelhouse", house]) == 0
    assert "2 files in" in capsys.readouterr().out and find("tiny", data_folder) is not None
    (Path(house) / wheels["alpha"].name).unlink()
    arguments = ["install", "--repair", "--data-folder", str(data_folder), "tiny", "--wheelhouse", house]
    assert commands.main(arguments) == 1
    assert "lacks alpha 1.0" in capsys.readouterr().err
