# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page keeps and to whom it talks. `Visit.clean` looks after every test whether it asked another host."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit, Visitor
from tests.web.web_server import serving

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


def test_a_token_opens_the_page_and_leaves_the_address(visitor: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path, "--token", TOKEN) as guarded:
        stranger = visitor(guarded.address)
        stranger.expected = ("401",)
        stranger.page.goto(guarded.address)
        expect(stranger.page.get_by_label("Token")).to_be_visible()
        stranger.clean()
        guest = visitor(guarded.address)
        guest.page.goto(f"{guarded.address}/?token={TOKEN}")
        expect(guest.find("#sample-list button").first).to_be_visible()
        assert TOKEN not in guest.page.url
        (cookie,) = guest.page.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
        guest.sample("coffee")
        guest.generate()
        guest.wait_for_model()
        guest.clean()


@pytest.mark.thorough
def test_the_teams_link_works_on_another_sites_page(visitor: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path, "--token", TOKEN) as guarded:
        guest = visitor(guarded.address)
        elsewhere = "http://chat.example/"
        link = f'<a href="{guarded.address}/?token={TOKEN}">Our server</a>'
        guest.page.route(elsewhere, lambda route: route.fulfill(body=link, content_type="text/html"))
        guest.page.goto(elsewhere)
        guest.page.click("a")
        expect(guest.find("#sample-list button").first).to_be_visible()
        guest.requests = [request for request in guest.requests if request.url != elsewhere]
