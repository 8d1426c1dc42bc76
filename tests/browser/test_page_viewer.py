# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D view: mouse, wheel, touch and keys turn it; wires, colours, and the photo's own camera."""

from __future__ import annotations

import io
import re
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visit import PHONE, Picture, Visit, Visitor, as_picture, correlation, difference, made
from tests.web.web_server import WebServer

CHANGED = 0.02
"""Mean difference from which two views of the cup are certainly not the same."""
RIM = 5
"""Pixels at the rim of a view that its frame and round corners may touch."""


def drag(visit: Visit, right: int, down: int, button: str = "left") -> None:
    box = visit.find("#canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visit.page.mouse.move(x, y)
    visit.page.mouse.down(button=button)
    visit.page.mouse.move(x + right, y + down, steps=6)
    visit.page.mouse.up(button=button)


def photo_in(view: Picture, data: bytes) -> tuple[Picture, Picture]:
    """Returns the part of the view where the photo stands, but its rim, and the photo at the size of that part."""
    photo = as_picture(data)
    scale = min(view.shape[1] / photo.shape[1], view.shape[0] / photo.shape[0])
    width, height = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    left, top = (view.shape[1] - width) // 2, (view.shape[0] - height) // 2
    small = Image.fromarray(np.rint(photo * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
    inner = np.s_[RIM:-RIM, RIM:-RIM]
    return view[top : top + height, left : left + width][inner], (np.asarray(small, np.float64) / 255)[inner]


def test_mouse_and_wheel_turn_zoom_and_move(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    views = [visit.seen()]
    for act in (
        lambda: drag(visit, 120, 0),
        lambda: drag(visit, 0, 60),
        lambda: visit.page.mouse.wheel(0, -400),
        lambda: drag(visit, -90, 20, "right"),
    ):
        act()
        views.append(visit.seen())
        assert difference(views[-1], views[-2]) > CHANGED
    visit.find("#beside").click()
    assert difference(visit.seen(), views[0]) < 0.001


def test_keys_turn_zoom_move_and_reset(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    first = visit.seen()
    for key in ("ArrowLeft", "ArrowUp", "+", "Shift+ArrowRight", "w", "t"):
        before = visit.seen()
        visit.find("#canvas").focus()
        for _ in range(1 if key in "wt" else 3):
            visit.page.keyboard.press(key)
        assert difference(visit.seen(), before) > 0.005, key
    visit.find("#canvas").focus()
    for key in ("w", "t", "r"):
        visit.page.keyboard.press(key)
    assert difference(visit.seen(), first) < 0.001
    assert visit.find("#wireframe").get_attribute("aria-pressed") == "false"


@pytest.mark.thorough
def test_arrows_turn_like_the_mouse(visit: Visit, coffee: str) -> None:
    """A key that points to the right brings into view what a drag to the right does."""
    visit.open(coffee)
    drag(visit, 100, 0)
    by_mouse = visit.seen()
    visit.find("#beside").click()
    visit.find("#canvas").focus()
    for _ in range(4):
        visit.page.keyboard.press("ArrowRight")
    right = visit.seen()
    visit.find("#beside").click()
    visit.find("#canvas").focus()
    for _ in range(4):
        visit.page.keyboard.press("ArrowLeft")
    assert difference(right, by_mouse) < difference(visit.seen(), by_mouse)


def test_a_finger_turns_it(visitor: Visitor, coffee: str) -> None:
    visit = visitor(**PHONE)
    visit.open(coffee)
    before = visit.seen()
    box = visit.find("#canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = visit.page.context.new_cdp_session(visit.page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 6):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 15 * step, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert difference(visit.seen(), before) > CHANGED


def test_wires_and_plain_differ_from_the_surface(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    surface = visit.seen()
    visit.find("#texture").click()
    plain = visit.seen()
    visit.find("#wireframe").click()
    wires = visit.seen()
    visit.find("#texture").click()
    coloured_wires = visit.seen()
    assert min(difference(one, surface) for one in (plain, wires, coloured_wires)) > CHANGED / 2
    assert difference(plain, wires) > CHANGED / 2
    # Plain is grey, the photo is not.
    assert np.ptp(plain, axis=2).max() < 0.2 < np.ptp(surface, axis=2).max()


@pytest.mark.parametrize(
    "window",
    [{"width": 1366, "height": 820}, pytest.param({"width": 600, "height": 1000}, marks=pytest.mark.thorough)],
)
@pytest.mark.parametrize(
    "settings",
    [
        {"shift_x": 12.0, "shift_y": -9.0, "field_of_view": 40.0},
        *(pytest.param(one, marks=pytest.mark.thorough) for one in ({}, {"level": True})),
    ],
    ids=str,
)
def test_through_the_camera_it_is_the_photo(
    visitor: Visitor, site: WebServer, window: dict[str, int], settings: dict[str, Any]
) -> None:
    # In one piece, since gaps are not the photo.
    id = made(site, {"detail": 300, "edges": "connected", **settings})
    visit = visitor(viewport=window)
    visit.open(id)
    with urllib.request.urlopen(f"{site.address}/api/jobs/{id}/photo") as response:
        data = response.read()
    aside = correlation(*photo_in(visit.seen(), data))
    visit.find("#through").click()
    assert visit.find("#through").get_attribute("aria-pressed") == "true"
    view, photo = photo_in(visit.seen(), data)
    assert correlation(view, photo) > 0.98 > 0.9 > aside
    for axis in (0, 1):
        for pixels in (-2, 2):
            assert correlation(np.roll(view, pixels, axis), photo) < correlation(view, photo)
    drag(visit, 60, 0)
    assert visit.find("#through").get_attribute("aria-pressed") == "false"


TURN = """
async () => {
  const { beside } = await import("/static/js/framing.js");
  const { Matrix4, PerspectiveCamera, Vector3 } = await import("/static/vendor/three/three.js");
  const points = [];
  for (let depth = 3; depth < 40; depth *= 1.2)
    for (let row = 0; row <= 8; row += 1)
      for (let column = 0; column <= 8; column += 1)
        points.push(new Vector3((column / 8) ** 3 - 0.5, (row / 8 - 0.5) * 0.6, -1).multiplyScalar(depth));
  const lens = { width: 100, height: 60, fx: 100, fy: 100, cx: 50, cy: 30 };
  const { position, target } = beside(points, new Matrix4(), lens, new PerspectiveCamera(33.4, 1 / 0.6));
  return (target.sub(position).angleTo(new Vector3(0, 0, -1)) * 180) / Math.PI;
}
"""


def test_a_deep_scene_is_hardly_turned_though_most_of_it_stands_at_one_side(visit: Visit) -> None:
    visit.open()
    assert 1.0 < visit.page.evaluate(TURN) < 5.0


@pytest.mark.thorough
def test_leaving_the_camera_does_not_jump(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    visit.find("#through").click()
    through = visit.seen()
    visit.find("#canvas").click()
    assert visit.find("#through").get_attribute("aria-pressed") == "false"
    assert difference(visit.seen(), through) < 0.005
    visit.shot("through the camera")


def test_a_mesh_that_fails_to_come_does_not_stop_that_of_the_next_job(
    visit: Visit, coffee: str, own_coffee: str
) -> None:
    held: list[Any] = []
    visit.page.route(f"**/{own_coffee}/view*", lambda route: held.append(route))
    visit.expected = ("500",)
    visit.page.goto(f"{visit.address}/#job={own_coffee}")
    visit.wait_for(lambda: held)
    visit.page.evaluate(f"location.hash = 'job={coffee}'")
    expect(visit.find("#result-photo")).to_have_attribute("src", re.compile(coffee))
    held[0].fulfill(status=500, body="")
    visit.wait_for_model()
    expect(visit.find("#viewer-failure")).to_be_hidden()


def background_of(visit: Visit) -> np.ndarray:
    """Returns the colour behind the model, float64 (3,), 0..1."""
    words = "box => getComputedStyle(box).backgroundColor.match(/[0-9]+/g).map(Number)"
    return np.array(visit.find("#viewer").evaluate(words)[:3]) / 255


@pytest.mark.thorough
def test_the_background_goes_with_the_photo_and_changes(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    of_photo = visit.seen()[10, 10]
    np.testing.assert_allclose(of_photo, background_of(visit), atol=0.01)
    assert of_photo[0] > of_photo[2] + 0.05, "the border is brown wood"
    visit.find("#background").click()
    assert visit.seen()[10, 10].mean() < 0.2 < of_photo.mean()


def test_a_line_wipes_from_the_photo_to_its_depth(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    box, wipe = visit.find("#compare"), visit.find("#wipe")
    box.scroll_into_view_if_needed()
    for name in ("photo", "depth"):
        visit.find(f"#result-{name}").evaluate("image => image.decode()")
    wipe.focus()
    visit.page.keyboard.press("End")
    photo = as_picture(box.screenshot())
    visit.page.keyboard.press("Home")
    depth = as_picture(box.screenshot())
    assert depth.std() > 0.1 and difference(photo, depth) > 0.1
    # The cup at the lower middle is nearer, so brighter, than the dark corner behind the table.
    height, width, _ = depth.shape
    assert depth[int(0.85 * height), width // 2].sum() > depth[int(0.05 * height), int(0.05 * width)].sum() + 0.5
    place = box.bounding_box()
    assert place is not None
    visit.page.mouse.click(place["x"] + 0.3 * place["width"], place["y"] + 0.5 * place["height"])
    expect(wipe).to_have_attribute("aria-valuetext", "30 % photo, 70 % depth")
    both, line = as_picture(box.screenshot()), int(0.3 * width)
    assert difference(both[10:-10, 10 : line - 10], photo[10:-10, 10 : line - 10]) < 0.01
    assert difference(both[10:-10, line + 10 : -10], depth[10:-10, line + 10 : -10]) < 0.01
    visit.find("#show-large").click()
    large = box.bounding_box()
    assert large is not None and large["width"] > 1.3 * place["width"]
    visit.shot("photo and depth large")
    visit.page.keyboard.press("Escape")
    expect(visit.find("#compare-place > #compare")).to_be_visible()
    with visit.page.expect_download() as waiting:
        visit.find("#depth-save").click()
    assert waiting.value.suggested_filename == "coffee_depth_colours.png"


@pytest.mark.thorough
def test_inside_a_panorama_one_looks_around(visit: Visit, site: WebServer) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 8, 3)).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).resize((640, 320), Image.Resampling.BICUBIC).save(data, "PNG")
    id = site.done(data.getvalue(), {"detail": 256, "projection": "equirectangular"})
    visit.open(id)
    first = visit.seen()
    drag(visit, 80, 0)
    turned = visit.seen()
    assert difference(turned, first) > CHANGED
    # Still inside: the sphere fills the whole view.
    assert (np.abs(turned - background_of(visit)).max(axis=2) < 0.01).mean() < 0.05
    expect(visit.find("#facts")).to_contain_text("360-degree panorama")
    visit.find("#beside").click()
    assert difference(visit.seen(), first) < 0.001
