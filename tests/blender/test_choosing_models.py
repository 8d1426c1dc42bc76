# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a model in the sidebar: three words, the licence, one button from a missing model to the mesh."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.blender import model_lines, panel, progress, readiness, state
from mono3d_addon.blender.installing import licence_dialog, models, network, way
from mono3d_addon.blender.photos import running
from mono3d_addon.depth import licence, weights
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.model import Model
from mono3d_addon.settings import GRADES
from tests.blender import stand_in
from tests.blender.made import bpy
from tests.file_server import Behaviour, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a script")

BETTER, RESTRICTED = GRADES["better"], "depth_anything_v2_vitb"


@pytest.fixture
def server(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    """A server with the weights of all models, as if packages were installed and Blender might go online."""
    monkeypatch.setattr("mono3d_addon.environment.worker_packages", lambda folder: (tmp_path,))
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(network, "refusal", lambda action: "")
    with serving() as behaviour:
        behaviour.content = bytes(2_000_000)
        digest = hashlib.sha256(behaviour.content).hexdigest()

        def offered(row: Model) -> Model:
            if row.bundled:
                return row
            address = f"{behaviour.address}/{row.file}"
            return dataclasses.replace(row, address=address, file_bytes=2_000_000, size_is_exact=True, sha256=digest)

        rows = {name: offered(row) for name, row in MODELS.items()}
        monkeypatch.setattr(readiness, "MODELS", rows)
        monkeypatch.setattr(licence_dialog, "model_named", rows.__getitem__)
        readiness.refresh()
        yield behaviour


@pytest.fixture
def values(server: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of the scene, with a photo and a fake worker."""
    worker = stand_in.worker(tmp_path / "worker")
    monkeypatch.setattr(running, "worker", lambda: worker)
    found: Any = bpy.context.scene.mono3d
    found.photo = "/photos/a.jpg"
    yield found
    worker.stop()


def small(name: str) -> Model:
    """Returns the row of the catalogue that the server offers."""
    found: Model = vars(readiness)["MODELS"][name]
    return found


def made() -> list[str]:
    return [item.name for item in bpy.data.objects if "mono3d_settings" in item]


def drawn(*, opens_sections: bool = False) -> stand_in.Layout:
    layout = stand_in.Layout(opens_sections=opens_sections)
    panel.MONO3D_PT_main.draw(types.SimpleNamespace(layout=layout), bpy.context)  # type: ignore[arg-type]
    return layout


@pytest.mark.smoke
def test_three_words_stand_above_all_other_models(values: Any) -> None:
    words = ["Starter", "Better: Depth Anything V2 small", "Best: MoGe-2 large"]
    layout = drawn()
    assert [text for text in layout.texts if text in words] == words
    assert "All models" in layout.texts and "Bundled, 8 MB, about 0.03 s" in layout.texts
    assert {row.label for row in MODELS.values()} <= set(drawn(opens_sections=True).texts)
    values.model = "dpt_hybrid_384"
    assert "MiDaS 3.0 DPT hybrid" in drawn().texts


@pytest.mark.smoke
def test_a_missing_model_is_downloaded_and_the_mesh_generated_by_one_button(
    values: Any, server: Behaviour, tmp_path: Path
) -> None:
    values.model = BETTER
    layout = drawn()
    assert "mono3d.generate" not in layout.operators and "Download 2 MB and generate" in layout.labels
    assert {"To download, 2 MB, about 1 s", "Apache-2.0, free for all use"} <= set(layout.texts)
    assert not [text for text in layout.texts if "--" in text or "command line" in text]
    assert bpy.ops.mono3d.get_and_generate() == {"FINISHED"}
    assert len(server.requests) == 1 and len(made()) == 1
    sent = json.loads((tmp_path / "worker" / "requests.jsonl").read_text().splitlines()[-1])
    assert sent["settings"]["model"] == BETTER
    assert "mono3d.generate" in drawn().operators


def test_an_own_depth_map_needs_no_model(values: Any) -> None:
    values.model, values.depth_file = BETTER, "/photos/a.exr"
    assert "mono3d.generate" in drawn().operators and "mono3d.get_and_generate" not in drawn().operators


def test_the_way_to_the_network_is_shown_only_before_a_download(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(network, "draw_switch", shown.append)
    values.model = BETTER
    drawn()
    assert len(shown) == 1
    values.depth_file = "/photos/a.exr"
    drawn()
    assert len(shown) == 1


def test_what_is_missing_includes_the_packages(values: Any) -> None:
    values.model = BETTER
    state.current.offer, state.current.lacking = state.Offer("430 MB", bytes=430_000_000), "Needs Install, 430 MB"
    readiness.refresh_models()
    layout = drawn()
    assert "Download 432 MB and generate" in layout.labels
    assert {"Needs Install, 430 MB", "+ 2 MB, about 1 s"} <= set(layout.texts)
    # The starter runs on numpy now, and the next step's size is that of its button.
    values.model = "starter"
    readiness.offer_next_step("starter")
    layout = drawn()
    assert "Bundled, 8 MB, about 0.3 s" in layout.texts and "Download 432 MB and generate" in layout.labels
    assert "432 MB with the packages that it needs, free for all use" in " ".join(layout.texts)
    assert "mono3d.install" not in layout.operators, "two buttons for the same packages"
    bpy.ops.mono3d.dismiss_next_step()
    assert "mono3d.install" in drawn().operators
    values.model = BETTER
    state.current.offer = state.Offer("", ("not on this computer",), problem=True)
    readiness.refresh_models()
    assert "mono3d.get_and_generate" not in drawn().operators


@pytest.mark.smoke
def test_a_licence_is_accepted_once_for_blender_and_the_command_line(values: Any, server: Behaviour) -> None:
    values.model = RESTRICTED
    layout = drawn()
    told = " ".join(layout.texts)
    assert "CC-BY-NC-4.0, not for commercial work" in told and max(map(len, layout.texts)) <= 34
    for operator in (bpy.ops.mono3d.download_model, bpy.ops.mono3d.get_and_generate):
        with pytest.raises(RuntimeError, match=r"not for commercial work: accept the licence first") as caught:
            operator()
        assert "--" not in str(caught.value) and "tick 'My work is not commercial" in str(caught.value)
    assert not server.requests and not made()
    server.statuses.append(404)
    with pytest.raises(RuntimeError, match="404"):
        bpy.ops.mono3d.download_model(accepts_licence=True)
    row = small(RESTRICTED)
    assert licence.is_settled(row, state.current.data_folder)
    assert bpy.ops.mono3d.get_and_generate() == {"FINISHED"} and len(made()) == 1


class Window:
    """What operators use of a window manager; `asked` has the arguments of dialogs."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def invoke_props_dialog(self, operator: Any, **arguments: Any) -> set[str]:
        known = bpy.types.WindowManager.bl_rna.functions["invoke_props_dialog"].parameters
        assert set(arguments) <= set(known.keys())
        self.asked.append(arguments)
        return {"RUNNING_MODAL"}


@pytest.mark.parametrize("operator", [models.MONO3D_OT_download_model, way.MONO3D_OT_get_and_generate])
def test_the_dialog_shows_the_licence_and_a_box_to_tick(
    values: Any, operator: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = types.SimpleNamespace(background=False, timers=bpy.app.timers)
    monkeypatch.setattr(licence_dialog, "bpy", types.SimpleNamespace(app=app))
    window = Window()
    context: Any = types.SimpleNamespace(window_manager=window, scene=bpy.context.scene)
    values.model = RESTRICTED
    one = stand_in.followed(operator, model="", accepts_licence=False)
    assert one.invoke(context, None) == {"RUNNING_MODAL"}
    assert window.asked == [{"width": 420, "title": "Not for commercial work", "confirm_text": "Download"}]
    one.layout = stand_in.Layout()
    one.draw(context)
    told = " ".join(one.layout.texts)
    assert licence.question(MODELS[RESTRICTED]) == told and one.layout.shown == ["accepts_licence"]
    assert one.layout.operators == ["wm.url_open"] and one.layout.labels == ["Read CC-BY-NC-4.0"]
    # OK without a tick.
    assert one.execute(context) == {"CANCELLED"} and "accept the licence first" in one.reported[0]
    # Nothing is asked where the weights are for all use, or the answer is known.
    licence.accept(small(RESTRICTED), state.current.data_folder)
    one.start_all = lambda context: {"FINISHED"}
    assert one.invoke(context, None) == {"FINISHED"} and len(window.asked) == 1


def until(condition: Callable[[], bool], poll: Callable[[], float | None]) -> None:
    end = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < end
        poll()
        time.sleep(0.02)


@pytest.fixture
def in_a_window(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As in a window, with what is started by operators in the list."""
    started: list[str] = []
    app = types.SimpleNamespace(background=False, timers=bpy.app.timers)
    window = bpy.context.window_manager.windows[0] if bpy.context.window_manager.windows else None

    def operator(name: str) -> Any:
        def call(*how: str, **properties: Any) -> set[str]:
            started.append(name)
            if name == "download_model":
                one = stand_in.followed(models.MONO3D_OT_download_model, **properties)
                return set(one.invoke(bpy.context, None))
            return {"FINISHED"}

        call.poll = lambda: True  # type: ignore[attr-defined]
        return call

    ops = types.SimpleNamespace(
        mono3d=types.SimpleNamespace(**{name: operator(name) for name in ("install", "download_model", "generate")})
    )
    context = types.SimpleNamespace(temp_override=bpy.context.temp_override, window_manager=None)
    monkeypatch.setattr(progress, "bpy", types.SimpleNamespace(app=app, context=bpy.context, types=bpy.types))
    monkeypatch.setattr(licence_dialog, "bpy", types.SimpleNamespace(app=app))
    monkeypatch.setattr(way, "bpy", types.SimpleNamespace(ops=ops, context=context))
    monkeypatch.setattr(way, "_window_of", lambda scene: window or object())
    if window is None:
        context.temp_override = lambda **_: contextlib.nullcontext()
    return started


def test_each_step_starts_the_next_one(values: Any, server: Behaviour, in_a_window: list[str]) -> None:
    one = way.Way(small(BETTER), bpy.context.scene.session_uid, accepts_licence=False)
    state.current.offer, state.current.lacking = state.Offer("430 MB"), "Needs Install, 430 MB"
    way.go(one)
    assert in_a_window == ["install"]
    # The installation succeeds.
    state.current.offer, state.current.lacking = None, ""
    state.current.go_on()
    assert in_a_window == ["install", "download_model"]
    until(lambda: state.current.download is None, models.poll_download)
    assert in_a_window == ["install", "download_model", "generate"] and state.current.then is None


@pytest.mark.parametrize("ends", ["stopped", "failed"])
def test_a_step_that_does_not_succeed_ends_the_way(
    values: Any, server: Behaviour, in_a_window: list[str], ends: str
) -> None:
    server.gate = threading.Event()
    if ends == "failed":
        server.statuses.append(404)
    way.go(way.Way(small(BETTER), bpy.context.scene.session_uid, accepts_licence=False))
    assert state.current.then is not None and state.current.download is not None
    if ends == "stopped":
        state.current.download.cancel()
    server.gate.set()
    until(lambda: state.current.download is None, models.poll_download)
    assert in_a_window == ["download_model"] and state.current.then is None


def test_packages_that_are_still_missing_are_not_asked_for_twice(values: Any, in_a_window: list[str]) -> None:
    state.current.offer, state.current.lacking = state.Offer("430 MB"), "Needs Install, 430 MB"
    way.go(way.Way(small(BETTER), bpy.context.scene.session_uid, accepts_licence=False))
    state.current.go_on()
    assert in_a_window == ["install"] and state.current.then is None


@pytest.mark.smoke
def test_the_first_result_offers_the_next_step_once(values: Any, server: Behaviour) -> None:
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    layout = drawn()
    told = " ".join(layout.texts)
    assert "Better: Depth Anything V2 small brings more exact depth and finer outlines: 2 MB," in told
    assert layout.operators.count("mono3d.get_and_generate") == 1 and not server.requests
    bpy.ops.mono3d.dismiss_next_step()
    assert "mono3d.get_and_generate" not in drawn().operators
    assert bpy.ops.mono3d.generate() == {"FINISHED"}
    assert "mono3d.get_and_generate" not in drawn().operators


def test_the_button_of_the_next_step_takes_it(values: Any) -> None:
    bpy.ops.mono3d.generate()
    step = state.current.next_step
    assert step is not None and bpy.ops.mono3d.get_and_generate(model=step.model) == {"FINISHED"}
    assert values.model == BETTER and len(made()) == 2 and state.current.next_step is None


def test_no_next_step_after_a_result_of_another_model_or_an_own_depth_map(values: Any, tmp_path: Path) -> None:
    readiness.offer_next_step("own depth")
    readiness.offer_next_step("dpt_large_384")
    assert state.current.next_step is None
    put = weights.weights_folder(state.current.data_folder) / MODELS["midas_v21_small_256"].file
    put.parent.mkdir(parents=True)
    put.write_bytes(bytes(2_000_000))
    readiness.offer_next_step("starter")
    assert state.current.next_step is None


@pytest.mark.parametrize(
    ("content", "told"),
    [(bytes(1000), "instead of"), (b"X" + bytes(1_999_999), "SHA-256")],
    ids=["truncated", "wrong hash"],
)
def test_a_wrong_file_is_one_sentence(values: Any, server: Behaviour, content: bytes, told: str) -> None:
    server.content = content
    with pytest.raises(RuntimeError, match=told) as caught:
        bpy.ops.mono3d.get_and_generate(model=BETTER)
    sentence = str(caught.value).removeprefix("Error: ").strip()
    assert "--" not in sentence and "command line" not in sentence and not made()
    assert state.current.models[BETTER].get


def test_the_list_in_the_preferences_has_columns(values: Any) -> None:
    layout = stand_in.Layout()
    model_lines.draw_list(layout)  # type: ignore[arg-type]
    for words in ("Published accuracy", "88 % of depths within 25 %", "metres, lens, sky, normals", "about 13 s"):
        assert words in layout.texts
    assert layout.operators.count("mono3d.download_model") == len(MODELS) - 1
