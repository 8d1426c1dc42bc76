# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyboard, screen reader, small screens, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.visit import PHONE, Visit, Visitor
from tests.web.web_server import serving

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

NARROWEST = {"viewport": {"width": 320, "height": 640}}
SCREENS: dict[str, dict[str, Any]] = {
    # As large as the pictures of the documents.
    "desktop": {"device_scale_factor": 1},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "dark phone": {**PHONE, "color_scheme": "dark"},
}


def complaints(visit: Visit) -> list[str]:
    """Returns what axe finds wrong by WCAG 2.2, A and AA, and by good practice."""
    found = axe.Axe().run(visit.page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


def press_until(visit: Visit, selector: str, key: str = "Tab") -> None:
    """Presses a key until an element has the focus."""
    for _ in range(80):
        if visit.find(selector).evaluate("element => element === document.activeElement"):
            return
        visit.page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached by {key}")


@pytest.mark.parametrize(
    "screen",
    [pytest.param(name, marks=[pytest.mark.thorough] if number else []) for number, name in enumerate(SCREENS)],
)
def test_nothing_is_wrong_by_axe(visitor: Visitor, coffee: str, screen: str) -> None:
    visit = visitor(**SCREENS[screen])
    visit.open()
    visit.shot(f"{screen} 1 start")
    assert complaints(visit) == []
    visit.sample("coffee")
    for group in visit.find("#groups summary").all():
        group.click()
    visit.find("#form [data-name=near] [aria-expanded]").click()
    visit.find("#form-near").fill("-1")
    expect(visit.find("#form [data-name=near] .wrong")).to_be_visible()
    assert complaints(visit) == []
    visit.shot(f"{screen} 2 settings", whole=True)
    visit.open(coffee)
    for group in visit.find("#shape summary").all():
        group.click()
    assert complaints(visit) == []
    visit.shot(f"{screen} 3 result", whole=True)


SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"device_scale_factor": 1},
    "phone": PHONE | {"viewport": {"width": 390, "height": 844}},
    "phone on its side": PHONE | {"viewport": {"width": 844, "height": 390}},
}


@pytest.mark.thorough
@pytest.mark.parametrize("size", SIZES)
def test_measuring_and_dialogs_fit_and_are_right_by_axe(visitor: Visitor, coffee: str, size: str) -> None:
    visit = visitor(**SIZES[size])
    visit.open(coffee)
    visit.find("#measure").click()
    visit.find("#canvas").focus()
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Shift+ArrowRight")
    visit.page.keyboard.press("Enter")
    expect(visit.find("#measure-label")).to_be_visible()
    assert complaints(visit) == [] and visit.fits()
    visit.shot(f"{size} 4 measuring")
    for button, dialog in (("#save-view", "#saving"), ("#show-large", "#large")):
        visit.find(button).click()
        expect(visit.find(dialog)).to_be_visible()
        box, window = visit.find(dialog).bounding_box(), visit.page.viewport_size
        assert box and window and box["width"] <= window["width"] and box["height"] <= window["height"]
        assert complaints(visit) == [] and visit.fits()
        visit.shot(f"{size} 5 {dialog[1:]}")
        visit.page.keyboard.press("Escape")
        expect(visit.find(button)).to_be_focused()


@pytest.mark.parametrize(
    "names", [("desktop", "dark phone"), pytest.param(("dark", "phone"), marks=pytest.mark.thorough)], ids=" ".join
)
def test_nothing_is_wrong_with_the_page_that_asks_for_the_token(
    visitor: Visitor, tmp_path: Path, names: tuple[str, ...]
) -> None:
    with serving(tmp_path, "--token", "correcthorse42battery") as guarded:
        for name in names:
            visit = visitor(guarded.address, **SCREENS[name])
            visit.expected = ("401",)
            visit.page.goto(guarded.address)
            assert complaints(visit) == [] and visit.fits()
            visit.page.get_by_label("Token").fill("wrong")
            visit.page.keyboard.press("Enter")
            expect(visit.page.get_by_role("alert")).to_be_visible()
            assert complaints(visit) == [] and visit.fits()
            visit.shot(f"{name} 0 sign-in")


@pytest.mark.parametrize(
    "screen",
    [
        NARROWEST,
        *(
            pytest.param(one, marks=pytest.mark.thorough)
            for one in (PHONE, {"viewport": {"width": 812, "height": 375}})
        ),
    ],
)
def test_nothing_is_scrolled_sideways(visitor: Visitor, coffee: str, screen: dict[str, Any]) -> None:
    visit = visitor(**screen)
    visit.open()
    for group in visit.find("#groups summary").all():
        group.click()
    assert visit.fits()
    visit.sample("china")
    visit.find("[value=fast]").check()
    visit.generate()
    assert visit.fits()
    visit.wait_for_model()
    for group in visit.find("#shape summary").all():
        group.click()
    assert visit.fits()


