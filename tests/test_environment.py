# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the user's data lies, and asking the installer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon import cli, environment
from mono3d_addon.core.stages import Progress
from mono3d_addon.errors import Cancelled, Mono3DError
from mono3d_addon.worker.client import Worker
from vendor_installer import InstallCancelled, InstallError

ROOT = Path(environment.__file__).parent.parent
DATA = Path(os.environ.get("MONO3D_TEST_DATA") or "/nowhere")


def test_the_chosen_folder_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "chosen"))
    assert environment.default_data_folder() == tmp_path / "chosen"


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {}, ".local/share/mono3d"),
        ("linux", {"XDG_DATA_HOME": "{home}/xdg"}, "xdg/mono3d"),
        ("linux", {"XDG_DATA_HOME": "relative"}, ".local/share/mono3d"),
        ("darwin", {"XDG_DATA_HOME": "{home}/xdg"}, "Library/Application Support/Mono3D"),
        ("win32", {"LOCALAPPDATA": "{home}/local"}, "local/Mono3D"),
        ("win32", {}, "AppData/Local/Mono3D"),
    ],
)
def test_each_system_has_its_place(
    system: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MONO3D_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert environment.default_data_folder() == tmp_path / expected


def test_what_is_not_installed_is_named_with_the_remedy(tmp_path: Path) -> None:
    assert environment.packages("worker", tmp_path) is None
    assert environment.missing(("worker", "scene"), tmp_path) == ("worker", "scene")
    with pytest.raises(Mono3DError, match=r"not installed.*--install.*Install"):
        environment.require("worker", tmp_path)
    assert not list(tmp_path.iterdir())


def test_refusals_are_the_users_kind_of_error(tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="no component 'unknown'"):
        environment.plans(("unknown",), tmp_path)


@pytest.mark.parametrize(
    ("raised", "expected"), [(InstallError("Full."), Mono3DError), (InstallCancelled(), Cancelled)]
)
def test_installation_errors_are_translated(
    raised: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    import vendor_installer

    def fail(*arguments: object, **options: object) -> None:
        raise raised

    class SomePlan:
        download_bytes = stored_bytes = 1

    monkeypatch.setattr(vendor_installer, "install", fail)
    with pytest.raises(expected) as caught:
        environment.install([SomePlan()], allow_network=False)  # type: ignore[list-item]
    assert type(caught.value) is expected


def test_progress_runs_over_all_plans_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import vendor_installer

    class SomePlan:
        def __init__(self, count: int) -> None:
            self.download_bytes, self.stored_bytes = count, 0

    def walk(plan: SomePlan, *, progress: Progress, **options: object) -> None:
        for step in (0.0, 0.5, 1.0):
            progress("step", step)

    told: list[float] = []
    monkeypatch.setattr(vendor_installer, "install", walk)
    plans = [SomePlan(30), SomePlan(10)]
    environment.install(plans, allow_network=True, progress=lambda stage, fraction: told.append(fraction))  # type: ignore[arg-type]
    assert told == [0.0, 0.375, 0.75, 0.75, 0.875, 1.0]


def test_it_works_inside_an_extensions_package(tmp_path: Path) -> None:
    extension = tmp_path / "outer" / "mono3d"
    extension.mkdir(parents=True)
    for folder in (extension.parent, extension):
        (folder / "__init__.py").write_text("")
    for name in ("mono3d_addon", "vendor_installer"):
        shutil.copytree(ROOT / name, extension / name, ignore=shutil.ignore_patterns("__pycache__", "bundled", "*.pth"))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from outer.mono3d.mono3d_addon import environment; "
        "assert environment.packages('worker', Path(sys.argv[1])) is None; "
        "assert 'outer.mono3d.vendor_installer' in sys.modules and 'vendor_installer' not in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", code, str(tmp_path)], check=True)


