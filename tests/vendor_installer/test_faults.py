# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults injected into installations: after each, what was installed works or nothing claims to be installed, and the
next installation succeeds. Kills happen at steps that change files, counted by Python's audit events, and by time."""

from __future__ import annotations

import contextlib
import datetime
import functools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

import vendor_installer
from tests.vendor_installer.local_index import Index, locked, make_wheel, write_lock
from tests.vendor_installer.tiny import LIT
from vendor_installer import InstallError, find, install, installation, planning, tidy, uninstall, verify
from vendor_installer.folders import Folders
from vendor_installer.install_lock import Busy
from vendor_installer.interpreter import Interpreter
from vendor_installer.plans import Plan
from vendor_installer.upkeep import leftovers

MakePlan = Callable[[], Plan]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")]

_STEPS = {"open", "subprocess.Popen", "shutil.rmtree", "fcntl.flock"}
_STEPS |= {f"os.{name}" for name in ("rename", "remove", "mkdir", "rmdir", "link", "chmod", "truncate", "scandir")}


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "wheels"
    beta = {"beta/__init__.py": b"", **{f"beta/part{number}/data.bin": os.urandom(20_000) for number in range(8)}}
    return {"alpha": make_wheel(folder, "alpha"), "beta": make_wheel(folder, "beta", files=beta)}


def _in_child(
    work: Callable[[], object], *, at_step: int = 0, after: float = 0.0, counted: Collection[str] = _STEPS
) -> tuple[int, int]:
    """Runs `work` in a fork that is killed at its n-th step or after some seconds.

    Returns the exit code (-9: killed, 3: another installation was at work) and how many steps there were.
    """
    steps = multiprocessing.Value("i", 0)
    process = multiprocessing.get_context("fork").Process(target=_counted, args=(work, at_step, counted, steps))
    process.start()
    process.join(after or 60)
    if after and process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
    assert process.exitcode is not None
    return process.exitcode, steps.value


def _counted(work: Callable[[], object], at_step: int, counted: Collection[str], steps: object) -> None:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in counted and threading.current_thread() is threading.main_thread():
            steps.value += 1  # type: ignore[attr-defined]
            if steps.value == at_step:  # type: ignore[attr-defined]
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        work()
    except Busy:
        os._exit(3)
    os._exit(0)


def _whole_or_nothing(data_folder: Path) -> bool:
    """Whether something is installed; it then is whole and works."""
    installed = find("tiny", data_folder)
    if installed is not None:
        verify(installed, data_folder)
    return installed is not None


def _recovers(made: Plan, data_folder: Path, keep_downloads: bool = False) -> None:
    installed = install(made, allow_network=True, repair=True, keep_downloads=keep_downloads)
    verify(installed, data_folder)
    assert find("tiny", data_folder) == installed and not leftovers(Folders(data_folder))


def test_killed_at_every_rename_of_a_repair(tiny_plan: MakePlan, data_folder: Path) -> None:
    """By renaming, an installation takes the place of the previous one."""
    keep = functools.partial(install, allow_network=True, repair=True, keep_downloads=True)
    keep(tiny_plan())
    made = tiny_plan()
    code, count = _in_child(lambda: keep(made), counted=("os.rename",))
    assert code == 0 and count >= 2, count
    for step in range(1, count + 1):
        code, _ = _in_child(lambda: keep(made), at_step=step, counted=("os.rename",))
        assert code == -signal.SIGKILL
        assert _whole_or_nothing(data_folder), f"the previous state is gone after a kill at rename {step}"
    _recovers(made, data_folder, keep_downloads=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [3, pytest.param(160, marks=pytest.mark.thorough)])
def test_killed_at_random_steps_of_a_repair(tiny_plan: MakePlan, data_folder: Path, kills: int) -> None:
    keep = functools.partial(install, allow_network=True, repair=True, keep_downloads=True)
    keep(tiny_plan())
    made = tiny_plan()
    code, count = _in_child(lambda: keep(made))
    assert code == 0 and count > 60, count
    chance = random.Random(4)
    killed = 0
    for step in (chance.randint(1, count) for _ in range(kills)):
        code, _ = _in_child(lambda: keep(made), at_step=step)
        killed += code == -signal.SIGKILL
        assert _whole_or_nothing(data_folder), f"the previous state is gone after a kill at step {step}"
        _recovers(made, data_folder, keep_downloads=True)
    assert killed > 0.9 * kills - 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.thorough)])
