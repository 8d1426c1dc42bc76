# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from mono3d_addon import build
from mono3d_addon.build.editions import EDITIONS, manifest_of
from mono3d_addon.core import extras
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT, version
from tests.test_structure import PACKAGE, imported_modules

WEBSITE = "https://example.org/mono3d"


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The zip of each edition; the store's with an address."""
    folder = tmp_path_factory.mktemp("zips")
    return {name: build.build(folder, edition=name, website=WEBSITE if name == "store" else "") for name in EDITIONS}


def contents(path: Path) -> dict[str, str]:
    """The names in a zip, and the manifest's text by its own."""
    with zipfile.ZipFile(path) as archive:
        texts = dict.fromkeys(archive.namelist(), "")
        return texts | {build.MANIFEST: archive.read(build.MANIFEST).decode()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The extension's sources elsewhere, with other times and permissions."""
    for name in [*build.files(), Path("mono3d_addon/core/camera/collect_sensors.py")]:
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(0o600)
        os.utime(target, (1e9, 1e9))
    (tmp_path / "copy" / "mono3d_addon" / "build").mkdir()
    return tmp_path / "copy"


def test_identical_sources_give_identical_bytes(zips: dict[str, Path], copy: Path, tmp_path: Path) -> None:
    for rubbish in (
        "mono3d_addon/__pycache__/a.pyc",
        "mono3d_addon/.hidden.py",
        "mono3d_addon/core/notes.bak",
        "tests/a.py",
    ):
        (copy / rubbish).parent.mkdir(parents=True, exist_ok=True)
        (copy / rubbish).write_text("not part of it")
    second = build.build(tmp_path / "b", copy)
    assert zips["full"].read_bytes() == second.read_bytes()
    assert [item.name for item in (tmp_path / "b").iterdir()] == [f"mono3d-{version()}.zip"]


def test_a_changed_source_gives_other_bytes(zips: dict[str, Path], copy: Path, tmp_path: Path) -> None:
    with (copy / "mono3d_addon" / "errors.py").open("a") as file:
        file.write("\n")
    assert zips["full"].read_bytes() != build.build(tmp_path / "b", copy).read_bytes()


def test_it_holds_what_runs_and_nothing_else(zips: dict[str, Path]) -> None:
    with zipfile.ZipFile(zips["full"]) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert names[:2] == ["blender_manifest.toml", "__init__.py"] and len(set(names)) == len(names)
    for needed in (
        "LICENSE",
        "README.md",
        "mono3d_addon/__init__.py",
        "mono3d_addon/batch.py",
        "mono3d_addon/blender/scene/build.py",
        "mono3d_addon/depth/bundled/starter.safetensors",
        "vendor_installer/__init__.py",
    ):
        assert needed in names
    assert any(name.startswith("vendor_installer/locks/") for name in names)
    assert any(name.endswith(".md") and name.startswith("mono3d_addon/depth/bundled/") for name in names), "model card"
    parts = {part for name in names for part in Path(name).parts}
    assert not parts & {"tests", "benchmarks", "training", "__pycache__", ".ci", "pyproject.toml", "web", "build"}
    assert not any(name.endswith((".pyc", ".whl", ".so", ".pyd")) for name in names)
    assert (manifest["id"], manifest["version"]) == ("mono3d", version())
    assert modes == {stat.S_IFREG | 0o644}


def test_a_missing_part_is_one_sentence(copy: Path, tmp_path: Path) -> None:
    (copy / "LICENSE").unlink()
    with pytest.raises(Mono3DError, match="LICENSE"):
        build.build(tmp_path / "a", copy)
    assert not list((tmp_path / "a").iterdir())


def test_the_command_says_where_the_zip_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mono3d_addon.build", "--edition", "store", "--website", WEBSITE]
    done = subprocess.run([*command, "-o", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    path = Path(done.stdout.strip())
    assert path == tmp_path / f"mono3d-{version()}-store.zip" and WEBSITE in contents(path)[build.MANIFEST]


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_zip_is_small(edition: str, zips: dict[str, Path]) -> None:
    assert zips[edition].stat().st_size < 9e6


def test_the_stores_edition_contains_nothing_that_installs_downloads_or_changes_the_import_path(
    zips: dict[str, Path],
) -> None:
    with zipfile.ZipFile(zips["store"]) as archive:
        sources = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    # The worker, started with the program's folder on its path, and the trials of another engine.
    own_processes = ("mono3d_addon/worker/client.py", "mono3d_addon/depth/engines/trial.py")
    for name, text in sources.items():
        # `urllib.parse` takes addresses apart and opens none.
        used = set(re.findall(r"^ *(?:import|from) +([\w.]+)", text, re.MULTILINE)) - {"urllib.parse"}
        assert not {"urllib", "http", "socket", "ssl", "requests", "pip", "ensurepip"} & {
            word.split(".")[0] for word in used
        }, name
        assert "sys.path" not in text or name in own_processes, name


def test_what_the_stores_edition_imports_is_in_it(zips: dict[str, Path], tmp_path: Path) -> None:
    """Imports inside functions too: nothing is left out that the rest would ask for.

    Except where `edition.can_install` or `devices.has_torch` is asked first, and for a type.
    """
    with zipfile.ZipFile(zips["store"]) as archive:
        archive.extractall(tmp_path)
    package = tmp_path / "mono3d_addon"
    here, there = imported_modules(PACKAGE), imported_modules(package)
    lost = {name: sorted(here[name] - there[name]) for name in there if here[name] != there[name]}
    assert lost.pop("depth.engines.choice") == ["depth.engines.torch_engine", "depth.loading"]
    assert lost.pop("depth.engines.openvino_engine") == ["depth.loading"]
    assert lost.keys() == {"blender.offers", "blender.readiness", "blender.state"}
    assert {target.rpartition(".")[0] for targets in lost.values() for target in targets} == {"blender.installing"}


def test_the_stores_edition_has_no_module_that_needs_a_package(zips: dict[str, Path]) -> None:
    """Nothing but the standard library and numpy is imported outside functions and `try`."""
    with zipfile.ZipFile(zips["store"]) as archive:
        sources = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    for name, text in sources.items():
        used = {word.split(".")[0] for word in re.findall(r"^(?:import|from) (\w[\w.]*)", text, re.MULTILINE)}
        assert not used & set(extras.NAMES), f"{name} imports {used & set(extras.NAMES)}"


def test_nothing_is_left_out_by_mistake(zips: dict[str, Path]) -> None:
    left_out = contents(zips["full"]).keys() - contents(zips["store"]).keys()
    assert {name.split("/")[0] for name in left_out} == {"mono3d_addon", "vendor_installer"}
    assert not [name for name in left_out if "/core/maps/" in name or "/core/mesh/" in name or "/export/" in name]
    assert not contents(zips["store"]).keys() - contents(zips["full"]).keys()


def test_the_manifests_ask_for_what_the_editions_do(zips: dict[str, Path]) -> None:
    full, store = (tomllib.loads(contents(zips[name])[build.MANIFEST]) for name in ("full", "store"))
    assert full["permissions"].keys() == {"files", "network", "clipboard"} and "website" not in full
    assert store["permissions"].keys() == {"files", "clipboard"} and store["website"] == WEBSITE
    assert "packages" not in store["permissions"]["files"]
    changed = ("permissions", "website")
    assert {key: full[key] for key in full if key not in changed} == {
        key: store[key] for key in store if key not in changed
    }


def test_an_address_replaces_that_of_the_sources() -> None:
    text = 'maintainer = "We"\nwebsite = "https://example.org/old"\n'
    assert manifest_of(EDITIONS["full"], text, WEBSITE) == f'maintainer = "We"\nwebsite = "{WEBSITE}"\n'


def test_the_extension_tells_that_it_has_no_web_page(zips: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(zips["full"]) as archive:
        archive.extractall(tmp_path / "extension")
    code = "import sys; sys.path.insert(0, sys.argv[1]); from mono3d_addon.cli import main; sys.exit(main(['web']))"
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "extension")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "The extension does not include the web page; start it with Python from the repository."
    )