def test_on_a_phone_the_model_stays_in_sight_while_it_is_shaped(visitor: Visitor, coffee: str) -> None:
    # As large as the picture of the documents.
    visit = visitor(**PHONE | {"device_scale_factor": 2})
    visit.open(coffee)
    slider = visit.find("#shape [data-name=tear] input[type=range]")
    slider.scroll_into_view_if_needed()
    visit.page.wait_for_timeout(300)
    view, box = visit.find("#canvas").bounding_box(), slider.bounding_box()
    assert view and box and 0 <= view["y"] < 60 and view["y"] + view["height"] <= box["y"] + 1
    visit.shot("phone shaping")


def test_all_is_done_by_keys_alone(visit: Visit) -> None:
    visit.open()
    visit.page.keyboard.press("Tab")
    expect(visit.find(".skip")).to_be_focused()
    visit.page.keyboard.press("Enter")
    press_until(visit, "[data-sample=coffee]")
    visit.page.keyboard.press("Enter")
    press_until(visit, "[value=balanced]")
    visit.page.keyboard.press("ArrowLeft")
    assert visit.find("[value=fast]").is_checked() and visit.find("#form-detail").input_value() == "512"
    press_until(visit, "#form [data-group=Shape] > summary")
    visit.page.keyboard.press("Space")
    press_until(visit, "#form-near")
    visit.page.keyboard.press("ControlOrMeta+a")
    visit.page.keyboard.type("0.7")
    visit.page.keyboard.press("Enter")
    expect(visit.find("#working-title")).to_be_focused()
    visit.wait_for_model()
    expect(visit.find("#result-title")).to_be_focused()
    assert visit.find("#shape-near").input_value() == "0.7"
    press_until(visit, "#canvas")
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("c")
    assert visit.find("#through").get_attribute("aria-pressed") == "true"
    press_until(visit, "#wireframe")
    visit.page.keyboard.press("Space")
    assert visit.find("#wireframe").get_attribute("aria-pressed") == "true"
    press_until(visit, "a[data-format=stl]")
    with visit.page.expect_download(timeout=60_000) as waiting:
        visit.page.keyboard.press("Enter")
    assert waiting.value.suggested_filename.endswith(".stl")
    press_until(visit, "#new-photo", "Shift+Tab")
    visit.page.keyboard.press("Enter")
    expect(visit.find("#choose-file")).to_be_focused()


def test_the_focus_is_seen(visit: Visit) -> None:
    visit.open()
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        width = visit.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 2, visit.page.evaluate("document.activeElement.outerHTML")


def test_a_screen_reader_hears_what_happens(visit: Visit) -> None:
    visit.open()
    visit.page.evaluate(
        """() => {
          window.heard = [];
          const place = document.getElementById("announcement");
          new MutationObserver(() => window.heard.push(place.textContent)).observe(place, { childList: true });
        }"""
    )
    visit.sample("coffee")
    visit.generate()
    visit.wait_for_model()
    heard = visit.page.evaluate("window.heard")
    assert "is chosen" in heard[0] and heard[-1] == "The mesh is ready."
    assert 3 <= len(heard) < 15, "stages, and not each percent"
    label = visit.find("#canvas").get_attribute("aria-label") or ""
    assert "vertices" in label


def test_every_setting_has_label_help_unit_and_bounds(visit: Visit) -> None:
    visit.open()
    description = visit.page.evaluate("fetch('api/settings').then(answer => answer.json())")
    specs = [spec for group in description["groups"] for spec in group["fields"]]
    assert len(specs) > 35
    assert visit.find("#form-model > legend").inner_text() == "Model"
    for spec in (spec for spec in specs if spec["name"] != "model"):
        control = visit.find(f"#form-{spec['name']}")
        assert spec["label"] in (visit.find(f"label[for=form-{spec['name']}]").text_content() or "")
        described = (control.get_attribute("aria-describedby") or "").split()[0]
        words = visit.find(f"#{described}").text_content() or ""
        assert spec["help"] in words
        if spec["kind"] in ("int", "float"):
            assert float(control.get_attribute("min") or "nan") == spec["minimum"]
            assert float(control.get_attribute("max") or "nan") == spec["maximum"]
            assert not spec["unit"] or spec["unit"] in words


@pytest.fixture
def moving(visitor: Visitor) -> Iterator[Visit]:
    yield visitor(reduced_motion="no-preference")


