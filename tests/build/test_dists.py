# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheel and sdist: what is in them, that they run, and that the versions of the extras are those of the locks."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mono3d_addon import environment
from mono3d_addon.core.extras import BY_PIP
from mono3d_addon.version import ROOT, version
from tests.build.dists import build
from vendor_installer import locks
from vendor_installer.components import COMPONENTS

COFFEE = ROOT / "tests" / "photos" / "coffee.png"
INFO = f"mono3d-{version()}.dist-info"
NOT_IN_THE_WHEEL = ("mono3d_addon/build/", "mono3d_addon/batch.py", "mono3d_addon/core/camera/collect_sensors.py")
SYSTEMS = {"linux_x86_64": "linux", "macos_arm64": "darwin", "windows_amd64": "win32"}
ON_PYPI = {("worker", "linux_x86_64"): "cpu-pypi", ("worker", "macos_arm64"): "mps"}
"""Backend of the packages that pip takes from PyPI, where it is not "cpu"."""


@pytest.fixture(scope="module")
def dists(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    wheel, sdist = build(ROOT, tmp_path_factory.mktemp("dists"), "wheel", "sdist")
    return wheel, sdist


@pytest.fixture(scope="module")
def site(dists: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages, among others that would break what imports them."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(dists[0]) as archive:
        archive.extractall(folder)
    for name in ("argparse", "dataclasses", "vendor_installer"):
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} of the site')\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def metadata(dists: tuple[Path, Path]) -> Message:
    with zipfile.ZipFile(dists[0]) as archive:
        return email.message_from_string(archive.read(f"{INFO}/METADATA").decode())


def sources(*folders: str) -> set[str]:
    """Returns the files of the repository in these folders."""
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return set(listed.stdout.split())
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_has_the_program_and_nothing_else(dists: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(dists[0]) as archive:
        names = {name for name in archive.namelist() if not name.startswith(INFO)}
    wanted = {name for name in sources("mono3d", "mono3d_addon") if not name.startswith(NOT_IN_THE_WHEEL)}
    wanted |= {f"mono3d_addon/{name}" for name in (*sources("vendor_installer"), "blender_manifest.toml")}
    assert names == wanted
    for needed in (
        "mono3d/py.typed",
        "mono3d_addon/depth/bundled/starter.safetensors",
        "mono3d_addon/depth/bundled/MODEL_CARD.md",
        "mono3d_addon/vendor_installer/locks/worker-cp313-linux_x86_64-cpu.txt",
        "mono3d_addon/web/static/index.html",
    ):
        assert needed in names
    assert dists[0].name == f"mono3d-{version()}-py3-none-any.whl" and dists[0].stat().st_size < 9e6


def test_the_sdist_has_what_the_wheel_and_the_extension_are_made_of(dists: tuple[Path, Path]) -> None:
    with tarfile.open(dists[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    single = {"__init__.py", "blender_manifest.toml", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"}
    wanted = sources("mono3d", "mono3d_addon", "vendor_installer") | single
    assert names == wanted | {"PKG-INFO", ".gitignore"} and dists[1].stat().st_size < 9e6


def test_the_sdist_gives_the_same_wheel(dists: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(dists[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (wheel,) = build(tmp_path / f"mono3d-{version()}", tmp_path, "wheel")
    assert wheel.read_bytes() == dists[0].read_bytes()


def test_little_is_required(metadata: Message) -> None:
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    assert [one.name for one in required if one.marker is None] == ["numpy", "pillow"]
    assert set(metadata.get_all("Provides-Extra", [])) == {*COMPONENTS, *BY_PIP.values()}
    assert metadata["Version"] == version() and metadata["License-Expression"] == "GPL-3.0-or-later"


def locked() -> list[locks.Lock]:
    """Returns the locks whose packages are those of PyPI."""
    found = []
    for component in COMPONENTS:
        for name in locks.available(component):
            _, tag, system, backend = name.split("-", 3)
            if backend == ON_PYPI.get((component, system), "cpu"):
                lock = locks.load(component, tag, system, backend)
                assert lock is not None
                found.append(lock)
    return found


@pytest.mark.parametrize("lock", locked(), ids=lambda lock: lock.name)
def test_extras_have_the_versions_of_the_locks(lock: locks.Lock, metadata: Message) -> None:
    versions = {canonicalize_name(item.name): Version(item.version) for item in lock.files}
    place = {"python_version": f"3.{lock.python_tag[3:]}", "sys_platform": SYSTEMS[lock.platform]}
    count = 0
    for line in metadata.get_all("Requires-Dist", []):
        one = Requirement(line)
        if one.marker is None:
            continue
        if one.marker.evaluate({**place, "extra": lock.component}):
            name = canonicalize_name(one.name)
            assert name in versions, f"{lock.name} has no {name}"
            assert one.specifier.contains(versions[name]), f"{one}, but the lock has {versions[name]}"
            assert [item.operator for item in one.specifier] == ["=="], one
            count += 1
    assert count > 0


def test_what_is_required_allows_the_locks_versions(metadata: Message) -> None:
    """Both are in one process where a data folder lacks a package."""
    for line in metadata.get_all("Requires-Dist", []):
        one = Requirement(line)
        for lock in locked():
            for item in lock.files:
                if one.marker is None and canonicalize_name(item.name) == canonicalize_name(one.name):
                    assert one.specifier.contains(item.version), f"{one}: {lock.name} has {item.version}"


def test_the_modules_that_tell_of_an_extra_are_in_it(metadata: Message) -> None:
    packages = {"open3d": "open3d-cpu", "PIL": "pillow"}
    for component, modules in environment._MODULES.items():
        lines = [line for line in metadata.get_all("Requires-Dist", []) if f"extra == '{component}'" in line]
        names = {canonicalize_name(Requirement(line).name) for line in lines}
        assert {canonicalize_name(packages.get(module, module)) for module in modules} <= names, component


_COMMAND = """
import sys
sys.path.append(sys.argv.pop(1))
from mono3d_addon.core import extras
extras.forbid(filter(None, sys.argv.pop(1).split(",")))
from mono3d_addon.cli import NAME
sys.argv[0] = "mono3d"
sys.exit(NAME())
"""


def run(
    site: Path, name: str, *arguments: object, hidden: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a console script of the wheel in `site`; top-level modules in `hidden` are not there."""
    command = [sys.executable, "-I", "-c", _COMMAND.replace("NAME", name), str(site), hidden, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def test_the_command_runs_from_the_wheel(site: Path, tmp_path: Path) -> None:
    """Without packages; other modules beside it are not imported in the place of Python's own."""
    words = (COFFEE, "-o", tmp_path / "out", "--detail", 128, "--data-folder", tmp_path / "data")
    done = run(site, "mono3d", *words, hidden="torch")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "numpy" in done.stdout and (tmp_path / "out" / "coffee.glb").is_file()
    assert not list(site.rglob("build")) and not (site / "mono3d_addon" / "batch.py").exists()


@pytest.mark.torch
@pytest.mark.open3d
def test_packages_of_an_extra_are_used(site: Path, tmp_path: Path) -> None:
    """This Python has them all, as `pip install mono3d[worker]` brings them."""
    words = (
        COFFEE,
        "-o",
        tmp_path / "cup.ply",
        "--surface",
        "poisson",
        "--detail",
        96,
        "--data-folder",
        tmp_path / "d",
    )
    done = run(site, "mono3d", *words)
    assert done.returncode == 0 and (tmp_path / "cup.ply").is_file(), done.stdout + done.stderr
    done = run(site, "mono3d", *words, hidden="timm")
    assert done.returncode == 1 and "'poisson' (Surface) needs packages that are not installed" in done.stderr


@pytest.mark.torch
def test_the_page_is_in_the_wheel(site: Path, tmp_path: Path) -> None:
    done = run(site, "mono3d_web", "--data-folder", tmp_path, hidden="starlette")
    assert done.returncode == 1 and "The packages for the web page are not installed" in done.stderr
    done = run(site, "mono3d_web", "--help")
    assert done.returncode == 0 and "--port" in done.stdout


def test_the_installer_is_inside(site: Path, tmp_path: Path) -> None:
    """It installs as in a clone, and its messages name the command that works there."""
    code = (
        "import sys; sys.path.append(sys.argv.pop(1)); import runpy; "
        "runpy.run_module('mono3d_addon.vendor_installer', run_name='__main__')"
    )
    command = [sys.executable, "-I", "-c", code, str(site)]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "usage: python -m mono3d_addon.vendor_installer" in done.stdout, done.stderr
    words = ("--install", "--wheelhouse", tmp_path / "absent", "--data-folder", tmp_path / "data")
    done = run(site, "mono3d", *words, hidden="torch")
    assert done.returncode == 1
    assert re.search(
        r"There is no folder '.*absent': .* 'python -m mono3d_addon\.vendor_installer bundle'", done.stderr
    )


def test_the_interface_is_there_with_its_types(site: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import mono3d\n"
        "cup = mono3d.reconstruct(sys.argv[2], detail=64, data_folder=sys.argv[3])\n"
        "print(cup.save(sys.argv[3] + '/cup.glb')[0], mono3d.__file__)"
    )
    command = [sys.executable, "-I", "-c", code, str(site), str(COFFEE), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "cup.glb"), str(site / "mono3d" / "__init__.py")]