@pytest.mark.skipif(not DATA.is_dir(), reason="no installed packages (run 'python3 tests/run.py')")
def test_a_worker_has_packages_where_they_are_installed_and_is_bare_elsewhere(tmp_path: Path) -> None:
    assert environment.worker_packages(tmp_path) == ()
    assert environment.worker_packages(DATA) == (environment.packages("worker", DATA),)


_WITHOUT_THE_INSTALLER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from mono3d_addon import edition, environment
from mono3d_addon.errors import Mono3DError
data = Path(sys.argv[2])
assert not edition.can_install()
assert environment.packages("worker", data) is None and environment.worker_packages(data) == ()
assert environment.missing(("worker", "scene"), data) == ("worker", "scene")
assert environment.installed(("worker",), data) == ()
assert environment.uninstall(("worker",), data) is False
environment.tidy(data)
with environment.in_use(()) as held:
    assert held == ()
assert "Python" in environment.report(data)
for ask in (lambda: environment.require("worker", data), lambda: environment.plans(("worker",), data)):
    try:
        ask()
    except Mono3DError as error:
        assert "get the full edition of Mono3D from https://example.org/mono3d." in str(error), error
    else:
        raise AssertionError("nothing was raised")
assert "vendor_installer" not in sys.modules
"""


def test_without_the_installer_nothing_is_installed_and_nothing_can_be(tmp_path: Path) -> None:
    """Even with packages in the data folder: what is not in use is not found."""
    program = tmp_path / "program"
    shutil.copytree(
        ROOT / "mono3d_addon", program / "mono3d_addon", ignore=shutil.ignore_patterns("__pycache__", "bundled", "web")
    )
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    website = 'website = "https://example.org/mono3d"\n'
    (program / "blender_manifest.toml").write_text(website + manifest, encoding="utf-8")
    command = [sys.executable, "-I", "-c", _WITHOUT_THE_INSTALLER, str(program), str(DATA)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def quiet_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command leaves this process's signals alone."""
    monkeypatch.setattr(cli, "_interrupt_on_signals", lambda: None)


@pytest.mark.parametrize("no_network", ["", "Blender was started with --offline-mode."])
def test_a_wheelhouse_is_installed_from_without_leave_for_the_network(
    no_network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet_signals: None
) -> None:
    house, data_folder = tmp_path / "house", tmp_path / "data"
    house.mkdir()
    arguments = ["--install", "--wheelhouse", str(house), "--data-folder", str(data_folder)]
    assert cli.main(arguments, no_network=no_network) == cli.SOME_FAILED
    told = capsys.readouterr().err
    assert "lacks" in told and "vendor_installer bundle worker" in told and not data_folder.exists()


def test_without_leave_nothing_is_installed_from_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet_signals: None
) -> None:
    arguments = ["--install", "--data-folder", str(tmp_path)]
    assert cli.main(arguments, no_network="Blender was started with --offline-mode.") == cli.SOME_FAILED
    assert "--offline-mode" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="names what is offered on Linux")
def test_a_backend_that_is_not_offered_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet_signals: None
) -> None:
    house = tmp_path / "house"
    house.mkdir()
    arguments = ["--install", "--wheelhouse", str(house), "--data-folder", str(tmp_path), "--backend", "mps"]
    assert cli.main(arguments) == cli.SOME_FAILED
    assert "no backend 'mps' for worker here: choose one of cpu, " in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows itself keeps what is in use")
def test_a_workers_packages_are_kept_until_its_end(tmp_path: Path) -> None:
    packages = tmp_path / "environments" / "worker-cp399-nowhere-cpu" / "packages-1"
    packages.mkdir(parents=True)
    program = tmp_path / "child"
    program.write_text("#!/bin/sh\nread request\n")
    program.chmod(0o755)
    worker = Worker("reconstruct", [packages], tmp_path / "worker.log", tmp_path, python=str(program))
    worker.start()
    environment.tidy(tmp_path)
    assert packages.is_dir()
    worker.stop()
    environment.tidy(tmp_path)
    assert not packages.exists()
    with pytest.raises(Mono3DError, match="just been removed"):
        worker.start()
