# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders re-mesh from the kept disparity: a draft at once, the whole mesh when the hand rests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.visit import Visit, Visitor, difference, made
from tests.web.web_server import WebServer


def field(visit: Visit, name: str) -> Locator:
    return visit.find(f"#shape [data-name={name}]")


def slide(visit: Visit, name: str, steps: int) -> None:
    """Moves a slider by its own keys."""
    slider = field(visit, name).locator("input[type=range]")
    slider.focus()
    for _ in range(abs(steps)):
        visit.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")


def shapes(visit: Visit) -> list[dict[str, Any]]:
    """Returns what the page asked the server to shape."""
    sent = [one for one in visit.requests if one.method == "POST" and one.url.endswith("/shape")]
    return [json.loads(one.post_data or "") for one in sent]


def settled(visit: Visit, site: WebServer, job: str) -> dict[str, Any]:
    """Returns the status once the whole mesh is made and seen."""

    def is_settled() -> bool:
        status = site.status(job)
        asked = shapes(visit)
        return bool(
            asked
            and not asked[-1]["draft"]
            and status["state"] == "done"
            and not status["is_draft"]
            and status["revision"] == visit.revision
        )

    # Longer than the pause after which the whole mesh is asked for.
    visit.page.wait_for_timeout(700)
    visit.wait_for(is_settled)
    return site.status(job)


def test_a_slider_changes_the_mesh_without_the_network(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    before, picture = site.status(own_coffee), visit.seen()
    slide(visit, "far", 25)
    after = settled(visit, site, own_coffee)
    asked = shapes(visit)
    assert asked[0]["draft"] is True and asked[-1]["draft"] is False
    far = asked[-1]["settings"]["far"]
    assert far > 8.0 and after["result"]["settings"]["far"] == far
    assert difference(visit.seen(), picture) > 0.005
    assert after["revision"] > before["revision"]
    stages = [name.lower() for name in after["result"]["seconds"]]
    assert not any("depth" in name for name in stages), stages
    expect(visit.find("#shape-failure")).to_be_hidden()


def test_a_single_step_shows_a_draft_before_the_whole_mesh(visit: Visit, site: WebServer) -> None:
    job = made(site, {"detail": 900})
    visit.open(job)
    slide(visit, "near", 1)
    settled(visit, site, job)
    assert [one["draft"] for one in shapes(visit)] == [True, False]
    views = [one.url.split("view?")[1] for one in visit.requests if f"{job}/view?" in one.url]
    assert views == ["revision=1&draft=1", "revision=1", "revision=2", "revision=3"]


@pytest.mark.thorough
def test_sliders_reach_distances_far_from_the_defaults(visit: Visit) -> None:
    visit.open()
    visit.sample("china")
    visit.find("[value=fast]").check()
    visit.generate()
    visit.wait_for_model()
    for name, metres in (("near", "30"), ("far", "120")):
        assert field(visit, name).locator("input[type=number]").input_value() == metres
        slider = field(visit, name).locator("input[type=range]")
        assert 20 < int(slider.input_value()) < 220 and slider.get_attribute("aria-valuetext") == f"{metres} m"
    slide(visit, "near", 1)
    number = float(field(visit, "near").locator("input[type=number]").input_value())
    assert 30.0 < number < 32.0, "one step is a small one"


@pytest.mark.thorough
def test_detail_changes_the_number_of_vertices(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    before = visit.vertices()
    field(visit, "detail").locator("input[type=number]").fill("150")
    after = settled(visit, site, own_coffee)
    assert visit.vertices() == after["result"]["counts"]["vertices"] < before / 3
    expect(visit.find("#shape-state")).to_contain_text("vertices")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("edges", "connected"),
        pytest.param("surface", "adaptive", marks=pytest.mark.thorough),
        pytest.param("surface", "poisson", marks=pytest.mark.thorough),
        pytest.param("solid", "flat", marks=pytest.mark.thorough),
    ],
)
def test_choices_change_the_mesh(visit: Visit, own_coffee: str, site: WebServer, name: str, value: str) -> None:
    visit.open(own_coffee)
    before = site.status(own_coffee)["result"]["counts"]
    if not field(visit, name).is_visible():
        visit.find("#shape [data-group=Surface] > summary").click()
    field(visit, name).locator("select").select_option(value)
    after = settled(visit, site, own_coffee)
    assert after["result"]["settings"][name] == value and after["result"]["counts"] != before


