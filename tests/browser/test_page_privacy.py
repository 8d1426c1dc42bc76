# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page keeps and to whom it talks. `Visit.clean` looks after every test whether it asked another host."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit, Visitor
from tests.web.web_server import COFFEE, SMALL, serving

TOKEN = "correcthorsebatterystaple"


def test_nothing_is_kept_in_the_browser(visit: Visit, coffee: str) -> None:
    visit.open(coffee)
    assert visit.page.context.cookies() == []
    assert visit.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_the_policy_forbids_what_is_not_ours(visit: Visit) -> None:
    visit.open()
    visit.expected = ("Content Security Policy", "example.org")
    blocked = visit.page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "window.inline = true";
          document.body.append(script);
          const answer = await fetch("https://example.org/").then(() => "sent", () => "blocked");
          // The browser tells of each a moment later.
          await new Promise((resolve) => setTimeout(resolve, 300));
          const found = [window.inline ?? false, answer, window.violations.length];
          window.violations.length = 0;
          return found;
        }"""
    )
    assert blocked == [False, "blocked", 2]


def test_the_token_opens_the_page_and_a_link_to_a_job(visitor: Visitor, tmp_path: Path) -> None:
    """Below a path, as behind a proxy."""
    with serving(tmp_path, "--token", TOKEN, "--root-path", "/team/mono3d") as guarded:
        mine = {"Authorization": f"Bearer {TOKEN}"}
        job = guarded.upload(COFFEE, SMALL, headers=mine).json()["id"]
        guest = visitor(guarded.address)
        guest.expected = ("401",)
        guest.page.goto(f"{guarded.address}/#job={job}")
        guest.shot("sign-in")
        guest.page.get_by_label("Token").fill("wrong")
        guest.page.get_by_role("button", name="Sign in").click()
        expect(guest.page.get_by_role("alert")).to_have_text("This token is wrong; check it and try again.")
        assert guest.page.evaluate("getComputedStyle(document.querySelector('button')).borderRadius") == "10px"
        guest.page.get_by_label("Token").fill(TOKEN)
        guest.page.keyboard.press("Enter")
        guest.wait_for_model()
        assert guest.page.url == f"{guarded.address}/#job={job}"
        (cookie,) = guest.page.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/team/mono3d/"
        assert TOKEN not in cookie["value"]
        assert all(TOKEN not in request.url for request in guest.requests)
        guest.clean()
        guest.page.get_by_role("button", name="Sign out").click()
        expect(guest.page.get_by_label("Token")).to_be_visible()
        assert guest.page.context.cookies() == []
        assert TOKEN not in guarded.text()


@pytest.mark.thorough
def test_a_session_that_has_ended_asks_for_the_token(visitor: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path, "--token", TOKEN) as guarded:
        guest = visitor(guarded.address)
        guest.expected = ("401",)
        guest.page.goto(guarded.address)
        guest.page.get_by_label("Token").fill(TOKEN)
        guest.page.keyboard.press("Enter")
        guest.sample("coffee")
        guest.generate()
        guest.wait_for_model()
        guest.page.context.clear_cookies()
        guest.page.reload()
        expect(guest.page.get_by_label("Token")).to_be_visible()
        guest.page.get_by_label("Token").fill(TOKEN)
        guest.page.keyboard.press("Enter")
        guest.wait_for_model()


def test_without_a_token_there_is_nothing_to_sign_out_of(visit: Visit) -> None:
    visit.open()
    expect(visit.find("#sample-list button").first).to_be_visible()
    expect(visit.page.get_by_role("button", name="Sign out")).to_have_count(0)
