# SPDX-License-Identifier: GPL-3.0-or-later
"""The button of the repository's page, dragged from a real browser into a real Blender, and the upgrade by mouse."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.build import MANIFEST
from mono3d_addon.version import version
from tests.programs.program import Program
from tests.programs.repository import Repository, older_version, served, this_version
from tests.programs.window import HEIGHT, WIDTH, Window

CHROMIUM = os.environ.get("MONO3D_TEST_CHROMIUM", "")
SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")

BLENDER_WIDTH = 900
DROPPED_AT = (400, 400)
CONFIRM = (0x47, 0x72, 0xB3)
"""The colour in Blender of the button that confirms a dialog."""

PAGE_BUTTON = (0x26, 0x57, 0x87)
"""The colour of the page's button."""

REPOSITORIES = "bpy.context.preferences.extensions.repos"
ADDON = "next(iter(name for name in bpy.context.preferences.addons.keys() if name.endswith('.mono3d')), '')"
UPDATES = (75, 80)
"""Pixels from the right and upper sides of the window of the preferences to its column of buttons "Update"."""

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium (MONO3D_TEST_CHROMIUM)"),
]


@pytest.fixture(scope="module")
def repository(debian: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    profile = debian.work / "dragging"
    shutil.rmtree(profile, ignore_errors=True)
    profile.mkdir()
    with served(dataclasses.replace(debian, profile=profile.name)) as one:
        one.offer(older_version(tmp_path_factory.mktemp("older")))
        yield one


@pytest.fixture(scope="module")
def blender(repository: Repository) -> Iterator[Window]:
    window = Window(repository.program, "repository-window", options=("--online-mode",), width=BLENDER_WIDTH)
    try:
        window.wait_until_ready()
        window.keys("Escape", over=(300, 600))
        yield window
    finally:
        window.close()
        if SHOTS:
            target = Path(SHOTS) / repository.program.root.name / "repository"
            shutil.copytree(window.folder, target, dirs_exist_ok=True)


@contextlib.contextmanager
def browser(blender: Window, address: str, profile: Path) -> Iterator[None]:
    """Shows a page beside Blender, on the same screen, until the block ends."""
    words = ["--no-sandbox", "--no-first-run", "--disable-gpu", f"--user-data-dir={profile}", f"--app={address}"]
    words += [f"--window-position={BLENDER_WIDTH},0", f"--window-size={WIDTH - BLENDER_WIDTH},{HEIGHT}"]
    with (profile / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [CHROMIUM, *words],
            env={**os.environ, **blender.screen(), "HOME": str(profile)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def middle_of(blender: Window, colour: tuple[int, int, int], left: int, right: int, name: str) -> tuple[float, float]:
    """Waits for a large patch of a colour between two columns of the screen, and not across the left one.

    Returns its middle.
    """
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        picture = blender.shot(name)[:, left:right].astype(int)
        ys, xs = np.nonzero(np.abs(picture - colour).max(axis=2) < 10)
        if len(xs) > 1500 and xs.min() > 5:
            return left + float(np.median(xs)), float(np.median(ys))
        time.sleep(0.5)
    raise AssertionError(f"nothing on the screen has the colour {colour}: see {name}.png")


def drag_the_button(blender: Window, name: str) -> None:
    button = middle_of(blender, PAGE_BUTTON, BLENDER_WIDTH, WIDTH, f"{name} page")
    blender.drop(button, DROPPED_AT)


def confirm(blender: Window, name: str, after: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """Presses the button that confirms the dialog below the mouse; returns where it is.

    `after` is where it was in the dialog before, which may still be shown.
    """
    end = time.monotonic() + 60.0
    while True:
        # At the left are Blender's tools, at the right its tabs, which have the same colour where they are chosen, and
        # while Blender asks the repository, the dialog has one wide button that cancels.
        place = middle_of(blender, CONFIRM, 120, 740, name)
        if abs(place[1] - after[1]) > 20:
            break
        assert time.monotonic() < end, f"no other dialog came: see {name}.png"
        time.sleep(0.5)
    blender.click(*place)
    return place


def test_the_button_is_dragged_in_twice_and_upgraded_by_mouse(
    blender: Window, repository: Repository, tmp_path: Path
) -> None:
    with browser(blender, repository.address.replace("index.json", "index.html"), tmp_path):
        drag_the_button(blender, "1")
        add = confirm(blender, "2 unknown repository")
        create = confirm(blender, "3 add repository", after=add)
        # The first click ended the editing of the address.
        time.sleep(2.0)
        blender.click(*create)
        blender.wait_for(f"any(one.remote_url == {repository.address!r} for one in {REPOSITORIES})", 30.0)
        time.sleep(1.0)
        drag_the_button(blender, "4")
        confirm(blender, "5 install")
        blender.wait_for(f"{ADDON} and hasattr(bpy.context.scene, 'mono3d')", 60.0)
    module = str(blender.ask(f"result = {ADDON}"))
    blender.shot("6 installed")
    blender.ask(f"bpy.context.preferences.addons[{module!r}].preferences.backend = 'cpu'")

    repository.offer(this_version(tmp_path / "new"))
    blender.ask("bpy.ops.screen.userpref_show(section='EXTENSIONS')")
    blender.ask("bpy.context.window_manager.extension_search = 'mono3d'")
    blender.ask("bpy.ops.extensions.repo_sync_all()", timeout=120.0)
    time.sleep(2.0)
    blender.shot("7 update offered")
    blender.click(*find_update(blender))
    program = repository.program
    folder = program.work / program.profile / "extensions" / module.split(".")[1] / "mono3d"
    end = time.monotonic() + 60.0
    while not (folder / MANIFEST).is_file() or f'"{version()}"' not in (folder / MANIFEST).read_text(encoding="utf-8"):
        assert time.monotonic() < end, "Blender did not install the new version"
        time.sleep(0.5)
    blender.wait_for(f"{ADDON} and hasattr(bpy.context.scene, 'mono3d')", 60.0)
    time.sleep(1.0)
    blender.shot("8 updated")
    assert blender.ask(f"result = bpy.context.preferences.addons[{module!r}].preferences.backend") == "cpu"

    index = f"[one.module for one in {REPOSITORIES}].index({module.split('.')[1]!r})"
    blender.ask(f"bpy.ops.extensions.package_uninstall(repo_index={index}, pkg_id='mono3d')", timeout=60.0)
    blender.wait_for(f"not {ADDON} and not hasattr(bpy.context.scene, 'mono3d')", 60.0)
    time.sleep(1.0)
    blender.shot("9 removed")


def find_update(blender: Window) -> tuple[float, float]:
    """Returns the position on the screen of the button that updates the add-on, in the window of the preferences."""
    left, bottom, width, height = blender.ask(
        "window, *_ = preferences(); result = [window.x, window.y, window.width, window.height]"
    )
    top = blender.ask("result = bpy.context.window_manager.windows[0].height") - (bottom + height)
    x = left + width - UPDATES[0]
    for y in range(int(top + UPDATES[1]), int(top + height), 9):
        blender.move(x, y - 1)
        blender.settle()
        blender.move(x, y)
        blender.settle()
        found = str(blender.ask("result = button_under_mouse(preferences())"))
        if "package_install" in found and "mono3d" in found:
            return x, y
    raise AssertionError("there is no button 'Update': see '7 update offered.png'")
