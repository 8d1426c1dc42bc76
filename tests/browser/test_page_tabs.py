# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pages of one browser: they share a stream of events, and none offers what another has replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import PATIENCE, Visit, Visitor
from tests.web.web_server import COFFEE, ENDLESS, SMALL, WebServer, serving

TABS = 8
"""More than the connections that a browser opens to a server."""


@pytest.fixture
def busy_site(tmp_path: Path) -> Iterator[WebServer]:
    """A server of its own, which a test may keep busy."""
    with serving(tmp_path) as running:
        yield running


def test_eight_tabs_follow_eight_jobs(visitor: Visitor, busy_site: WebServer) -> None:
    visit = visitor(busy_site.address)
    ids = [busy_site.started(COFFEE, SMALL if number else ENDLESS) for number in range(TABS)]
    pages: list[Page] = []
    for id in ids:
        pages.append(visit.page.context.new_page() if pages else visit.page)
        pages[-1].goto(f"{busy_site.address}/#job={id}")
    for page in pages:
        expect(page.locator("#stage-words")).not_to_be_empty(timeout=20_000)
    # Each still reaches the server, and hears what happens to its job.
    for page in pages:
        assert page.evaluate("fetch('api/about').then((answer) => answer.status)") == 200
    for id, page in reversed([*zip(ids, pages, strict=True)]):
        busy_site.post(f"/api/jobs/{id}/cancel")
        expect(page.locator("#failure")).to_have_text("The job was cancelled.", timeout=20_000)


def test_a_page_without_shared_workers_asks_again_and_again(visitor: Visitor, site: WebServer) -> None:
    visit = visitor()
    visit.page.add_init_script("delete window.SharedWorker;")
    visit.open()
    visit.sample("coffee")
    visit.find("[value=fast]").check()
    id = visit.generate()
    visit.wait_for_model()
    asked = [one for one in visit.requests if one.url.endswith(f"/api/jobs/{id}")]
    assert len(asked) >= 2 and not [one for one in visit.requests if "/events" in one.url]


def test_a_stale_tab_says_so_and_shows_the_new_mesh(visitor: Visitor, own_coffee: str, site: WebServer) -> None:
    visit = visitor()
    visit.expected = ("409",)
    visit.open(own_coffee)
    before = visit.revision
    site.post(f"/api/jobs/{own_coffee}/shape", {"settings": {"detail": 100, "near": 1.0, "far": 6.0}})
    counts = site.wait(own_coffee)["result"]["counts"]
    visit.find("a[data-format=ply]").click()
    expect(visit.find("#download-failure")).to_contain_text("Another page has changed this mesh", timeout=PATIENCE)
    visit.wait_for(lambda: visit.revision > before)
    assert visit.vertices() == counts["vertices"]
    number = visit.find("#shape [data-name=detail] input[type=number]")
    expect(number).to_have_value("100")
    with visit.page.expect_download(timeout=60_000):
        visit.find("a[data-format=ply]").click()
    expect(visit.find("#download-failure")).to_be_hidden()


@pytest.mark.thorough
def test_a_tab_that_is_seen_again_shows_the_new_mesh(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    before = visit.revision
    site.post(f"/api/jobs/{own_coffee}/shape", {"settings": {"detail": 100}})
    site.wait(own_coffee)
    visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    visit.wait_for(lambda: visit.revision > before)
