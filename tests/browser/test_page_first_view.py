# SPDX-License-Identifier: GPL-3.0-or-later
"""The first look at a model: the photo at once, a draft, the model; it sways, and stays where it looks good."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from mono3d_addon.export import meshopt
from tests.browser.test_page_viewer import drag
from tests.browser.visit import PATIENCE, PHONE, Visit, Visitor, correlation, difference, made
from tests.web.web_server import WebServer

SIDEWAYS_PHONE = {**PHONE, "viewport": {"width": 812, "height": 375}}

_RECORD = """
window.seen = [];
const note = () => {
  const viewer = document.getElementById("viewer");
  const state = [
    document.getElementById("poster").hidden || !document.getElementById("poster").src ? "" : "photo",
    viewer.dataset.detail ?? "",
    document.getElementById("viewer-note").hidden ? "" : document.getElementById("viewer-note").textContent,
  ].join("|");
  if (window.seen.at(-1) !== state) window.seen.push(state);
};
addEventListener("DOMContentLoaded", () => {
  const options = { attributes: true, childList: true, subtree: true, characterData: true };
  new MutationObserver(note).observe(document.getElementById("viewer"), options);
});
"""

_DECODE = """
async ([text, count, size, mode, filter]) => {
  const { MeshoptDecoder } = await import("/static/vendor/three/three.js");
  await MeshoptDecoder.ready;
  const source = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const target = new Uint8Array(count * size);
  MeshoptDecoder.decodeGltfBuffer(target, count, size, source, mode, filter);
  let found = "";
  for (const byte of target) found += String.fromCharCode(byte);
  return btoa(found);
}
"""


@pytest.fixture(scope="module")
def detailed(site: WebServer) -> str:
    """A finished job whose mesh is large enough for a draft."""
    return made(site, {"detail": 600})


def decoded(visit: Visit, data: bytes, count: int, size: int, mode: str, filter: str | None = None) -> bytes:
    text = base64.b64encode(data).decode()
    return base64.b64decode(visit.page.evaluate(_DECODE, [text, count, size, mode, filter]))


def test_the_decoder_of_the_page_reads_what_is_encoded(visit: Visit) -> None:
    visit.open()
    random = np.random.default_rng(1)
    for count, stride in ((1, 4), (15, 12), (16, 8), (17, 4), (256, 12), (700, 12), (9000, 4)):
        rows = np.cumsum(random.integers(-3, 4, (count, stride)), axis=0).astype(np.uint8)
        assert decoded(visit, meshopt.attributes(rows), count, stride, "ATTRIBUTES") == rows.tobytes()
    for size, most in ((4, 30_000_000), (2, 65_535), (4, 40)):
        corners = random.integers(0, most, (500, 3)).astype(np.int32)
        found = decoded(visit, meshopt.indices(corners), corners.size, size, "INDICES")
        np.testing.assert_array_equal(np.frombuffer(found, f"<u{size}").reshape(-1, 3), corners)
    points = (random.normal(size=(300, 3)) * 10.0 ** random.uniform(-3, 4, (300, 1))).astype(np.float32)
    packed = np.ascontiguousarray(meshopt.exponential(points, 16)).view(np.uint8)
    found = decoded(visit, meshopt.attributes(packed), 300, 12, "ATTRIBUTES", "EXPONENTIAL")
    places = np.frombuffer(found, "<f4").reshape(-1, 3)
    assert (np.abs(places - points).max(axis=1) <= np.abs(points).max(axis=1) * 2.0**-16).all()


def test_the_photo_is_seen_first_then_a_draft_then_the_model(visitor: Visitor, detailed: str) -> None:
    visit = visitor()
    visit.page.add_init_script(_RECORD)
    line = visit.page.context.new_cdp_session(visit.page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 40, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    line.send("Network.emulateNetworkConditions", slow)
    visit.open(detailed)
    seen = visit.page.evaluate("window.seen")
    order = [next(place for place, one in enumerate(seen) if word in one) for word in ("photo|", "|draft|", "|whole|")]
    assert order == sorted(order)
    assert any(re.fullmatch(r"\|draft\|Loading the complete mesh … \d+ % of [\d.]+ [kM]B", one) for one in seen), seen
    assert not any(one.startswith("photo|draft") for one in seen), "the model replaces the photo"
    views = [one.url for one in visit.requests if "/view?" in one.url]
    assert len(views) == 2 and "draft=1" in views[0] and "draft" not in views[1]


def test_the_draft_looks_like_the_model(visit: Visit, detailed: str) -> None:
    visit.page.route(f"**/{detailed}/view?revision=1", lambda route: None)
    visit.page.goto(f"{visit.address}/#job={detailed}")
    visit.page.wait_for_selector("#viewer[data-detail=draft]", timeout=PATIENCE)
    draft = visit.seen()
    visit.page.unroute(f"**/{detailed}/view?revision=1")
    visit.open()
    visit.open(detailed)
    model = visit.seen()
    # A note is shown over the draft, at the upper left.
    assert correlation(draft[60:], model[60:]) > 0.95


def test_the_texture_is_as_large_as_the_screen_shows_it(visitor: Visitor, site: WebServer) -> None:
    from tests.web.web_server import png

    id = site.done(png(2600, 1700), {"detail": 128})
    visit = visitor(viewport={"width": 700, "height": 700}, device_scale_factor=1)
    visit.open(id)

    def sides() -> list[str]:
        return [one.url.split("side=")[1] for one in visit.requests if "/photo?side=" in one.url]

    visit.wait_for(lambda: "640" in sides())
    assert "4096" not in sides()
    visit.find("#canvas").focus()
    for _ in range(12):
        visit.page.keyboard.press("+")
    visit.wait_for(lambda: "4096" in sides())


_CLOCK = """
let time = 0;
performance.now = () => time;
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => request(() => act((time += %d)));
"""
"""A clock by which a device draws each frame in so many milliseconds, however busy this machine is."""


def test_it_sways_until_it_is_touched(visitor: Visitor, own_coffee: str) -> None:
    # Every picture of the view is drawn without a graphics card: a small window takes two thirds of the time.
    visit = visitor(viewport={"width": 1000, "height": 560}, reduced_motion="no-preference")
    visit.page.add_init_script(_CLOCK % 50)
    visit.page.goto(f"{visit.address}/#job={own_coffee}")
    sway = visit.find("#sway")
    expect(sway).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    expect(visit.find("#viewer[data-detail=whole]")).to_be_visible(timeout=PATIENCE)
    before = visit.find("#canvas").screenshot()
    visit.wait_for(lambda: visit.find("#canvas").screenshot() != before)
    visit.find("#canvas").click()
    expect(sway).to_have_attribute("aria-pressed", "false")
    visit.rest()
    sway.click()
    expect(sway).to_have_attribute("aria-pressed", "true")
    visit.find("#shape [data-name=tear] input[type=range]").focus()
    visit.page.keyboard.press("ArrowRight")
    expect(sway).to_have_attribute("aria-pressed", "false")


def test_on_a_slow_device_it_stops_swaying(visitor: Visitor, coffee: str) -> None:
    visit = visitor(reduced_motion="no-preference")
    visit.page.add_init_script(_CLOCK % 500)
    visit.page.goto(f"{visit.address}/#job={coffee}")
    visit.page.wait_for_selector("#viewer[data-detail=whole]", timeout=PATIENCE)
    visit.rest()
    expect(visit.find("#sway")).to_have_attribute("aria-pressed", "false")


def test_it_stands_still_for_those_who_do_not_like_motion(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    expect(visit.find("#sway")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("motion", [pytest.param("reduce", marks=pytest.mark.thorough), "no-preference"])
def test_beyond_what_looks_good_the_view_comes_back(visitor: Visitor, coffee: str, motion: str) -> None:
    visit = visitor(reduced_motion=motion)
    visit.page.goto(f"{visit.address}/#job={coffee}")
    visit.page.wait_for_selector("#viewer[data-detail=whole]", timeout=PATIENCE)
    drag(visit, 2, 0)
    ends = []
    for right in (500, 900):
        drag(visit, right, 0)
        ends.append(visit.seen())
    assert difference(*ends) < 0.002, "both ends are the limit"
    visit.find("#free").click()
    expect(visit.find("#free")).to_have_attribute("aria-pressed", "true")
    drag(visit, 300, 0)
    beyond = visit.seen()
    assert difference(beyond, ends[0]) > 0.02
    visit.find("#canvas").focus()
    visit.page.keyboard.press("o")
    assert difference(visit.seen(), beyond) > 0.02, "and back"


def edges_of(picture: np.ndarray) -> float:
    """Returns how much neighbouring pixels differ."""
    grey = picture.mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


@pytest.mark.thorough
def test_wires_are_told_apart_at_any_detail(visitor: Visitor, site: WebServer, coffee: str) -> None:
    """At 800 samples a triangle is smaller than a pixel, and all its edges together would be a plain surface."""
    visit = visitor()
    found = {}
    for name, job in (("coarse", coffee), ("fine", made(site, {"detail": 800}))):
        visit.open(job)
        visit.find("#texture").click()
        plain = edges_of(visit.seen())
        visit.find("#wireframe").click()
        wired = visit.seen()
        found[name] = edges_of(wired) / plain
        visit.shot(f"wireframe {name}")
        visit.find("#wireframe").click()
        visit.find("#texture").click()
    assert min(found.values()) > 2.0, found


def test_without_webgl_pictures_of_the_model_are_shown(visitor: Visitor, coffee: str) -> None:
    visit = visitor(reduced_motion="no-preference")
    visit.expected = ("WebGL",)
    visit.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    visit.page.goto(f"{visit.address}/#job={coffee}")
    still = visit.find("#still")
    expect(still).to_be_visible(timeout=PATIENCE)
    expect(visit.find("#viewer-failure")).to_contain_text("cannot show 3D")
    visit.wait_for(lambda: [one for one in visit.requests if one.url.endswith("/files/turntable")])
    size = "image => image.decode().then(() => image.naturalWidth)"
    visit.wait_for(lambda: still.evaluate(size) == 480)
    visit.shot("without webgl")
    expect(visit.find("#toolbar")).to_be_hidden()
    expect(visit.find("#result-depth")).to_have_attribute("src", re.compile("depth"))
    expect(visit.find("[data-format=glb]")).to_be_visible()
    expect(visit.find("#facts")).to_contain_text("vertices")


@pytest.mark.parametrize(
    "screen",
    [pytest.param(PHONE, id="upright", marks=pytest.mark.thorough), pytest.param(SIDEWAYS_PHONE, id="on its side")],
)
def test_on_a_phone_model_and_downloads_are_within_reach(visitor: Visitor, coffee: str, screen: dict[str, Any]) -> None:
    visit = visitor(**screen)
    visit.open(coffee)
    height, width = screen["viewport"]["height"], screen["viewport"]["width"]
    for name in ("#canvas", "#download-first", "#to-downloads"):
        box = visit.find(name).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= height, name
    view = visit.find("#canvas").bounding_box()
    assert view and view["width"] * view["height"] > 0.25 * width * height
    visit.shot(f"phone {'upright' if height > width else 'on its side'}")
    if width > height:
        slider = visit.find("#shape [data-name=near] input[type=range]").bounding_box()
        assert slider and slider["x"] > view["x"] + view["width"], "sliders beside the view"
        last = visit.find("#shape [data-name=solid]")
        last.scroll_into_view_if_needed()
        view = visit.find("#canvas").bounding_box()
        assert view and view["y"] >= 0 and view["y"] + view["height"] <= height, "the view stays"
    assert visit.fits()
    visit.find("#to-downloads").click()
    expect(visit.find("#downloads-title")).to_be_focused()
    expect(visit.find("a[data-format=glb]")).to_be_in_viewport()


@pytest.mark.thorough
def test_the_first_download_is_the_glb(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    with visit.page.expect_download(timeout=60_000) as waiting:
        visit.find("#download-first").click()
    assert waiting.value.suggested_filename == "coffee.glb"