@pytest.mark.thorough
def test_the_view_swings_only_for_those_who_like_motion(moving: Visit, visit: Visit, coffee: str) -> None:
    record = """
    window.places = new Set();
    const look = () => {
      const canvas = document.getElementById("canvas");
      if (document.getElementById("viewer")?.dataset.revision) window.places.add(canvas.toDataURL());
      if (performance.now() < 60000) requestAnimationFrame(look);
    };
    addEventListener("DOMContentLoaded", look);
    """
    for one in (moving, visit):
        # Only then can a picture of the canvas be had after it is drawn.
        one.page.add_init_script(
            "const get = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, more) {"
            " return get.call(this, kind, { ...more, preserveDrawingBuffer: true }); };" + record
        )
        one.open(coffee)
    assert moving.page.evaluate("window.places.size") > visit.page.evaluate("window.places.size")


def test_the_form_marks_changes_and_resets_them(visit: Visit) -> None:
    visit.open()
    visit.find("#form [data-group=Shape] > summary").click()
    visit.find("#form-detail").fill("700")
    expect(visit.find("#form [data-name=detail] .changed")).to_be_visible()
    expect(visit.find("#form [data-group=Shape] > summary .changed")).to_have_text("1 changed")
    assert visit.find("#presets :checked").count() == 0
    visit.find("#form [data-name=detail]").get_by_role("button", name="Reset Detail to 1,024 px").click()
    assert visit.find("[value=balanced]").is_checked()
    expect(visit.find("#form [data-group=Shape] > summary .changed")).to_be_hidden()


def test_a_preset_changes_detail_and_effort_only(visit: Visit) -> None:
    visit.open()
    visit.find("#form [data-group=Shape] > summary").click()
    visit.find("#form-near").fill("0.7")
    visit.find("[value=best]").check()
    assert visit.find("#form-detail").input_value() == "1920" and visit.find("#form-near").input_value() == "0.7"
    visit.find("[value=balanced]").check()
    assert visit.find("#form-detail").input_value() == "1024" and visit.find("#form-near").input_value() == "0.7"
    expect(visit.find("#preset-best")).to_have_text("Detail 1,920 px, Fine detail on")
    expect(visit.find("#preset-balanced")).to_have_text("Detail 1,024 px")


def test_fields_of_a_surface_are_shown_with_that_surface_only(visit: Visit) -> None:
    visit.open()
    visit.find("#form [data-group=Shape] > summary").click()
    expect(visit.find("#form-poisson_depth")).to_be_hidden()
    expect(visit.find("#form-tear")).to_be_visible()
    visit.find("#form-surface").select_option("poisson")
    expect(visit.find("#form-poisson_depth")).to_be_visible()
    visit.find("#form-edges").select_option("connected")
    expect(visit.find("#form-tear")).to_be_hidden()


def test_advanced_settings_are_folded_below_the_basic_ones(visit: Visit) -> None:
    visit.open()
    description = visit.page.evaluate("fetch('api/settings').then(answer => answer.json())")
    quality = next(group["fields"] for group in description["groups"] if group["name"] == "Quality")
    visit.find("#form [data-group=Quality] > summary").click()
    for spec in quality:
        shown = expect(visit.find(f"#form-{spec['name']}"))
        shown.to_be_visible() if spec["level"] == "basic" else shown.to_be_hidden()
    visit.find("#form [data-group=Quality] .more > summary").click()
    for spec in quality:
        expect(visit.find(f"#form-{spec['name']}")).to_be_visible()
    visit.find("#form-network_size").fill("384")
    for summary in ("> summary", ".more > summary"):
        expect(visit.find(f"#form [data-group=Quality] {summary} .changed")).to_have_text("1 changed")
    visit.shot("more settings")


def test_a_wrong_number_is_shown_when_its_group_is_folded(visit: Visit) -> None:
    visit.open()
    visit.sample("coffee")
    visit.find("#form [data-group=Shape] > summary").click()
    visit.find("#form-near").fill("-1")
    visit.find("#form [data-group=Shape] > summary").click()
    visit.find("#generate").click()
    expect(visit.find("#form-near")).to_be_focused()
    expect(visit.find("#form-near-wrong")).to_have_text("Near: enter a number from 0 to 100,000 m.")
    visit.find("#form-near").fill("1")
    visit.find("#form [data-group=Quality] > summary").click()
    visit.find("#form [data-group=Quality] .more > summary").click()
    visit.find("#form-network_size").fill("9000")
    visit.find("#form [data-group=Quality] .more > summary").click()
    visit.find("#form [data-group=Quality] > summary").click()
    visit.find("#generate").click()
    expect(visit.find("#form-network_size")).to_be_focused()
    assert not [one for one in visit.requests if one.method == "POST"]
