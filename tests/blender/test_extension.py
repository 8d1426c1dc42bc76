# SPDX-License-Identifier: GPL-3.0-or-later
"""The built zip in Blender: validated, installed, enabled."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon import build
from mono3d_addon.depth import weights
from tests.blender.made import bpy
from vendor_installer.manifest import FORMAT, Installed

ROOT = Path(__file__).resolve().parents[2]

_INSTALL = """
import os, sys
import bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
name = "bl_ext.user_default.mono3d"
assert name in bpy.context.preferences.addons, list(bpy.context.preferences.addons.keys())
assert bpy.context.preferences.addons[name].preferences.data_folder == ""
assert "mono3d_addon" not in sys.modules and "vendor_installer" not in sys.modules
assert bpy.context.scene.mono3d.detail == 1024
from bl_ext.user_default.mono3d.mono3d_addon.blender import names, preference_values, state
from bl_ext.user_default.mono3d.mono3d_addon.blender import events
assert names.PACKAGE == name and names.IS_EXTENSION
own = preference_values.data_folder()
assert str(own).startswith(os.environ["BLENDER_USER_RESOURCES"])
own.parent.mkdir(parents=True, exist_ok=True)
own.write_text("a file where the folder should be")
assert preference_values.data_folder() == own, "another folder was chosen"
own.unlink()
events.refresh()
assert state.current.checked
for one in ("generate", "cancel", "install", "cancel_install", "look_through_camera", "import_photo"):
    getattr(bpy.ops.mono3d, one).get_rna_type()
try:
    bpy.ops.mono3d.generate()
except RuntimeError as error:
    assert "Choose a photo" in str(error), error
bpy.ops.preferences.addon_disable(module=name)
assert not hasattr(bpy.types.Scene, "mono3d")
bpy.ops.preferences.addon_enable(module=name)
assert bpy.context.scene.mono3d.detail == 1024
print("all well")
sys.stdout.flush()
os._exit(0)
"""

_BATCH = """
import json, runpy, sys
import bpy
from pathlib import Path
case = json.loads(sys.argv[1])
name = "bl_ext.user_default.mono3d"
bpy.ops.extensions.package_install_files(filepath=case["package"], repo="user_default", enable_on_install=True)
if case["chosen"]:
    bpy.context.preferences.addons[name].preferences.data_folder = case["chosen"]
if case["installed"] or case["elsewhere"]:
    folder = Path(case["elsewhere"] or case["chosen"] or bpy.utils.extension_path_user(name))
    environment = folder / "environments" / f"worker-cp{sys.version_info[0]}{sys.version_info[1]}-here-cpu"
    (environment / "packages-1").mkdir(parents=True)
    (environment / "manifest.json").write_text(case["manifest"])
script = Path(sys.modules[name].__file__).parent / "mono3d_addon" / "batch.py"
if case["factory"]:
    bpy.ops.preferences.addon_disable(module=name)
    for module in [one for one in sys.modules if one.startswith("bl_ext.")]:
        del sys.modules[module]
sys.argv[1:] = ["--", *case["command"], *case["options"]]
sys.argv[0] = case["script"] or str(script)
if case["command"] == ["--install"]:
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parents[1]))
    from mono3d_addon import cli
    cli.install = lambda components, folder, options: None
print("the answer:")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(tmp_path_factory.mktemp("dist"))


def validator() -> Path:
    """Returns Blender's program for extensions."""
    for scripts in bpy.utils.script_paths():
        found = Path(scripts) / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
        if found.is_file():
            return found
    pytest.skip("this Blender has no blender_ext.py")


