# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user does with a real Blender: install the extension, press the button, run a batch on a farm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import shared_data
from tests.file_list import Listing, changed, listing, results
from tests.programs.program import WORK, Program

TEN_PHOTOS = (
    "coffee.png",
    "china.jpg",
    "iphone_13_pro_max.heic",
    "coolpix_p6000.jpg",
    "canon_ixus.jpg",
    "orientation/landscape_1.jpg",
    "orientation/landscape_3.jpg",
    "orientation/landscape_6.jpg",
    "orientation/landscape_7.jpg",
    "orientation/landscape_8.jpg",
)


def batch(program: Program, *arguments: str, timeout: float = 600) -> tuple[int, str]:
    done = program.blender("--python", f"{WORK}/repository/mono3d_addon/batch.py", "--", *arguments, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def fresh(program: Program, name: str) -> Path:
    folder = program.work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def test_the_installed_extension_works_and_leaves_nothing_behind(program: Program) -> None:
    done = program.script("check_extension.py", f"{WORK}/repository/tests/photos/coffee.png", f"{WORK}/data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CHECKED" in done.stdout
    print(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Allow Online Access"),
        pytest.param(("--offline-mode",), "--offline-mode", marks=pytest.mark.thorough),
        pytest.param(("--online-mode",), "online", marks=pytest.mark.thorough),
    ],
)
def test_the_install_button(program: Program, options: tuple[str, ...], words: str) -> None:
    """The network is used only with permission; then all is installed into the extension's own folder and works."""
    photo = f"{WORK}/repository/tests/photos/coffee.png"
    own = program.work / "resources" / "extensions" / ".user" / "user_default" / "mono3d"
    before = everything(program, own)
    done = program.script("install_packages.py", photo, words, options=options, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CHECKED" in done.stdout
    assert changed(before, everything(program, own)) == [], "something was written elsewhere"
    print(done.stdout.splitlines()[-1])


@pytest.mark.thorough
def test_the_headless_install_flag(program: Program) -> None:
    """As on a farm: the flag permits the use of the network, and the photo is processed at once."""
    own, out = fresh(program, "flag-data"), fresh(program, "flag-out")
    batch = f"{WORK}/repository/mono3d_addon/batch.py"
    words = ["--install", f"{WORK}/repository/tests/photos/coffee.png", "-o", program.inside(out)]
    words += ["--data-folder", program.inside(own), "--format", "blend,glb"]
    before = everything(program, own, out)
    done = program.blender("--offline-mode", "--python", batch, "--", *words)
    assert done.returncode == 1 and "--offline-mode" in done.stdout + done.stderr
    done = program.blender("--online-mode", "--python", batch, "--", *words, timeout=900)
    assert done.returncode == 0 and "1 done" in done.stdout, done.stdout + done.stderr
    assert sorted(path.name for path in results(out)) == ["coffee.blend", "coffee.glb", "coffee_preview.png"]
    assert changed(before, everything(program, own, out)) == [], "something was written elsewhere"
    shutil.rmtree(own)


def everything(program: Program, *without: Path) -> Listing:
    """Returns all files of the Debian except those in the folders, of the system itself, and of the repository."""
    system = [program.root / name for name in ("proc", "sys", "dev", "run", "tmp", "var/cache/fontconfig")]
    extensions = program.work / "resources" / "extensions"
    code = [extensions / "user_default" / "mono3d", program.work / "repository"]
    # Blender keeps a list of all extensions there.
    return listing([program.root], [*system, *code, extensions / ".cache", *without])


@pytest.mark.thorough
def test_a_batch_over_ten_real_photos(program: Program) -> None:
    folder, out = fresh(program, "ten photos ü"), fresh(program, "out ü")
    for name in TEN_PHOTOS:
        shutil.copy(shared_data.path(f"photos/{name}"), folder)
    arguments = (program.inside(folder), "-o", program.inside(out), "--format", "blend,glb,ply", "--detail", "512")
    code, text = batch(program, *arguments, "--report", f"{program.inside(out)}/report.json")
    assert code == 0, text
    assert "10 done" in text
    report = json.loads((out / "report.json").read_text())
    assert report["done"] == 10 and len(report["photos"]) == 10
    for record in report["photos"]:
        stem = Path(record["photo"]).stem
        for ending in (".blend", ".glb", ".ply", "_preview.png"):
            assert (out / f"{stem}{ending}").stat().st_size > 10_000, (stem, ending)
    assert not [path for path in results(out) if path.name.startswith(".")], "something half-written was left"
    code, text = batch(program, *arguments, "--skip-existing")
    assert code == 0 and "10 skipped" in text, text


def test_a_bad_photo_does_not_stop_the_rest(program: Program) -> None:
    folder, out = fresh(program, "bad"), fresh(program, "bad-out")
    shutil.copy(Path(__file__).parents[1] / "photos" / "coffee.png", folder / "a cup.png")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("hello")
    code, text = batch(program, program.inside(folder), "-o", program.inside(out), "--format", "ply", "--no-preview")
    assert code == 1, text
    assert "'empty.jpg' is empty" in text and "'text.jpg' is not a photo" in text and "1 done, 2 failed" in text
    assert sorted(path.name for path in results(out)) == ["a cup.ply"]
    assert "Traceback" not in text


def test_an_ordinary_user_without_the_rights(program: Program) -> None:
    """An unreadable photo and a read-only output folder, tested as an ordinary user: one message each."""
    folder, out, locked = fresh(program, "user"), fresh(program, "user/out"), fresh(program, "user/locked")
    shutil.copy(Path(__file__).parents[1] / "photos" / "coffee.png", folder / "cup.png")
    shutil.copy(folder / "cup.png", folder / "secret.png")
    (folder / "data").mkdir()
    (folder / "data" / "environments").symlink_to(f"{WORK}/data/environments")
    for path in (out, folder / "data"):
        path.chmod(0o777)
    (folder / "secret.png").chmod(0)
    locked.chmod(0o555)

    def mono3d(target: Path) -> tuple[int, str]:
        inside, data = program.inside(folder), program.inside(folder / "data")
        words = f"{inside}/cup.png {inside}/secret.png -o {program.inside(target)} --data-folder {data}"
        line = f"cd {WORK}/repository && exec python3 -m mono3d_addon {words} --format ply --no-preview --detail 128"
        done = program.run("sh", "-c", line, user="nobody:nogroup")
        return done.returncode, done.stdout + done.stderr

    code, text = mono3d(out)
    assert code == 1 and "1 done, 1 failed" in text, text
    assert "'secret.png' may not be read; change its permissions" in text and "Traceback" not in text
    assert [path.name for path in results(out)] == ["cup.ply"]
    code, text = mono3d(locked)
    assert code == 1 and "Nothing can be written" in text and "Traceback" not in text, text
    assert not list(locked.iterdir())


@pytest.mark.parametrize("arguments", [[], ["--near", "minus"], ["x.jpg", "--format", "jpeg2"], ["--no-such-option"]])
def test_wrong_usage_is_code_two(program: Program, arguments: list[str]) -> None:
    code, text = batch(program, *arguments)
    assert code == 2, text
    assert "error:" in text and "Traceback" not in text