def test_killed_at_random_times_of_a_first_installation(
    index: Index, tiny_plan: MakePlan, data_folder: Path, kills: int
) -> None:
    made = tiny_plan()
    began = time.monotonic()
    assert _in_child(lambda: install(made, allow_network=True))[0] == 0
    seconds = time.monotonic() - began
    chance = random.Random(4)
    found = set()
    for number in range(kills):
        if number % 4 == 0:
            uninstall("tiny", data_folder)
        before = find("tiny", data_folder)
        work = functools.partial(install, made, allow_network=True, repair=True)
        code, _ = _in_child(work, after=chance.uniform(0.01, seconds))
        found.add(code)
        assert _whole_or_nothing(data_folder) or before is None, f"the previous state is gone after kill {number}"
        if number % 2:
            _recovers(made, data_folder)
    assert -signal.SIGKILL in found
    _recovers(made, data_folder)


@pytest.mark.parametrize("stride", [24, pytest.param(3, marks=pytest.mark.thorough)])
def test_an_uninstallation_killed_at_its_steps(tiny_plan: MakePlan, data_folder: Path, stride: int) -> None:
    made = tiny_plan()
    install(made, allow_network=True, keep_downloads=True)
    code, count = _in_child(lambda: uninstall("tiny", data_folder))
    assert code == 0 and not made.target.exists()
    for step in range(1, count + 1, stride):
        _recovers(made, data_folder, keep_downloads=True)
        assert _in_child(lambda: uninstall("tiny", data_folder), at_step=step)[0] == -signal.SIGKILL
        _whole_or_nothing(data_folder)
        uninstall("tiny", data_folder)
        assert find("tiny", data_folder) is None and tidy(data_folder) == () and not made.target.exists()


@pytest.mark.parametrize("cuts", [1, pytest.param(6, marks=pytest.mark.thorough)])
def test_a_connection_cut_at_random_bytes(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path, cuts: int
) -> None:
    beta = wheels["beta"]
    before = install(tiny_plan(), allow_network=True)
    chance = random.Random(4)
    for _ in range(cuts):
        index.cuts[beta.name], index.cut_at[beta.name] = 9, chance.randrange(beta.stat().st_size)
        with pytest.raises(InstallError, match=r"connection broke|damaged"):
            install(tiny_plan(), allow_network=True, repair=True)
        assert find("tiny", data_folder) == before
        verify(before, data_folder)
    index.cuts.clear()
    _recovers(tiny_plan(), data_folder)