@pytest.mark.parametrize("source", ["zip", "checkout"])
def test_blender_finds_it_valid(source: str, package: Path) -> None:
    place = package if source == "zip" else ROOT
    command = [sys.executable, str(validator()), "validate", str(place)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "warning" not in (answer.stdout + answer.stderr).lower()


@pytest.mark.parametrize(("permission", "sign"), [("clipboard", ".clipboard ="), ("network", "allow_network")])
def test_what_the_code_does_is_permitted_by_the_manifest(permission: str, sign: str) -> None:
    assert any(sign in path.read_text(encoding="utf-8") for path in (ROOT / "mono3d_addon" / "blender").rglob("*.py"))
    assert permission in tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["permissions"]


@pytest.mark.smoke
def test_it_installs_and_starts(package: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)}
    command = [sys.executable, "-c", _INSTALL, str(package)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert "all well" in answer.stdout, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


SCRIPTS = ("its own", "a clone's")
SOME = {
    *(("its own", case) for case in ("enabled", "factory", "option", "both")),
    *(("a clone's", case) for case in ("chosen", "nothing", "variable")),
}
"""Each case once, with one of the scripts, for the quick tier."""


def cases(*names: str) -> list[Any]:
    """Returns scripts and cases; those that are not among SOME are thorough."""
    return [
        pytest.param(*pair, marks=[] if pair in SOME else pytest.mark.thorough)
        for pair in itertools.product(SCRIPTS, names)
        # A clone cannot find an extension that is disabled.
        if pair != ("a clone's", "factory")
    ]


@pytest.mark.parametrize(("script", "case"), cases("enabled", "chosen", "nothing", "variable", "option", "factory"))
def test_the_batch_finds_what_the_sidebar_installed(script: str, case: str, package: Path, tmp_path: Path) -> None:
    answer, own = answer_of_batch(script, case, ["models", "path"], package, tmp_path)
    folders = {"chosen": tmp_path / "chosen"}
    folders |= {"variable": tmp_path / "variable", "option": tmp_path / "named"}
    assert answer == str(weights.weights_folder(folders.get(case, own)))


@pytest.mark.parametrize(("script", "case"), cases("nothing", "variable", "option", "both"))
def test_the_batch_installs_where_the_sidebar_looks(script: str, case: str, package: Path, tmp_path: Path) -> None:
    answer, own = answer_of_batch(script, case, ["--install"], package, tmp_path)
    folders = {"variable": tmp_path / "variable", "option": tmp_path / "named"}
    assert answer == f"All packages are installed in {folders.get(case, own)}."


def test_the_batch_uses_packages_of_the_command_line(package: Path, tmp_path: Path) -> None:
    """If only the user's data folder has packages, runs without --install use it."""
    answer, _ = answer_of_batch("a clone's", "both", ["models", "path"], package, tmp_path)
    assert answer == str(weights.weights_folder(tmp_path / "share" / "mono3d"))


def answer_of_batch(script: str, case: str, command: list[str], package: Path, tmp_path: Path) -> tuple[str, Path]:
    """Returns what the batch command prints in a Blender with the extension, and the extension's data folder."""
    installed = Installed(
        "worker", "cp3", "here", "cpu", Path("packages-1"), "digest", True, {}, {}, {}, 0, 0.0, "2026-01-01T00:00:00"
    )
    request = {
        "package": str(package),
        "script": "" if script == "its own" else str(ROOT / "mono3d_addon" / "batch.py"),
        "chosen": str(tmp_path / "chosen") if case == "chosen" else "",
        "installed": case not in ("nothing", "both") and command != ["--install"],
        "elsewhere": str(tmp_path / "share" / "mono3d") if case == "both" else "",
        "factory": case == "factory",
        "command": command,
        "options": ["--data-folder", str(tmp_path / "named")] if case == "option" else [],
        "manifest": json.dumps(dataclasses.asdict(installed) | {"packages": "packages-1", "format": FORMAT}),
    }
    own = tmp_path / "extensions" / ".user" / "user_default" / "mono3d"
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment |= {"TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    environment.pop("MONO3D_DATA", None)
    if case in ("variable", "option"):
        environment["MONO3D_DATA"] = str(tmp_path / "variable")
    line = [sys.executable, "-c", _BATCH, json.dumps(request)]
    answer = subprocess.run(line, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not list(temporary.iterdir()), "Blender's folder for temporary files was left behind"
    return answer.stdout.partition("the answer:\n")[2].strip(), own
