# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing, repairing, updating and removing the packages inside Blender, with tiny packages from a wheelhouse."""

from __future__ import annotations

import json
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import mono3d_addon
import vendor_installer
from mono3d_addon import environment
from mono3d_addon.blender import panel, preference_values, preferences, progress, readiness, reports, state, workers
from mono3d_addon.blender.installing import network, setup
from mono3d_addon.blender.installing.installation import Installation, Wish
from tests.blender import made, stand_in
from vendor_installer import locks, planning, platforms, smoke, upkeep
from vendor_installer.component import Component
from vendor_installer.interpreter import probe

bpy = pytest.importorskip("bpy")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheelhouse and a lock for a 'worker' that consists of one tiny package."""
    monkeypatch.syspath_prepend(ROOT / "tests/vendor_installer")
    from tests.vendor_installer.local_index import locked, make_wheel, write_lock

    backends = {platforms.LINUX: "cpu", platforms.WINDOWS: "cpu", platforms.MACOS: "cpu"}
    tiny = Component("worker", "a package for tests", (), backends, {}, (), "worker")
    for module in (planning, upkeep):
        monkeypatch.setattr(module, "COMPONENTS", {"worker": tiny})
    monkeypatch.setattr(smoke, "SCRIPTS", types.MappingProxyType({"worker": "import alpha\n"}))
    monkeypatch.setattr(locks, "FOLDER", tmp_path / "locks")
    wheel = make_wheel(tmp_path / "house", "alpha")
    write_lock(tmp_path / "locks", probe(sys.executable), [locked(wheel)], "worker")
    return wheel.parent


@pytest.fixture
def add_on(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The enabled add-on, with a data folder of its own, which is yielded."""
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(preference_values, "wheelhouse", lambda: house)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    mono3d_addon.register()
    readiness.refresh()
    yield tmp_path / "data"
    mono3d_addon.unregister()


def _shown(draw: Any) -> str:
    """Returns all labels and operators that a drawing function shows."""
    layout = Mock()
    for name in ("box", "row", "column", "split"):
        getattr(layout, name).return_value = layout
    draw(layout)
    labels = [str(call.kwargs["text"]) for call in layout.label.call_args_list]
    return "\n".join(labels + [str(call.args[0]) for call in layout.operator.call_args_list])


def test_what_is_missing_is_shown_with_one_button(add_on: Path) -> None:
    shown = " ".join(_shown(lambda layout: setup.draw_plan(layout, 80)).splitlines())
    assert "alpha 1.0" in shown and "nothing to download, on disk 0 MB" in shown and "worker-" in shown
    assert "mono3d.install" in shown.split()[-2:] and not add_on.exists()
    assert "mono3d.install" in _shown(setup.draw).split()[-2:] and "alpha" not in _shown(setup.draw)


def test_from_installing_to_uninstalling(add_on: Path, house: Path, tmp_path: Path) -> None:
    assert bpy.ops.mono3d.install() == {"FINISHED"}
    assert not state.current.offer and "Installed." in " ".join(state.current.messages)
    assert not state.current.is_bare and not _shown(setup.draw)
    shown = _shown(setup.draw_installed)
    assert "worker: alpha 1.0" in shown and "for the processor, 0 MB, installed on 20" in shown
    for name in ("repair", "update", "uninstall", "copy_report", "open_log"):
        assert f"mono3d.{name}" in shown
    first = vendor_installer.find("worker", add_on)
    assert bpy.ops.mono3d.repair() == {"FINISHED"}
    second = vendor_installer.find("worker", add_on)
    assert first and second and first.packages != second.packages and not first.packages.exists()

    assert not state.current.update
    from tests.vendor_installer.local_index import locked, make_wheel, write_lock

    write_lock(tmp_path / "locks", probe(sys.executable), [locked(make_wheel(house, "alpha", "2.0"))], "worker")
    readiness.refresh()
    assert state.current.update and "mono3d.update" in _shown(setup.draw)
    assert bpy.ops.mono3d.update() == {"FINISHED"}
    assert "alpha 2.0" in _shown(setup.draw_installed) and not state.current.update

    assert bpy.ops.mono3d.uninstall() == {"FINISHED"}
    assert (
        state.current.offer
        and state.current.is_bare
        and not state.current.installed
        and vendor_installer.find("worker", add_on) is None
    )
    assert not bpy.ops.mono3d.uninstall.poll()


