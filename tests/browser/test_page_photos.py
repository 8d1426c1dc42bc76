# SPDX-License-Identifier: GPL-3.0-or-later
"""Several photos at once, the results that a browser remembers, and links by which others look at one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_page_access import complaints
from tests.browser.visit import PATIENCE, PHONE, PHOTOS, Visit, Visitor
from tests.web.web_server import COFFEE, SMALL, WebServer, serving

TOKEN = "correcthorsebatterystaple"
SIDEWAYS = {**PHONE, "viewport": {"width": 844, "height": 390}}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two small photos and a file that is none."""
    paths = []
    for name, box in (("left cup.png", (0, 0, 300, 400)), ("right cup.png", (300, 0, 600, 400))):
        paths.append(tmp_path / name)
        with Image.open(PHOTOS / "coffee.png") as picture:
            picture.convert("RGB").crop(box).resize((150, 200)).save(paths[-1])
    (tmp_path / "letter.jpg").write_text("Dear photo,\n" * 100)
    return [*paths, tmp_path / "letter.jpg"]


def choose(visit: Visit, paths: list[Path]) -> None:
    with visit.page.expect_file_chooser() as waiting:
        visit.find("#choose-file").click()
    assert waiting.value.is_multiple()
    waiting.value.set_files(paths)


def entry(visit: Visit, name: str) -> str:
    return f"#photo-list li:has-text('{name}')"


def wait_until_ready(visit: Visit, *names: str) -> None:
    for name in names:
        visit.page.wait_for_selector(f"{entry(visit, name)}[data-state=done]", timeout=PATIENCE)


def test_several_photos_are_a_list_that_survives_a_reload(
    visitor: Visitor, site: WebServer, photos: list[Path]
) -> None:
    visit = visitor(**PHONE)
    visit.expected = ("415", "404")
    visit.open()
    choose(visit, photos)
    expect(visit.find("#chosen-list li")).to_have_count(3)
    visit.shot("several 1 chosen", whole=True)
    visit.find("[value=fast]").check()
    visit.find("#generate").click()
    expect(visit.find("#photos-title")).to_be_focused()
    assert visit.page.url.endswith("#photos")
    letter = visit.find(entry(visit, "letter.jpg"))
    expect(letter).to_have_attribute("data-state", "failed", timeout=PATIENCE)
    expect(letter).to_contain_text("is not a photo")
    visit.shot("several 2 sending")
    letter.get_by_role("button", name="Retry letter.jpg").click()
    expect(letter).to_have_attribute("data-state", "failed", timeout=PATIENCE)
    letter.get_by_role("button", name="Remove letter.jpg from the list").click()
    expect(letter).to_have_count(0)
    wait_until_ready(visit, "left cup.png", "right cup.png")
    keys = [one.headers.get("idempotency-key") for one in visit.requests if one.method == "POST"]
    assert len(keys) == len(set(keys)) == 4 and all(keys), "each with a key of its own, another for another try"
    assert complaints(visit) == [] and visit.fits()
    visit.shot("several 3 ready", whole=True)
    visit.find(f"{entry(visit, 'right cup.png')} .photo-show").click()
    visit.wait_for_model()
    assert visit.find("#result-title").inner_text() == "Result: right cup.png"
    right = visit.job
    visit.find("#to-photos").click()
    visit.find(f"{entry(visit, 'left cup.png')} .photo-show").click()
    visit.wait_for_model()
    assert visit.find("#result-title").inner_text() == "Result: left cup.png"
    assert site.ask("DELETE", f"/api/jobs/{right}").status == 204
    visit.page.goto(f"{visit.address}/")
    visit.page.reload()
    wait_until_ready(visit, "left cup.png")
    expect(visit.find(entry(visit, "right cup.png"))).to_contain_text("No longer on the server")
    visit.find(f"{entry(visit, 'left cup.png')} .photo-show").scroll_into_view_if_needed()
    visit.shot("several 4 after a reload", whole=True)


@pytest.mark.thorough
def test_a_photo_of_several_is_taken_out_before_they_are_sent(visit: Visit, photos: list[Path]) -> None:
    visit.open()
    choose(visit, photos)
    visit.find("#chosen-list").get_by_role("button", name="Remove letter.jpg").click()
    expect(visit.find("#chosen-list li")).to_have_count(2)
    visit.find("#chosen-list").get_by_role("button", name="Remove right cup.png").click()
    expect(visit.find("#chosen-name")).to_contain_text("left cup.png")
    expect(visit.find("#chosen-list")).to_be_hidden()


