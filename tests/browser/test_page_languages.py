# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in other languages: the browser's, or one that is chosen on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_page_access import complaints
from tests.browser.visit import PHONE, Visit, Visitor
from tests.web.web_server import serving

SIDEWAYS = {**PHONE, "viewport": {"width": 844, "height": 390}}
CASES: dict[str, dict[str, Any]] = {
    "German phone": {"locale": "de-AT", **PHONE, "viewport": {"width": 390, "height": 844}},
    "German phone on its side": {"locale": "de", **SIDEWAYS},
    "German desktop": {"locale": "de-DE"},
    "French phone": {"locale": "fr-FR", **PHONE, "viewport": {"width": 320, "height": 640}},
    "French desktop": {"locale": "fr-CA"},
}

_SHOWN = """
() => {
  const found = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { parentElement: parent, textContent } = walk.currentNode;
    if (!parent.closest("[lang=en], noscript")) found.push(textContent.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [alt], [title], [aria-roledescription]")) {
    for (const name of ["aria-label", "alt", "title", "aria-roledescription"]) {
      found.push(element.getAttribute(name) ?? "");
    }
  }
  return found.filter(Boolean);
}
"""
_ENGLISH = re.compile(
    r"\b([Tt]he|and|[Ww]ith|is|are|of|[Ff]or|not|[Tt]his|[Ff]rom|by|than|photo's|[Cc]hoose|[Dd]ownload|[Rr]eset|"
    r"[Cc]hanged|[Ss]ettings|[Ww]ait|[Nn]ear)\b"
)


def english(visit: Visit) -> list[str]:
    """Returns the texts on the page, hidden ones too, that have English words and are not marked as English."""
    shown = [text.replace(": models download better", "") for text in visit.page.evaluate(_SHOWN)]
    return [text for text in shown if _ENGLISH.search(text)]


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=[pytest.mark.thorough] if number else []) for number, name in enumerate(CASES)]
)
def test_nothing_is_english_or_too_wide(visitor: Visitor, coffee: str, case: str) -> None:
    visit = visitor(**CASES[case])
    visit.open()
    language = CASES[case]["locale"][:2]
    assert visit.page.locator("html").get_attribute("lang") == language
    visit.shot(f"{case} 1 start")
    visit.sample("coffee")
    for group in visit.find("summary").all():
        if group.is_visible():
            group.click()
    visit.find("#form [data-name=near] [aria-expanded]").click()
    visit.find("#form-near").fill("-1")
    expect(visit.find("#form [data-name=near] .wrong")).to_be_visible()
    assert english(visit) == [] and visit.fits()
    assert complaints(visit) == []
    visit.shot(f"{case} 2 settings", whole=True)
    visit.open(coffee)
    visit.shot(f"{case} 3 result")
    for group in visit.find("#shape summary").all():
        if group.is_visible():
            group.click()
    assert english(visit) == [] and visit.fits()
    assert complaints(visit) == []
    visit.shot(f"{case} 4 result", whole=True)


@pytest.mark.thorough
def test_a_language_is_chosen_on_the_page_and_stays(visitor: Visitor, coffee: str) -> None:
    visit = visitor()
    visit.open()
    list = visit.find("#language")
    expect(list).to_have_value("en")
    list.select_option(label="Deutsch")
    expect(visit.find("#choose-title")).to_have_text("Foto wählen")
    (cookie,) = visit.page.context.cookies()
    assert (cookie["name"], cookie["value"], cookie["sameSite"]) == ("mono3d_language", "de", "Lax")
    visit.open(coffee)
    expect(visit.find("#result-title")).to_have_text("Ergebnis: coffee.jpg")
    assert "Vertices" in visit.find("#facts").inner_text()
    visit.find("#language").select_option(label="English")
    expect(visit.find("#result-title")).to_have_text("Result: coffee.jpg")
    assert visit.job == coffee


@pytest.mark.thorough
def test_failures_of_the_server_are_told_in_german(visitor: Visitor, tmp_path: Path) -> None:
    visit = visitor(locale="de")
    visit.expected = ("415", "404")
    visit.open()
    (tmp_path / "letter.jpg").write_text("Dear photo,\n" * 100)
    visit.choose(tmp_path / "letter.jpg")
    visit.find("#generate").click()
    failure = visit.find("#failure")
    expect(failure).to_have_text(
        "'letter.jpg' ist kein Foto, das sich lesen lässt; nehmen Sie JPEG, PNG, HEIC oder TIFF."
    )
    visit.page.goto(f"{visit.address}/#job=abcdefghijklmnop")
    expect(failure).to_have_text("Dieses Ergebnis gibt es nicht mehr; wählen Sie das Foto noch einmal.")
    assert failure.get_attribute("lang") is None


@pytest.mark.thorough
def test_what_the_worker_says_is_marked_as_english(visitor: Visitor, tmp_path: Path) -> None:
    visit = visitor(locale="de")
    visit.expected = ("Failed to load resource",)
    cut = tmp_path / "cut.png"
    cut.write_bytes((Path(__file__).parents[1] / "photos/coffee.png").read_bytes()[:60_000])
    visit.open()
    visit.choose(cut)
    visit.find("#generate").click()
    expect(visit.find("#failure")).to_be_visible(timeout=60_000)
    expect(visit.find("#failure")).to_have_attribute("lang", "en")
    assert complaints(visit) == []


@pytest.mark.thorough
def test_signing_in_is_german_too(visitor: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path, "--token", "correcthorse42battery") as guarded:
        visit = visitor(guarded.address, locale="de", **PHONE)
        visit.expected = ("401",)
        visit.page.goto(guarded.address)
        visit.page.get_by_label("Token").fill("wrong")
        visit.page.get_by_role("button", name="Anmelden").click()
        alert = visit.page.get_by_role("alert")
        expect(alert).to_have_text("Dieses Token ist falsch; prüfen Sie es, und versuchen Sie es noch einmal.")
        assert complaints(visit) == [] and visit.fits()
        visit.shot("German sign-in")
        visit.clean()
