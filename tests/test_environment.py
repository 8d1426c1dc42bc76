# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the user's data lies, and asking the installer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mono3d_addon import environment
from mono3d_addon.errors import Cancelled, Mono3DError
from vendor_installer import InstallCancelled, InstallError

ROOT = Path(environment.__file__).parent.parent


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

    def walk(plan: SomePlan, *, progress: environment.Progress, **options: object) -> None:
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
