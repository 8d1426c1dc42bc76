# SPDX-License-Identifier: GPL-3.0-or-later
"""One server and one browser for all tests; a visitor for each."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.web.web_server import PHOTOS, WebServer, need_packages, serving

if TYPE_CHECKING:
    from tests.browser.visit import Visit, Visitor

CHROMIUM = os.environ.get("MONO3D_TEST_CHROMIUM", "")
FLAGS = [
    # Chromium refuses root, which containers run as; WebGL without a graphics card.
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # Debian's Chromium asks for it; without a card it is slower than to draw the page without WebGL.
    "--disable-gpu-rasterization",
    # A camera that shows a test picture.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

collect_ignore_glob = [] if importlib.util.find_spec("playwright") else ["test_*.py"]
"""The part 'browser' of tests/run.py brings Playwright."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks everything here, and leaves it out where no browser is named."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no browser (run 'python3 tests/run.py browser')"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server with one worker; whatever visitors did to it, it has not met anything unforeseen."""
    need_packages()
    with serving(tmp_path_factory.mktemp("site")) as running:
        yield running
        assert "Traceback" not in running.text() and "unforeseen" not in running.text(), running.text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Any, site: WebServer) -> Iterator[Visitor]:
    """Makes visitors; at the end each is asked whether all went as it should."""
    from tests.browser.visit import STANDARD, Visit

    contexts: list[Any] = []
    visits: list[Visit] = []

    def make(address: str = "", **details: Any) -> Visit:
        contexts.append(browser.new_context(**STANDARD | details))
        visits.append(Visit(contexts[-1], address or site.address))
        return visits[-1]

    yield make
    try:
        for visit in visits:
            visit.clean()
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def visit(visitor: Visitor) -> Visit:
    """A visitor with a desktop computer."""
    return visitor()


@pytest.fixture(scope="session")
def coffee(site: WebServer) -> str:
    """A finished job; tests may look at it and download, but not shape it."""
    from tests.browser.visit import made

    return made(site, {"detail": 300})


@pytest.fixture
def own_coffee(site: WebServer) -> str:
    """A finished job of a test's own."""
    from tests.browser.visit import made

    return made(site, {"detail": 300})


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo on which the network works for some seconds with *Fine detail* and *Mirror average*."""
    path = tmp_path_factory.mktemp("large") / "large cup.jpg"
    with Image.open(PHOTOS / "coffee.png") as photo:
        photo.convert("RGB").resize((3000, 2000), Image.Resampling.BICUBIC).save(path, quality=90)
    return path
