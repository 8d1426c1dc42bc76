# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring between two points of the model, and the model as points."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visit import PHONE, Visit, Visitor, difference
from tests.web.web_server import COFFEE, WebServer

PLACES = ((0.45, 0.45), (0.62, 0.7))
"""Shares of the view's width and height; through the camera both are on the cup and its table."""


def pixel_at(visit: Visit, site: WebServer, job: str, place: tuple[float, float]) -> tuple[float, float]:
    """Returns the place in pixels of the photo that is seen at a place of the view through the photo's camera."""
    box, camera = visit.find("#canvas").bounding_box(), site.status(job)["result"]["camera"]
    assert box is not None
    scale = min(box["width"] / camera["width"], box["height"] / camera["height"])
    middle = camera["width"] / 2, camera["height"] / 2
    sizes = box["width"], box["height"]
    x, y = (mid + (share - 0.5) * size / scale for mid, share, size in zip(middle, place, sizes, strict=True))
    return x, y


def truth(visit: Visit, site: WebServer, job: str) -> float:
    """Returns the distance between the points at PLACES by the depth map of the downloads, metres."""
    depth = np.load(io.BytesIO(site.get(f"/api/jobs/{job}/files/npy").body))
    camera = site.status(job)["result"]["camera"]
    points = []
    for place in PLACES:
        x, y = pixel_at(visit, site, job, place)
        row, column = int(y * depth.shape[0] / camera["height"]), int(x * depth.shape[1] / camera["width"])
        z = float(depth[row, column])
        points.append(np.array([(x - camera["cx"]) / camera["fx"] * z, (y - camera["cy"]) / camera["fy"] * z, z]))
    return float(np.linalg.norm(points[0] - points[1]))


def click(visit: Visit, place: tuple[float, float], touch: bool = False) -> None:
    box = visit.find("#canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]
    (visit.page.touchscreen.tap if touch else visit.page.mouse.click)(x, y)


def told(visit: Visit) -> float:
    """Returns the metres in the label of the measurement."""
    found = re.match(r"([\d.,]+) m", visit.find("#measure-label").inner_text())
    assert found, visit.find("#measure-label").inner_text()
    return float(found[1].replace(",", ""))


def test_two_clicks_measure_and_escape_clears(visitor: Visitor, site: WebServer, coffee: str) -> None:
    visit = visitor(viewport={"width": 1000, "height": 640})
    visit.open(coffee)
    visit.find("#through").click()
    visit.find("#measure").click()
    for place in PLACES:
        click(visit, place)
    assert told(visit) == pytest.approx(truth(visit, site, coffee), rel=0.02)
    # The distances are those that were set.
    expect(visit.find("#measure-note")).to_have_text(re.compile(r"^Distance: [\d.]+ m$"))
    visit.shot("measuring")
    visit.page.keyboard.press("Escape")
    expect(visit.find("#measure-label")).to_be_hidden()
    # Whoever uses keys sees a cross in the middle.
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Shift+Tab")
    cross = visit.find("#viewer").evaluate(
        "one => (({ content, visibility, width }) => [content, visibility, width])(getComputedStyle(one, '::after'))"
    )
    assert cross == ['""', "visible", "24px"]
    visit.page.keyboard.press("Enter")
    for _ in range(2):
        visit.page.keyboard.press("Shift+ArrowRight")
    visit.page.keyboard.press("Enter")
    assert 0.01 < told(visit) < 10
    for _ in range(2):
        visit.page.keyboard.press("Escape")
    expect(visit.find("#measure")).to_have_attribute("aria-pressed", "false")


@pytest.mark.thorough
def test_a_measurement_stays_at_its_places_when_the_mesh_changes(visitor: Visitor, site: WebServer) -> None:
    """By taps on a phone, between distances that are estimated; the next mesh is deeper."""
    job = site.done(COFFEE.read_bytes(), {"detail": 300, "edges": "connected"})
    visit = visitor(**PHONE)
    visit.open(job)
    visit.find("#through").click()
    visit.find("#measure").click()
    for place in PLACES:
        click(visit, place, touch=True)
    expect(visit.find("#measure-label")).to_have_text(re.compile(r"^[\d.]+ m \((rough|estimated)\)$"))
    before = told(visit)
    assert before == pytest.approx(truth(visit, site, job), rel=0.02)
    visit.shot("measuring on a phone")
    visit.find("#shape-far").fill("9")
    visit.wait_for(lambda: site.status(job)["state"] == "done" and not site.status(job)["is_draft"])
    visit.wait_for(lambda: site.status(job)["revision"] == visit.revision > 1)
    # The files of the complete mesh follow those of the draft.
    visit.wait_for(lambda: told(visit) == pytest.approx(truth(visit, site, job), rel=0.02))
    assert told(visit) > 1.05 * before
    visit.find("#canvas").press("m")
    expect(visit.find("#measure-label")).to_be_hidden()
    # Where the photo's border was there is nothing.
    visit.find("#measure").click()
    click(visit, (0.5, 0.02), touch=True)
    expect(visit.find("#measure-note")).to_contain_text("There is nothing at this place")


@pytest.mark.thorough
def test_inside_a_panorama_points_are_found_again(visit: Visit, site: WebServer) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 8, 3)).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).resize((640, 320), Image.Resampling.BICUBIC).save(data, "PNG")
    job = site.done(data.getvalue(), {"detail": 256, "projection": "equirectangular"})
    visit.open(job)
    visit.find("#measure").click()
    for place in PLACES:
        click(visit, place)
    before = told(visit)
    visit.find("#shape-detail").fill("200")
    visit.wait_for(lambda: site.status(job)["revision"] == visit.revision > 1)
    visit.wait_for(
        lambda: not site.status(job)["is_draft"] and "draft" not in visit.find("#measure-label").inner_text()
    )
    assert told(visit) == pytest.approx(before, rel=0.05)


@pytest.mark.thorough
def test_points_have_the_photo_s_colours(visitor: Visitor, coffee: str) -> None:
    visit = visitor(device_scale_factor=1)
    visit.open(coffee)
    surface = visit.seen()
    visit.find("#canvas").press("p")
    points = visit.seen()
    assert 0.005 < difference(points, surface) < 0.2
    visit.shot("points")
    visit.find("#texture").click()
    plain = visit.seen()
    assert np.ptp(plain, axis=2).max() < 0.25 < np.ptp(points, axis=2).max()
    # As large as their footprint: from nearer they do not fall apart.
    visit.find("#texture").click()
    background = points[10, 10]
    shares = []
    for _ in range(2):
        middle = visit.seen()[150:-150, 300:-300]
        shares.append(float((np.abs(middle - background).max(axis=2) < 0.02).mean()))
        visit.find("#canvas").focus()
        for _ in range(4):
            visit.page.keyboard.press("+")
    assert shares[1] < shares[0] + 0.1, shares
    visit.find("#wireframe").click()
    expect(visit.find("#points")).to_have_attribute("aria-pressed", "false")