def test_a_file_that_the_server_has_lost(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    index.lost.add(wheels["beta"].name)
    with pytest.raises(InstallError, match="refused a file"):
        install(tiny_plan(), allow_network=True)
    assert not _whole_or_nothing(data_folder)
    index.lost.clear()
    _recovers(tiny_plan(), data_folder)


def test_a_server_that_does_not_answer(
    index: Index,
    tiny_plan: MakePlan,
    wheels: dict[str, Path],
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_TIMEOUT", "0.3")
    index.silent.add(wheels["beta"].name)
    with pytest.raises(InstallError, match="connection broke"):
        install(tiny_plan(), allow_network=True)
    assert not _whole_or_nothing(data_folder)
    index.silent.clear()
    _recovers(tiny_plan(), data_folder)


def test_a_slow_server_is_waited_for(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    index.slow.add(wheels["alpha"].name)
    _recovers(tiny_plan(), data_folder)


def test_a_server_with_another_file(
    index: Index, tiny_plan: MakePlan, wheels: dict[str, Path], data_folder: Path
) -> None:
    before = install(tiny_plan(), allow_network=True)
    made, good = tiny_plan(), wheels["beta"].read_bytes()
    wheels["beta"].write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(InstallError, match="pinned"):
        install(made, allow_network=True, repair=True)
    assert find("tiny", data_folder) == before
    wheels["beta"].write_bytes(good)
    _recovers(made, data_folder)


@contextlib.contextmanager
def _mounted(folder: Path, size: int) -> Iterator[Path]:
    """A small file system in memory. Skips the test where this process may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("shares", [(0.3, 1.4), pytest.param((0.9, 1.9), marks=pytest.mark.thorough)])
def test_a_full_disk(
    index: Index,
    locks_folder: Path,
    tmp_path: Path,
    wheels: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    shares: tuple[float, ...],
) -> None:
    monkeypatch.setattr(planning, "_check_disk", lambda made: None)  # which refuses long before
    size = wheels["beta"].stat().st_size
    for number, share in enumerate(shares):
        with _mounted(tmp_path / f"disk{number}", int(share * size) // 4096 * 4096) as disk:
            made = vendor_installer.plan("tiny", disk, locks_folder=locks_folder, allow_network=True)
            with pytest.raises(InstallError, match="disk is full"):
                install(made, allow_network=True)
            assert not _whole_or_nothing(disk)
            subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
            _recovers(made, disk)


def test_a_folder_that_became_read_only(index: Index, locks_folder: Path, tmp_path: Path) -> None:
    with _mounted(tmp_path / "disk", 256 << 20) as disk:
        before = install(
            vendor_installer.plan("tiny", disk, locks_folder=locks_folder, allow_network=True), allow_network=True
        )
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        made = vendor_installer.plan("tiny", disk, locks_folder=locks_folder)
        with pytest.raises(InstallError, match="cannot be written to"):
            install(made, allow_network=True, repair=True)
        with pytest.raises(InstallError, match="cannot be written to"):
            uninstall("tiny", disk)
        with pytest.raises(InstallError, match="cannot be written to"):
            vendor_installer.plan("tiny", disk / "other", locks_folder=locks_folder)
        assert tidy(disk) == () and find("tiny", disk) == before
        with vendor_installer.in_use([before.packages]) as held:
            assert len(held) == 1
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        _recovers(made, disk)


def test_a_clock_that_was_set_back(
    tmp_path: Path,
    data_folder: Path,
    interpreter: Interpreter,
    wheels: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The later of two installations counts, whatever the clock said."""
    folder = tmp_path / "two backends"
    for backend in ("cpu", "cu130"):
        write_lock(folder, interpreter, [locked(wheels["alpha"]), locked(wheels["beta"])], LIT.name, backend)
    for year, backend in ((2031, "cpu"), (1990, "cu130"), (1980, "cpu")):
        now = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
        monkeypatch.setattr(installation, "_now", lambda now=now: now)
        made = vendor_installer.plan(LIT.name, data_folder, locks_folder=folder, backend=backend, allow_network=True)
        installed = install(made, allow_network=True)
        assert find(LIT.name, data_folder) == installed and installed.backend == backend


@pytest.mark.thorough
def test_a_python_without_pip(index: Index, data_folder: Path, locks_folder: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare/bin/python")
    made = vendor_installer.plan("tiny", data_folder, python=python, locks_folder=locks_folder, allow_network=True)
    assert not made.interpreter.has_pip
    if made.interpreter.pip_wheel:
        _recovers(made, data_folder)
    else:
        with pytest.raises(InstallError, match="has no pip"):
            install(made, allow_network=True)


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.thorough)])
def test_three_installers_at_once(index: Index, tiny_plan: MakePlan, data_folder: Path, rounds: int) -> None:
    made = tiny_plan()
    codes: list[int] = []

    def compete() -> None:
        codes.append(_in_child(functools.partial(install, made, allow_network=True, repair=True))[0])

    for _ in range(rounds):
        codes.clear()
        threads = [threading.Thread(target=compete) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(codes) == 3 and set(codes) <= {0, 3} and 0 in codes
        assert _whole_or_nothing(data_folder) and not leftovers(Folders(data_folder))