@pytest.mark.thorough
def test_of_many_photos_none_is_forgotten(visit: Visit, photos: list[Path], tmp_path: Path) -> None:
    """More than are remembered; a photo that is chosen beside the list is shown."""
    many = [tmp_path / f"page {number}.jpg" for number in range(62)]
    for path in many:
        path.write_text(f"Dear photo {path.name}\n")
    visit.expected = ("415",)
    visit.open()
    visit.find("#file").set_input_files(many)
    visit.find("#generate").click()
    expect(visit.find("#photo-list li[data-state=failed]")).to_have_count(62, timeout=PATIENCE)
    assert len([one for one in visit.requests if one.method == "POST"]) == 62
    # What another page of the browser has written down stays there.
    written = '[{"id":"abc","name":"other.png"}]'
    visit.page.evaluate("(text) => localStorage.setItem('mono3d_photos', text)", written)
    visit.find(entry(visit, "page 61.jpg")).get_by_role("button", name="Remove").click()
    expect(visit.find("#photo-list li")).to_have_count(61)
    assert visit.page.evaluate("localStorage.getItem('mono3d_photos')") == written
    visit.find("#file").set_input_files(photos[0])
    expect(visit.find("#chosen-name")).to_contain_text("left cup.png")
    visit.clean()


@pytest.mark.thorough
def test_what_is_cancelled_before_it_is_sent_is_not_sent(visit: Visit) -> None:
    """As while the server is away."""
    visit.open()
    send = """async () => {
      const { create } = await import("./static/js/api.js");
      return create({ sample: "coffee" }, () => {}, AbortSignal.abort(), "0").catch(({ name }) => name);
    }"""
    assert visit.page.evaluate(send) == "AbortError"
    assert not [one for one in visit.requests if one.method == "POST"]


@pytest.mark.thorough
def test_the_list_waits_for_a_server_that_is_full(visitor: Visitor, tmp_path: Path, photos: list[Path]) -> None:
    with serving(tmp_path, "--max-jobs", "1") as small:
        visit = visitor(small.address)
        visit.expected = ("503",)
        visit.open()
        choose(visit, photos[:2])
        visit.find("[value=fast]").check()
        visit.find("#generate").click()
        wait_until_ready(visit, "left cup.png", "right cup.png")
        visit.clean()


@pytest.mark.thorough
@pytest.mark.parametrize("screen", [{}, PHONE, SIDEWAYS], ids=["desktop", "phone", "phone on its side"])
def test_a_guest_looks_at_what_was_shared(
    visitor: Visitor, tmp_path: Path, photos: list[Path], screen: dict[str, object]
) -> None:
    with serving(tmp_path, "--token", TOKEN, "--root-path", "/team/mono3d") as guarded:
        mine = {"Authorization": f"Bearer {TOKEN}"}
        job = guarded.upload(COFFEE, SMALL, headers=mine).json()["id"]
        owner = visitor(guarded.address)
        owner.expected = ("401",)
        owner.page.goto(f"{guarded.address}/#job={job}")
        owner.page.get_by_label("Token").fill(TOKEN)
        owner.page.keyboard.press("Enter")
        owner.wait_for_model()
        owner.find("#share-make").click()
        link = owner.wait_for(lambda: owner.find("#share-link").input_value())
        assert link.startswith(f"{guarded.address}/#share=view-") and job not in link
        assert complaints(owner) == [] and owner.fits()
        owner.find("#sharing").scroll_into_view_if_needed()
        owner.shot("share owner")

        guest = visitor(guarded.address, **screen)
        guest.expected = ("401", "404")
        guest.page.goto(link)
        guest.wait_for_model()
        assert "share=" not in guest.page.url and job not in guest.page.url
        secret = link.rpartition(".")[2]
        assert not [one.url for one in guest.requests if secret in one.url], "in no address that is asked for"
        for name in ("#shape-panel", "#remove", "#sharing", "#new-photo"):
            expect(guest.find(name)).to_be_hidden()
        with guest.page.expect_download(timeout=60_000) as waiting:
            guest.find("#download-first").click()
        assert waiting.value.suggested_filename == "coffee.glb"
        assert complaints(guest) == [] and guest.fits()
        guest.find("#file").set_input_files(photos[0])
        expect(guest.find("#result-title")).to_be_visible()
        guest.page.evaluate("scrollTo(0, 0)")
        guest.shot(f"share guest {screen.get('viewport', {'width': 'desktop'})['width']}")  # type: ignore[index]
        guest.page.reload()
        guest.wait_for_model()

        owner.find("#share-stop").click()
        expect(owner.find("#share-make")).to_be_focused()
        guest.page.reload()
        expect(guest.page.get_by_label("Token")).to_be_visible()
        guest.page.goto(link)
        guest.page.reload()
        expect(guest.page.get_by_label("Token")).to_be_visible()
        owner.clean()
        guest.clean()


@pytest.mark.thorough
def test_a_shared_result_is_only_looked_at_without_a_token_too(visitor: Visitor, site: WebServer, coffee: str) -> None:
    share = site.post(f"/api/jobs/{coffee}/share").json()["share"]
    visit = visitor()
    visit.page.goto(f"{visit.address}/#share={share}")
    visit.wait_for_model()
    assert visit.job == share.partition(".")[0]
    expect(visit.find("#shape-panel")).to_be_hidden()
    visit.page.goto(f"{visit.address}/#job={coffee}")
    expect(visit.find("#shape-panel")).to_be_visible()
    assert site.ask("DELETE", f"/api/jobs/{coffee}/share").status == 204
