# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to a photo, and what the page says to files that are none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visit import PHONE, PHOTOS, Visit, Visitor
from tests.web.web_server import serving


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small photo as PNG, which the clipboard holds too."""
    path = tmp_path / "my cup.png"
    with Image.open(PHOTOS / "coffee.png") as picture:
        picture.convert("RGB").resize((300, 200)).save(path)
    return path


def generated(visit: Visit) -> dict[str, str]:
    """Generates and returns what the page tells of the result."""
    visit.generate()
    visit.wait_for_model()
    terms, words = visit.find("#facts dt").all_inner_texts(), visit.find("#facts dd").all_inner_texts()
    return dict(zip(terms, words, strict=True))


def test_a_chosen_file_becomes_a_model(visit: Visit, photo: Path) -> None:
    visit.open()
    visit.choose(photo)
    expect(visit.find("#chosen-name")).to_contain_text("my cup.png")
    assert visit.find("#preview").evaluate("image => image.decode().then(() => image.naturalWidth)") == 300
    told = generated(visit)
    assert told["Photo"] == "300 × 200 pixels" and told["Model"] == "starter"
    assert re.fullmatch(r"assumed \d+ degrees", told["Camera"])
    assert "my cup" in visit.find("#result-title").inner_text()


@pytest.mark.thorough
def test_a_dropped_file_becomes_a_model(visit: Visit, photo: Path) -> None:
    visit.open()
    visit.drop(photo)
    assert generated(visit)["Photo"] == "300 × 200 pixels"


@pytest.mark.thorough
def test_a_photo_dropped_on_a_result_begins_anew(visit: Visit, coffee: str, photo: Path) -> None:
    visit.open(coffee)
    held = visit.page.evaluate_handle("() => new DataTransfer()")
    visit.page.dispatch_event("#canvas", "dragenter", {"dataTransfer": held})
    expect(visit.find("#dropping")).to_be_hidden()  # it holds no file
    visit.page.evaluate("document.getElementById('settings-title').scrollIntoView()")
    visit.drop(photo)
    expect(visit.find("#generate")).to_be_visible()
    assert visit.job == ""


def test_a_pasted_picture_becomes_a_model(visitor: Visitor, photo: Path) -> None:
    visit = visitor(permissions=["clipboard-read", "clipboard-write"])
    visit.open()
    visit.paste(photo)
    assert generated(visit)["Photo"] == "300 × 200 pixels"


def test_a_sample_becomes_a_model(visit: Visit) -> None:
    visit.open()
    visit.sample("astronaut")
    visit.find("[value=fast]").check()
    assert generated(visit)["Photo"] == "512 × 512 pixels"


def test_the_computers_camera_takes_a_photo(visit: Visit) -> None:
    visit.open()
    visit.find("#take-photo").click()
    expect(visit.find("#camera-picture")).to_be_visible()
    expect(visit.find("#camera-shoot")).not_to_have_attribute("aria-disabled", "true")
    visit.find("#camera-shoot").click()
    expect(visit.find("#camera")).to_be_hidden()
    expect(visit.find("#chosen-name")).to_contain_text("camera.jpg")
    assert visit.find("#preview").evaluate("image => image.decode().then(() => image.naturalWidth)") >= 320


@pytest.mark.thorough
def test_leaving_the_camera_takes_nothing(visit: Visit) -> None:
    visit.open()
    visit.find("#take-photo").click()
    expect(visit.find("#camera-shoot")).not_to_have_attribute("aria-disabled", "true")
    visit.page.keyboard.press("Escape")
    expect(visit.find("#camera")).to_be_hidden()
    expect(visit.find("#chosen")).to_be_hidden()
    visit.wait_for(lambda: visit.find("#camera-picture").evaluate("video => video.srcObject === null"), 5.0)


def test_a_phone_is_asked_for_its_own_camera(visitor: Visitor) -> None:
    visit = visitor(**PHONE)
    visit.open()
    with visit.page.expect_file_chooser() as waiting:
        visit.find("#take-photo").tap()
    assert waiting.value.element.get_attribute("capture") == "environment"


def test_generate_without_a_photo_leads_to_choosing_one(visit: Visit) -> None:
    visit.open()
    expect(visit.find("#generate")).to_be_disabled()  # by ARIA; it can be pressed and then tells what is missing
    visit.find("#generate").click(force=True)
    expect(visit.find("#choose-file")).to_be_focused()
    expect(visit.find("#generate-hint")).to_have_text("Choose a photo first.")


def test_a_file_that_is_no_photo_is_refused_in_one_sentence(visit: Visit, tmp_path: Path, photo: Path) -> None:
    visit.expected = ("415",)
    (tmp_path / "letter.jpg").write_text("Dear photo,\n" * 100)
    visit.open()
    visit.choose(tmp_path / "letter.jpg")
    visit.find("#generate").click()
    failure = visit.find("#failure")
    expect(failure).to_be_visible()
    assert failure.get_attribute("role") == "alert" and failure.inner_text().endswith(".")
    assert "letter" in failure.inner_text() or "photo" in failure.inner_text()
    expect(failure).to_be_focused()
    visit.shot("failure")
    visit.choose(photo)
    expect(failure).to_be_hidden()
    assert generated(visit)["Photo"] == "300 × 200 pixels"


@pytest.mark.thorough
def test_a_cut_photo_is_told_and_costs_nothing_else(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes((PHOTOS / "coffee.png").read_bytes()[:60_000])
    visit.expected = ("Failed to load resource",)
    visit.open()
    visit.choose(tmp_path / "cut.png")
    visit.find("#generate").click()
    expect(visit.find("#failure")).to_be_visible(timeout=60_000)
    expect(visit.find("#generate")).to_be_visible()


def test_an_empty_file_and_one_too_large_are_told_before_they_are_sent(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    (tmp_path / "empty.jpg").touch()
    visit.choose(tmp_path / "empty.jpg")
    expect(visit.find("#failure")).to_contain_text("'empty.jpg' is empty")
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(110_000_000)
    visit.choose(tmp_path / "huge.jpg")
    expect(visit.find("#failure")).to_contain_text("'huge.jpg' has 110.0 MB, this server takes up to 100 MB")
    expect(visit.find("#generate-hint")).to_have_text("Choose a photo first.")
    assert not [one for one in visit.requests if one.method == "POST"]


def test_a_photo_with_too_many_pixels_is_refused_by_the_server(visitor: Visitor, tmp_path: Path) -> None:
    Image.new("1", (2000, 1000)).save(tmp_path / "wide.png")
    with serving(tmp_path, "--max-pixels", "1") as small:
        visit = visitor(small.address)
        visit.expected = ("Failed to load resource",)
        visit.open()
        assert "1 megapixels" in visit.find("#limits").inner_text()
        visit.choose(tmp_path / "wide.png")
        visit.find("#generate").click()
        expect(visit.find("#failure")).to_contain_text("pixel")
        visit.clean()


@pytest.mark.thorough
def test_a_mask_beside_the_photo_takes_part(visit: Visit, photo: Path, tmp_path: Path) -> None:
    mask = Image.new("L", (300, 200))
    mask.paste(255, (0, 0, 150, 200))
    mask.save(tmp_path / "mask.png")
    visit.open()
    visit.choose(photo)
    visit.find("#form [data-group=Cut-out] > summary").click()
    visit.find("#form-mask").set_input_files(tmp_path / "mask.png")
    generated(visit)
    # Half of the photo, and the background behind it.
    assert 25_000 < visit.vertices() < 45_000