def test_the_mesh_before_stays_in_sight_and_the_last_value_wins(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    visit.page.evaluate(
        """() => {
          window.empty = 0;
          const look = () => {
            if (document.getElementById("studio").hidden || !document.getElementById("viewer").dataset.revision)
              window.empty += 1;
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    for steps in (10, -20, 30, -12):
        slide(visit, "near", steps)
    after = settled(visit, site, own_coffee)
    number = float(field(visit, "near").locator("input[type=number]").input_value())
    assert after["result"]["settings"]["near"] == pytest.approx(number)
    assert visit.page.evaluate("window.empty") == 0
    # Drafts wait for each other, so that there are far fewer than steps.
    assert sum(one["draft"] for one in shapes(visit)) < 40


def test_sliders_go_on_from_automatic_distances(visit: Visit, site: WebServer) -> None:
    job = made(site, {"detail": 300, "near": 0.0, "far": 0.0})
    visit.open(job)
    numbers = {name: field(visit, name).locator("input[type=number]") for name in ("near", "far")}
    found = site.status(job)["result"]["distances"]
    for name, number in numbers.items():
        assert float(number.input_value()) == pytest.approx(found[name]["metres"], rel=0.01)
        expect(field(visit, name).locator(".changed")).to_be_hidden()
    expect(visit.find("#notes")).to_contain_text("Distances: ")
    far = float(numbers["far"].input_value())
    slide(visit, "near", -10)
    after = settled(visit, site, job)["result"]
    near = float(numbers["near"].input_value())
    assert after["settings"]["near"] == near < found["near"]["metres"]
    assert after["settings"]["far"] == far == float(numbers["far"].input_value()), "far stays where it was"
    for name, words in (("near", "changed"), ("far", "kept")):
        expect(field(visit, name).locator(".changed")).to_have_text(words)
    field(visit, "near").get_by_role("button", name="Reset Near to automatic").click()
    assert settled(visit, site, job)["result"]["distances"] == found
    assert float(numbers["near"].input_value()) == pytest.approx(found["near"]["metres"], rel=0.01)


def test_what_cannot_be_is_told_beside_the_sliders_and_mended(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.expected = ("422",)
    visit.open(own_coffee)
    picture = visit.seen()
    field(visit, "near").locator("input[type=number]").fill("50")
    failure = visit.find("#shape-failure")
    expect(failure).to_have_text("Far (6 m) must be larger than near (50 m).")
    assert difference(visit.seen(), picture) < 0.001
    field(visit, "near").locator("input[type=number]").fill("1")
    expect(failure).to_be_hidden()
    settled(visit, site, own_coffee)
    assert difference(visit.seen(), picture) < 0.002


@pytest.mark.thorough
def test_an_empty_mesh_is_told_and_the_earlier_one_stays(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    visit.find("#shape [data-group=Surface] > summary").click()
    before = site.status(own_coffee)
    field(visit, "trim").locator("input[type=number]").fill("100")
    field(visit, "min_island").locator("input[type=number]").fill("50")
    expect(visit.find("#shape-failure")).to_contain_text("empty mesh", timeout=20_000)
    visit.page.wait_for_timeout(1000)
    after = site.status(own_coffee)
    assert after["state"] == "done" and after["result"]["counts"] == before["result"]["counts"]
    # What the user chose stays where it can be changed.
    assert field(visit, "trim").locator("input[type=number]").input_value() == "100"


def test_a_number_out_of_bounds_is_told_and_not_sent(visit: Visit, own_coffee: str) -> None:
    visit.open(own_coffee)
    number = field(visit, "detail").locator("input[type=number]")
    number.fill("100.5")
    sentence = "Detail: enter a whole number from 16 to 2,048 px."
    expect(field(visit, "detail").locator(".wrong")).to_have_text(sentence)
    expect(number).to_have_attribute("aria-invalid", "true")
    visit.page.wait_for_timeout(800)
    assert shapes(visit) == []
    number.fill("200")
    expect(field(visit, "detail").locator(".wrong")).to_be_hidden()


@pytest.mark.thorough
def test_the_field_of_view_shows_the_photos_own(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    number = field(visit, "field_of_view").locator("input[type=number]")
    guessed = float(number.input_value())
    assert 40.0 < guessed < 70.0
    expect(visit.find("#facts")).to_contain_text(f"assumed {guessed:.0f} degrees")
    expect(field(visit, "field_of_view").locator(".changed")).to_be_hidden()
    number.fill("40")
    after = settled(visit, site, own_coffee)
    assert after["result"]["settings"]["field_of_view"] == 40
    expect(visit.find("#facts")).to_contain_text("40.0 degrees")


def test_reset_all_brings_the_defaults(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    slide(visit, "tear", 20)
    settled(visit, site, own_coffee)
    visit.find("#shape-reset").click()
    after = settled(visit, site, own_coffee)
    assert shapes(visit)[-1]["settings"] == {} and after["result"]["settings"]["tear"] == 0.04
    assert visit.find("#shape .changed:visible").count() == 0


def test_a_reload_shows_the_shaped_mesh_and_its_values(visitor: Visitor, own_coffee: str, site: WebServer) -> None:
    visit = visitor()
    visit.open(own_coffee)
    slide(visit, "tear", 20)
    after = settled(visit, site, own_coffee)
    visit.page.reload()
    visit.wait_for_model()
    shown = float(field(visit, "tear").locator("input[type=number]").input_value())
    assert shown == after["result"]["settings"]["tear"]
    expect(field(visit, "tear").locator(".changed")).to_be_visible()


@pytest.mark.thorough
def test_a_download_keeps_the_focus_while_the_mesh_is_shaped(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    visit.page.evaluate(
        """() => {
          window.renewed = 0;
          const list = document.getElementById("downloads");
          new MutationObserver(() => (window.renewed += 1)).observe(list, { childList: true });
        }"""
    )
    slide(visit, "near", 15)
    settled(visit, site, own_coffee)
    assert visit.page.evaluate("window.renewed") == 1


@pytest.mark.parametrize("turns", [0, pytest.param(4, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("is_slow", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_scene_of_another_size_stays_in_view(
    visit: Visit, own_coffee: str, site: WebServer, turns: int, is_slow: bool
) -> None:
    """A quarter of both distances is the same scene, a quarter as large, and so the same picture."""
    visit.open(own_coffee)
    visit.find("#canvas").focus()
    for _ in range(turns):
        visit.page.keyboard.press("ArrowLeft")
    before = visit.seen()
    revision = visit.revision
    field(visit, "near").locator("input[type=number]").fill("0.25")
    if is_slow:
        visit.wait_for(lambda: visit.revision > revision)
    field(visit, "far").locator("input[type=number]").fill("1.5")
    settled(visit, site, own_coffee)
    assert difference(visit.seen(), before) < 0.005
