# SPDX-License-Identifier: GPL-3.0-or-later
"""The view as a picture and as a video."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visit import PHONE, Picture, Visit, Visitor, as_picture, difference

SMALL = {"width": 1000, "height": 640}
"""A window in which pictures are quickly drawn without a graphics card."""

WATCH = """
async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const video = document.createElement("video");
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/webm" }));
  await new Promise((resolve, reject) => {
    video.oncanplaythrough = resolve;
    video.onerror = () => reject(video.error.message);
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pictures = [];
  document.body.append(video);
  // Until it has moved, the first picture may not be there yet.
  for (const time of [3, 0, 1.5, 3, 4.5, 5.9]) {
    const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    await new Promise((resolve) => { video.onseeked = resolve; video.currentTime = time; });
    await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, 5000))]);
    canvas.getContext("2d").drawImage(video, 0, 0);
    pictures.push(canvas.toDataURL("image/png").split(",")[1]);
  }
  video.remove();
  return { duration: video.duration, pictures: pictures.slice(1) };
}
"""


def saved(visit: Visit, selector: str, folder: Path, patience: float = 60_000) -> Path:
    """Returns the file that a button of the dialog gives."""
    with visit.page.expect_download(timeout=patience) as waiting:
        visit.find(selector).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.fixture
def visit(visitor: Visitor) -> Visit:
    """A visitor whose screen has one pixel for each of the layout, as the pictures have."""
    return visitor(device_scale_factor=1)


def middle(picture: Picture) -> Picture:
    """Returns a picture without the rim, which the frame of the view and its round corners touch."""
    return picture[8:-8, 8:-8]


def test_the_view_is_saved_as_a_picture(visitor: Visitor, coffee: str, tmp_path: Path) -> None:
    visit = visitor(viewport=SMALL, device_scale_factor=1)
    visit.open(coffee)
    view = visit.seen()
    visit.find("#save-view").click()
    once = saved(visit, "#save-once", tmp_path)
    assert once.name == "coffee_view.png"
    picture = as_picture(once.read_bytes())
    box = visit.find("#canvas").bounding_box()
    assert box is not None and abs(picture.shape[1] - box["width"]) <= 1 and abs(picture.shape[0] - box["height"]) <= 1
    height, width = min(picture.shape[0], view.shape[0]), min(picture.shape[1], view.shape[1])
    assert difference(middle(picture[:height, :width]), middle(view[:height, :width])) < 0.01
    twice = as_picture(saved(visit, "#save-twice", tmp_path).read_bytes())
    assert twice.shape[:2] == (2 * picture.shape[0], 2 * picture.shape[1])
    small = Image.fromarray(np.rint(twice * 255).astype(np.uint8)).resize(picture.shape[1::-1], Image.Resampling.BOX)
    assert difference(np.asarray(small, np.float64) / 255, picture) < 0.02
    visit.shot("saving")
    visit.page.keyboard.press("Escape")
    assert difference(visit.seen(), view) < 0.001


@pytest.mark.thorough
def test_the_view_is_saved_as_a_video_that_sways(visitor: Visitor, coffee: str, tmp_path: Path) -> None:
    visit = visitor(viewport=SMALL, device_scale_factor=1)
    visit.open(coffee)
    view = visit.seen()
    visit.find("#save-view").click()
    expect(visit.find("#video-words")).to_contain_text("Sways around this view in 6 seconds")
    expect(visit.find("#video-words")).to_contain_text("WebM, VP9")
    # Cancelled, there is no file, and it can be made again.
    visit.find("#save-video").click()
    # A picture meanwhile would be of another size than the video.
    expect(visit.find("#save-once")).to_be_disabled()
    visit.find("#video-cancel").click()
    expect(visit.find("#save-video")).to_be_visible()
    expect(visit.find("#save-once")).to_be_enabled()
    path = saved(visit, "#save-video", tmp_path, 600_000)
    assert path.name == "coffee_view.webm"
    seen = visit.page.evaluate(WATCH, base64.b64encode(path.read_bytes()).decode())
    assert seen["duration"] == pytest.approx(6.0, abs=0.1)
    pictures = [as_picture(base64.b64decode(one)) for one in seen["pictures"]]
    assert pictures[0].shape[0] % 2 == pictures[0].shape[1] % 2 == 0
    height, width = pictures[0].shape[:2]
    assert difference(middle(pictures[0]), middle(view[:height, :width])) < 0.05
    # It turns to one side, through the middle to the other, and comes back.
    assert min(difference(pictures[0], one) for one in (pictures[1], pictures[3])) > 0.02
    assert difference(pictures[1], pictures[3]) > difference(pictures[0], pictures[1])
    assert max(difference(pictures[0], one) for one in (pictures[2], pictures[4])) < 0.02
    visit.page.keyboard.press("Escape")
    assert difference(visit.seen(), view) < 0.005


@pytest.mark.thorough
def test_without_encoder_and_recorder_the_server_makes_what_moves(visit: Visit, coffee: str, tmp_path: Path) -> None:
    visit.page.add_init_script("delete window.VideoEncoder; delete window.MediaRecorder;")
    visit.open(coffee)
    visit.find("#save-view").click()
    expect(visit.find("#video-words")).to_contain_text("WebP")
    path = saved(visit, "#save-video", tmp_path, 120_000)
    with Image.open(path) as moving:
        assert moving.format == "WEBP" and getattr(moving, "n_frames", 1) > 10


@pytest.mark.thorough
def test_without_an_encoder_the_view_is_recorded(visitor: Visitor, coffee: str, tmp_path: Path) -> None:
    visit = visitor(viewport=SMALL, device_scale_factor=1)
    visit.page.add_init_script("delete window.VideoEncoder;")
    visit.open(coffee)
    visit.find("#save-view").click()
    expect(visit.find("#video-words")).to_contain_text("pixels, ")
    path = saved(visit, "#save-video", tmp_path, 120_000)
    # A busy machine records few pictures.
    data = path.read_bytes()
    assert len(data) > 2000 and (data[4:8] == b"ftyp" if path.suffix == ".mp4" else data[:4] == b"\x1aE\xdf\xa3")


@pytest.mark.thorough
def test_devices_that_show_models_in_a_room_are_offered_one(visitor: Visitor, coffee: str) -> None:
    """Chromium shows none, so it is told that it does; Safari wants one picture in the link."""
    plain, visit = visitor(), visitor(**PHONE)
    plain.open(coffee)
    expect(plain.find("#in-room")).to_be_hidden()
    visit.page.add_init_script("DOMTokenList.prototype.supports = (word) => word === 'ar';")
    visit.open(coffee)
    link = visit.find("#in-room")
    expect(link).to_be_visible()
    assert link.evaluate(
        "a => a.relList.contains('ar') && a.childElementCount === 1 && a.firstElementChild.tagName === 'IMG'"
    )
    answer = visit.page.request.get(link.evaluate("a => a.href"))
    assert answer.headers["content-type"] == "model/vnd.usdz+zip"
    with zipfile.ZipFile(io.BytesIO(answer.body())) as parts:
        assert parts.namelist()[0].endswith((".usdc", ".usda"))
    visit.shot("in the room")