def test_a_failure_is_one_sentence_and_the_log_can_be_opened(add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.MappingProxyType({"worker": "raise ImportError('libGL.so.1: cannot open shared object file')"})
    monkeypatch.setattr(smoke, "SCRIPTS", broken)
    with pytest.raises(RuntimeError, match=r"not installed\. A system library is missing"):
        bpy.ops.mono3d.install()
    assert state.current.failed and state.current.offer and state.current.installation is None
    assert "mono3d.open_log" in _shown(lambda layout: setup.draw_plan(layout, 80))
    assert "libGL" in (add_on / "logs" / "install.log").read_text()


def test_an_installation_goes_on_over_another_file(add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = types.SimpleNamespace(background=False, timers=bpy.app.timers)
    monkeypatch.setattr(progress, "bpy", types.SimpleNamespace(app=app, context=bpy.context, types=bpy.types))
    assert stand_in.followed(setup.MONO3D_OT_install).invoke(bpy.context, None) == {"FINISHED"}
    work = state.current.installation
    assert work is not None and not bpy.ops.mono3d.install.poll()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert state.current.installation is work and not work.cancelled
    assert bpy.app.timers.is_registered(setup.poll_installation)
    while setup.poll_installation() is not None:
        time.sleep(0.02)
    assert not state.current.offer and "Installed." in " ".join(state.current.messages)
    mono3d_addon.unregister()
    assert not bpy.app.timers.is_registered(setup.poll_installation)
    mono3d_addon.register()


def test_the_preferences_tell_how_it_went(add_on: Path) -> None:
    bpy.ops.mono3d.install()
    page = preferences.MONO3D_AP_preferences
    values = {
        name: getattr(page, name, None) for name in ("data_folder", "wheelhouse", "backend", *preference_values.HABITS)
    }
    assert "Installed." in _shown(lambda layout: page.draw(types.SimpleNamespace(layout=layout, **values), bpy.context))  # type: ignore[arg-type]


def test_cancelling_takes_less_than_a_second(add_on: Path, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "SCRIPTS", types.MappingProxyType({"worker": "import time; time.sleep(60)"}))
    work = state.current.installation = Installation(Wish(add_on, wheelhouse=house))
    work.start()
    end = time.monotonic() + 20.0
    while not work.stage.startswith("Testing") and time.monotonic() < end:
        time.sleep(0.02)
    shown = Mock()
    progress.draw(shown, work.stage, work.fraction, "mono3d.cancel_install")
    assert "Testing the packages" in str(shown.mock_calls)
    assert not bpy.ops.mono3d.install.poll() and not bpy.ops.mono3d.repair.poll()
    began = time.monotonic()
    assert bpy.ops.mono3d.cancel_install() == {"FINISHED"}
    work.wait()
    assert time.monotonic() - began < made.patience(1.0) and work.cancelled
    state.current.installation = None
    assert vendor_installer.find("worker", add_on) is None


def test_a_driver_that_does_not_answer_keeps_nobody_waiting(add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def plans(*_: Any, **__: Any) -> tuple[Any, ...]:
        answer.wait(20.0)
        return (types.SimpleNamespace(summary=lambda: "worker: alpha 1.0", download_bytes=430_000_000),)

    monkeypatch.setattr(environment, "plans", plans)
    monkeypatch.setattr(readiness, "bpy", Mock(wraps=bpy, app=Mock(background=False, timers=bpy.app.timers)))
    state.current.planned = None  # what the fixture planned
    began = time.monotonic()
    readiness.refresh()
    assert time.monotonic() - began < made.patience(1.0) and state.current.checked
    assert state.current.lacking == "Needs Install" and state.current.offer == state.Offer()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert bpy.app.timers.is_registered(readiness.poll_plan), "the timer did not survive another file"
    work = Installation(Wish(add_on))
    work.start()
    work.cancel()
    work.wait(made.patience(1.0))
    assert not work.running and work.cancelled
    answer.set()
    while readiness.poll_plan() is not None:
        time.sleep(0.02)
    assert (
        "worker: alpha 1.0" in _shown(lambda layout: setup.draw_plan(layout, 80))
        and state.current.lacking == "Needs Install, 430 MB"
    )
    readiness.refresh()
    assert state.current.planning is None, "the same was planned again"
    state.current.planned = None
    readiness.refresh()
    mono3d_addon.unregister()
    assert not bpy.app.timers.is_registered(readiness.poll_plan)
    mono3d_addon.register()


def test_drawing_touches_no_file(add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bpy.ops.mono3d.install()
    touched: list[str] = []
    watching = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        # Another thread removes old packages after the installation.
        is_here = threading.current_thread() is threading.main_thread()
        if watching and is_here and event in ("open", "os.listdir", "os.scandir", "subprocess.Popen"):
            touched.append(f"{event} {arguments[:1]}")

    sys.addaudithook(hook)
    try:
        for draw in (setup.draw, lambda layout: setup.draw_plan(layout, 80), setup.draw_installed):
            draw(Mock())
        panel.MONO3D_PT_main.draw(types.SimpleNamespace(layout=Mock()), bpy.context)  # type: ignore[arg-type]
    finally:
        watching.clear()
    assert not touched


@pytest.mark.parametrize("action", ["install", "repair", "update"])
def test_without_leave_the_switches_are_named(action: str, add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if bpy.app.online_access:
        pytest.skip("this Blender may go online")
    monkeypatch.setattr(preference_values, "wheelhouse", lambda: None)
    with pytest.raises(RuntimeError, match=f"Allow Online Access.*--online-mode; then {action}.*wheelhouse"):
        getattr(bpy.ops.mono3d, action)()
    assert state.current.installation is None and not add_on.exists()


@pytest.mark.parametrize(
    ("access", "override", "words"),
    [
        (True, False, ""),
        (True, True, ""),
        (False, False, "tick Preferences > System > Network > Allow Online Access, or start it with --online-mode"),
        (False, True, "started with --offline-mode, which overrides Preferences > System > Network"),
    ],
)
def test_a_refusal_tells_whether_the_command_line_overrode_the_preferences(
    access: bool, override: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = types.SimpleNamespace(online_access=access, online_access_override=override)
    monkeypatch.setattr(network, "bpy", types.SimpleNamespace(app=app))
    found = network.refusal("install the packages")
    assert words in found and bool(found) == bool(words)
    assert network.forbidden() == (override and not access)


def test_the_report_is_copied(add_on: Path) -> None:
    bpy.ops.mono3d.install()
    assert bpy.ops.mono3d.copy_report() == {"FINISHED"}
    from mono3d_addon import environment

    text = environment.report(add_on)
    assert "alpha 1.0" in text and "Free space" in text
    log = workers.log_file(add_on)
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    told = reports.report()
    assert told.startswith("Blender ") and "alpha 1.0" in told and f"End of {log}:" in told
    assert "line 99" in told and "line 50\n" not in told


def test_both_logs_can_be_opened(add_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bpy.ops.mono3d.install()
    buttons: list[Any] = []

    def operator(name: str, **options: Any) -> Any:
        buttons.append(types.SimpleNamespace(operator=name, **options))
        return buttons[-1]

    layout = Mock(operator=operator)
    for name in ("box", "row", "column"):
        getattr(layout, name).return_value = layout
    setup.draw_installed(layout)
    shown = {one.text: one.name for one in buttons if one.operator == "mono3d.open_log"}
    assert shown == {"Open Log": "worker.log", "Installation Log": "install.log"}


def test_a_log_that_is_not_there_yet_is_told(add_on: Path) -> None:
    assert bpy.ops.mono3d.open_log() == {"CANCELLED"}


def test_the_backends_of_the_preferences_are_those_of_the_command_line() -> None:
    from mono3d_addon.settings import RunOptions, fields_of

    options = next(item.choice.options for item in fields_of(RunOptions) if item.name == "backend")
    assert tuple(preferences.BACKENDS) == options


def test_the_manifest_says_what_the_preferences_show(add_on: Path) -> None:
    bpy.ops.mono3d.install()
    found = vendor_installer.find("worker", add_on)
    assert found
    told = json.loads((found.packages.parent / "manifest.json").read_text())
    assert told["versions"] == {"alpha": "1.0"} and str(found.packages.parent) in _shown(setup.draw_installed)
