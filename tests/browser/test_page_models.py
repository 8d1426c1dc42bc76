# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a model on the page: what there is, what it brings, the question for a licence, the next step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.settings import GRADES
from tests.browser.visit import PHONE, PHOTOS, Visit, Visitor
from tests.web.web_server import DATA, WebServer, need_packages, serving

BETTER, RESTRICTED = GRADES["better"], "depth_anything_v2_vitb"


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server whose folder has files of the right names and sizes for two more models, and of the wrong content."""
    need_packages()
    data = tmp_path_factory.mktemp("rich")
    (data / "environments").symlink_to(DATA / "environments")
    (data / "weights").mkdir()
    for name in (BETTER, RESTRICTED):
        with (data / "weights" / MODELS[name].file).open("wb") as file:
            file.truncate(MODELS[name].file_bytes)
    with serving(tmp_path_factory.mktemp("rich-log"), data=data) as running:
        yield running


def about(visit: Visit, name: str) -> str:
    return str(visit.find(f"#form-model-{name}-about").inner_text())


def test_three_words_stand_first_with_terms_and_speed(visit: Visit) -> None:
    visit.open()
    shown = visit.find(".models > .model > span:first-of-type").all_inner_texts()
    assert shown == ["Starter", "Better: Depth Anything V2 small", "Best: MoGe-2 large"]
    assert "bundled, free for all use" in about(visit, "starter")
    best = about(visit, GRADES["best"])
    assert best.startswith("Not on this server: 1,324 MB, free for all use, about 13 s")
    assert "metres, lens, sky, normals" in best
    expect(visit.find(f"#form-model-{BETTER}")).to_be_disabled()
    expect(visit.find(f"#form-model-{RESTRICTED}")).to_be_hidden()
    visit.find(".models summary").click()
    assert visit.find(".models .model").count() == len(MODELS)
    assert "not for commercial work" in about(visit, RESTRICTED)
    visit.shot("models")


def test_the_first_result_tells_the_next_step_once(visit: Visit) -> None:
    visit.open()
    visit.choose(PHOTOS / "coffee.png")
    visit.find("[value=fast]").check()
    visit.generate()
    visit.wait_for_model()
    words = visit.find("#next-step-words").inner_text()
    assert words.startswith("Better: Depth Anything V2 small brings more exact depth and finer outlines: 99 MB")
    assert words.endswith("the person who runs the server enters: models download better")
    expect(visit.find("#next-step-take")).to_be_hidden()
    visit.shot("next step", whole=True)
    visit.find("#next-step-dismiss").click()
    expect(visit.find("#next-step")).to_be_hidden()
    visit.find("#again").click()
    visit.generate()
    visit.wait_for_model()
    expect(visit.find("#next-step")).to_be_hidden()


def test_a_model_that_is_here_can_be_tried_at_once(visitor: Visitor, rich: WebServer) -> None:
    visit = visitor(rich.address)
    visit.open()
    visit.choose(PHOTOS / "coffee.png")
    visit.find("[value=fast]").check()
    visit.generate()
    visit.wait_for_model()
    visit.find("#next-step-take").click()
    expect(visit.find(f"#form-model-{BETTER}")).to_be_checked()
    expect(visit.find("#generate")).to_be_focused()
    visit.generate()
    # The file has the right size and another content.
    failure = visit.find("#failure")
    expect(failure).to_contain_text("is not the right weights file", timeout=60_000)
    words = failure.inner_text()
    assert "SHA-256" in words and words.startswith(f"{MODELS[BETTER].file} is not the right weights file")


@pytest.mark.parametrize("size", ["desktop", pytest.param("phone", marks=pytest.mark.thorough)])
def test_a_licence_is_asked_for_before_such_a_model_runs(visitor: Visitor, rich: WebServer, size: str) -> None:
    visit = visitor(rich.address, **(PHONE if size == "phone" else {}))
    visit.open()
    visit.choose(PHOTOS / "coffee.png")
    visit.find(".models summary").click()
    visit.find(f"#form-model-{RESTRICTED}").check()
    expect(visit.find("#model-licence")).to_contain_text("under CC-BY-NC-4.0, which excludes commercial work")
    visit.shot(f"licence {size}")
    visit.find("#generate").click()
    expect(visit.find("#model-accepts")).to_be_focused()
    expect(visit.find("#choose")).to_be_visible()
    visit.find("#model-accepts").check()
    # Asked once: another model, and back.
    visit.find("#form-model-starter").check()
    expect(visit.find("#model-licence")).to_be_hidden()
    visit.find(f"#form-model-{RESTRICTED}").check()
    expect(visit.find("#model-licence")).to_be_hidden()
