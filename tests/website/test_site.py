# SPDX-License-Identifier: GPL-3.0-or-later
"""The built documentation site: without warnings, every link right, complete by itself, usable on a phone."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("MONO3D_TEST_CHROMIUM") or shutil.which("chromium") or ""
LOADS = {"script", "img", "link", "source", "iframe", "video", "audio"}
"""Elements whose address is loaded with the page; a link of <a> is only followed."""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs website/requirements.txt")


class Addresses(HTMLParser):
    """The addresses in a page, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "srcset") and value:
                self.links.append((tag, value))
            elif name in ("id", "name") and value:
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "built"
    done = subprocess.run(
        [sys.executable, "-m", "website", "-o", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Addresses]:
    found = {path: Addresses(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    assert len(found) > 20
    return found


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Addresses]) -> None:
    checked = 0
    # The page for wrong addresses is shown at any of them, so its own are absolute.
    for path, page in pages.items():
        for _tag, address in page.links if path.name != "404.html" else []:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path.name} links to {address}"
            assert target.is_relative_to(site), f"{path.name} links out of the site: {address}"
            if parts.fragment and not parts.fragment.startswith("__"):
                assert unquote(parts.fragment) in pages[target].anchors, f"{path.name}: there is no {address}"
            checked += 1
    assert checked > 1000


def test_nothing_is_loaded_from_other_hosts(site: Path, pages: dict[Path, Addresses]) -> None:
    for path, page in pages.items():
        outside = [one for tag, one in page.links if tag in LOADS and urlsplit(one).netloc]
        assert not outside, f"{path.name} loads {outside}"
    for path in site.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", path.read_text(encoding="utf-8")), path.name


def test_no_markup_is_left(pages: dict[Path, Addresses]) -> None:
    """MkDocs wants more indentation within lists than others; what it does not take for code becomes a paragraph."""
    for path in pages:
        _, _, article = path.read_text(encoding="utf-8").partition("<article")
        text = re.sub(r"<pre.*?</pre>|<code.*?</code>", "", article.partition("</article>")[0], flags=re.DOTALL)
        text = re.sub(r"<[^>]+>", "", text)
        found = [line for line in text.splitlines() if re.search(r"^\s*python3 -m|```|\]\(|^\s*[|]", line)]
        assert not found, f"{path.name}: {found[:3]}"


def test_every_code_block_has_a_way_to_copy_it_and_keeps_its_text(site: Path) -> None:
    text = (site / "get_started.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", text)
    assert "python3 -m mono3d_addon --install tests/photos/coffee.png -o out/" in shown
    assert "content.code.copy" in text


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium")
@pytest.mark.parametrize("size", [(1280, 900), (360, 740)], ids=["desktop", "phone"])
def test_pages_in_a_browser(address: str, pages: dict[Path, Addresses], size: tuple[int, int]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            requested: list[str] = []
            errors: list[str] = []
            page.on("request", lambda request: requested.append(request.url))
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            for path in pages:
                if path.name == "404.html":
                    continue
                page.goto(address + path.name, wait_until="load")
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= size[0], f"{path.name} is {width} wide"
                broken = "[...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
                assert page.evaluate(broken) == [], path.name
            page.goto(address + "index.html", wait_until="load")
            # The key opens the search, whose field a phone hides.
            page.keyboard.press("s")
            page.locator("input[name=query]").press_sequentially("watertight", delay=20)
            page.locator(".md-search-result__item a").first.wait_for(timeout=60_000)
        finally:
            browser.close()
    assert [one for one in requested if not one.startswith((address, "data:", "blob:"))] == []
    assert errors == []
