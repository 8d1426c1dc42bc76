# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages in use stay until the process ends, even if others are installed or they are uninstalled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import vendor_installer
from vendor_installer import InstallError, Removal, doctor, find, in_use, install, manifest, tidy, uninstall, upkeep
from vendor_installer.folders import Folders
from vendor_installer.install_lock import exclusive
from vendor_installer.plans import Plan
from vendor_installer.upkeep import leftovers

MakePlan = Callable[[], Plan]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows itself keeps what is in use")

# Imports the packages only on request, like a worker that loads a library late.
_CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
import alpha
print(alpha.version, flush=True)
sys.stdin.readline()
"""


class Child:
    """A process with packages on its module search path."""

    def __init__(self, packages: Path) -> None:
        with in_use([packages]) as held:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", _CHILD, str(packages)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=held,
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def imports(self) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def _child(packages: Path) -> Iterator[Child]:
    child = Child(packages)
    try:
        yield child
    finally:
        child.end()


def test_a_repair_keeps_the_old_packages_while_a_process_uses_them(tiny_plan: MakePlan, data_folder: Path) -> None:
    before = install(tiny_plan(), allow_network=True)
    with _child(before.packages) as child:
        after = install(tiny_plan(), allow_network=True, repair=True)
        assert find("tiny", data_folder) == after != before
        assert tidy(data_folder) == (before.packages,)
        assert f"Waiting to be removed: {before.packages}" in doctor(data_folder)
        assert child.imports() == "1.0"
    assert tidy(data_folder) == ()
    assert not before.packages.exists() and after.packages.is_dir() and not leftovers(Folders(data_folder))


def test_uninstalling_packages_in_use_is_reported_and_finished_later(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    with _child(installed.packages) as child:
        assert uninstall("tiny", data_folder) == Removal(1, (installed.packages,))
        assert find("tiny", data_folder) is None and child.imports() == "1.0"
    assert tidy(data_folder) == () and not installed.packages.parent.exists()


def test_an_installation_after_uninstalling_packages_in_use(tiny_plan: MakePlan, data_folder: Path) -> None:
    old = install(tiny_plan(), allow_network=True)
    with _child(old.packages) as child:
        uninstall("tiny", data_folder)
        new = install(tiny_plan(), allow_network=True)
        assert find("tiny", data_folder) == new and child.imports() == "1.0"
    assert tidy(data_folder) == () and not old.packages.exists() and new.packages.is_dir()


def test_two_users_of_the_same_packages(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    with _child(installed.packages):
        with _child(installed.packages):
            uninstall("tiny", data_folder)
        assert tidy(data_folder) == (installed.packages,)
    assert tidy(data_folder) == () and not installed.packages.exists()


def test_the_childs_lock_outlives_its_parent(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    code = """
import subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from vendor_installer import in_use
with in_use([Path(sys.argv[2])]) as held:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=held,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid)
"""
    root = Path(vendor_installer.__file__).parent.parent
    command = [sys.executable, "-I", "-c", code, str(root), str(installed.packages)]
    child = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    try:
        assert uninstall("tiny", data_folder).waiting == (installed.packages,)
    finally:
        os.kill(child, signal.SIGKILL)
    for _ in range(100):
        if tidy(data_folder) == ():
            break
        time.sleep(0.05)
    assert not installed.packages.exists()


def test_removed_packages_are_reported(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    uninstall("tiny", data_folder)
    with pytest.raises(InstallError, match="just been removed or replaced: try again"), in_use([installed.packages]):
        pass


def test_packages_of_an_older_version_get_a_lock_file(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    (installed.packages / ".in-use").unlink()
    with in_use([installed.packages]) as held:
        assert len(held) == 1
        assert uninstall("tiny", data_folder).waiting == (installed.packages,)
    assert tidy(data_folder) == ()


def test_other_folders_are_ignored(tmp_path: Path) -> None:
    with in_use([tmp_path, tmp_path / "nowhere"]) as held:
        assert held == ()
    assert not list(tmp_path.iterdir())


def test_tidying_leaves_a_running_installation_alone(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    staging = installed.packages.parent / ".staging-1234"
    staging.mkdir()
    with exclusive(Folders(data_folder).install_lock):
        assert tidy(data_folder) == (staging,) and staging.is_dir()
    assert tidy(data_folder) == () and not staging.exists()


def test_tidying_an_empty_folder_creates_nothing(tmp_path: Path) -> None:
    assert tidy(tmp_path / "nowhere") == () and not list(tmp_path.iterdir())


def test_an_unreadable_manifest_keeps_its_packages(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = install(tiny_plan(), allow_network=True)
    path = installed.packages.parent / manifest.NAME
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # reading it fails with an OSError, also for root
    assert find("tiny", data_folder) is None and tidy(data_folder) == () and installed.packages.is_dir()
    path.rmdir()
    path.write_bytes(content)
    assert find("tiny", data_folder) == installed


def test_a_half_deleted_folder_is_removed(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    installed.packages.rename(installed.packages.with_name(".removed-1234"))
    assert find("tiny", data_folder) is None
    assert tidy(data_folder) == () and not installed.packages.parent.exists()


def test_a_folder_that_cannot_be_renamed_as_on_windows_stays_whole_until_it_can(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulates Windows, which refuses to rename a folder from which a library is loaded."""
    installed = install(tiny_plan(), allow_network=True)
    files = sorted(installed.packages.rglob("*"))

    def locked(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Access is denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", locked)
        assert uninstall("tiny", data_folder) == Removal(1, (installed.packages,))
        assert tidy(data_folder) == (installed.packages,)
    assert sorted(installed.packages.rglob("*")) == files and find("tiny", data_folder) is None
    assert tidy(data_folder) == () and not installed.packages.parent.exists()


def test_the_users_files_in_the_data_folder_stay(tiny_plan: MakePlan, data_folder: Path) -> None:
    """Even if the data folder is the home folder and file names are case-insensitive ('Downloads')."""
    kept = [data_folder / name / "mine.txt" for name in ("downloads", "temporary", "tools", "environments/conda")]
    kept += [data_folder / "environments" / name for name in ("tiny-house/manifest.json", "conda/packages-mine/x.py")]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    (data_folder / "environments" / "empty").mkdir()
    install(tiny_plan(), allow_network=True)
    install(tiny_plan(), allow_network=True, repair=True)
    assert tidy(data_folder) == ()
    uninstall("tiny", data_folder)
    assert all(path.is_file() for path in kept) and (data_folder / "environments" / "empty").is_dir()
    assert not Folders(data_folder).own.exists()


def test_tidying_does_not_block_an_installation_while_it_deletes(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = install(tiny_plan(), allow_network=True)
    (installed.packages.parent / manifest.NAME).unlink()
    held: list[bool] = []

    def delete(path: Path) -> bool:
        try:
            with exclusive(Folders(data_folder).install_lock):
                held.append(False)
        except InstallError:
            held.append(True)
        shutil.rmtree(path)
        return True

    monkeypatch.setattr(upkeep, "remove_tree", delete)
    assert tidy(data_folder) == () and held == [False] and not installed.packages.parent.exists()


def test_the_packages_of_a_newer_version_are_left_alone(tiny_plan: MakePlan, data_folder: Path) -> None:
    installed = install(tiny_plan(), allow_network=True)
    path = installed.packages.parent / manifest.NAME
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    assert find("tiny", data_folder) is None
    assert tidy(data_folder) == () and installed.packages.is_dir() and path.is_file()


def test_an_environment_that_disappears_meanwhile_is_ignored(
    tiny_plan: MakePlan, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = install(tiny_plan(), allow_network=True).packages.parent
    real = Path.iterdir

    def iterdir(self: Path) -> Iterator[Path]:
        if self == environment:
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return real(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert tidy(data_folder) == ()
