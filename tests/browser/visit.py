# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor: a page in a real browser, what it asked for and what went wrong in it."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.web.web_server import WebServer

SHOTS = os.environ.get("MONO3D_SCREENSHOTS", "")
PHOTOS = Path(__file__).resolve().parents[1] / "photos"
PATIENCE = 120_000
"""Milliseconds that a job may take here."""

DESKTOP = {"width": 1366, "height": 820}
STANDARD: dict[str, Any] = {"viewport": DESKTOP, "device_scale_factor": 0.5, "reduced_motion": "reduce"}
"""Half as many pixels as the layout has each way: without a graphics card, drawing takes much of the time."""
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 812},
    "device_scale_factor": 1,
    "is_mobile": True,
    "has_touch": True,
}

Picture = NDArray[np.float64]

_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
});
"""

_DROP = """
([name, kind, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: kind }));
  return held;
}
"""

_COPY = """
async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
}
"""


class Visit:
    """A page of the site at `address`. `clean` tells at the end whether all went as it should."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.requests: list[Request] = []
        self.troubles: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.add_init_script(_WATCH)
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def clean(self) -> None:
        """Asserts that nothing was asked of other hosts, nothing went wrong but `expected`, and the policy was kept."""
        here = urlsplit(self.address).netloc
        for request in self.requests:
            parts = urlsplit(request.url)
            assert parts.scheme in ("blob", "data") or parts.netloc == here, request.url
        troubles = [one for one in self.troubles if not any(word in one for word in self.expected)]
        assert not troubles, troubles
        assert self.page.evaluate("window.violations") == []

    def open(self, job: str = "") -> None:
        """Opens the page, or that of a job."""
        self.page.goto(f"{self.address}/{f'#job={job}' if job else ''}")
        if job:
            self.wait_for_model()
        else:
            expect(self.page.locator("#sample-list button").first).to_be_visible()

    def find(self, selector: str) -> Locator:
        """Returns what a selector leads to."""
        return self.page.locator(selector)

    def choose(self, path: Path) -> None:
        """Chooses a photo by the browser's file dialog."""
        with self.page.expect_file_chooser() as waiting:
            self.find("#choose-file").click()
        waiting.value.set_files(path)

    def drop(self, path: Path, kind: str = "image/png") -> None:
        """Drops a file onto the page."""
        held = self.page.evaluate_handle(_DROP, [path.name, kind, base64.b64encode(path.read_bytes()).decode()])
        for event in ("dragenter", "dragover"):
            self.page.dispatch_event("#settings-title", event, {"dataTransfer": held})
        expect(self.find("#dropping")).to_be_visible()
        self.page.dispatch_event("#settings-title", "drop", {"dataTransfer": held})
        expect(self.find("#dropping")).to_be_hidden()

    def paste(self, path: Path) -> None:
        """Copies a PNG to the clipboard and pastes it by the keys for that."""
        self.page.evaluate(_COPY, base64.b64encode(path.read_bytes()).decode())
        self.page.keyboard.press("ControlOrMeta+v")

    def sample(self, name: str) -> None:
        """Chooses a sample photo."""
        self.find(f"[data-sample='{name}']").click()

    def generate(self) -> str:
        """Presses Generate and returns the job's id."""
        self.find("#generate").click()
        self.page.wait_for_url("**/#job=*", timeout=PATIENCE)
        return self.job

    @property
    def job(self) -> str:
        """The id in the address."""
        return urlsplit(self.page.url).fragment.removeprefix("job=")

    def wait_for_model(self) -> None:
        """Returns when the mesh is seen, at rest."""
        self.page.wait_for_selector("#viewer[data-detail=whole]", timeout=PATIENCE)
        self.rest()

    @property
    def revision(self) -> int:
        """The revision of the mesh that is seen."""
        return int(self.find("#viewer").get_attribute("data-revision") or 0)

    def wait_for(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Returns what `condition` gives once it is true."""
        for _ in range(int(seconds / 0.1)):
            if found := condition():
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError("It did not come to be.")

    def rest(self) -> bytes:
        """Returns the 3D view, a PNG, once it stands still."""
        before = b""
        for _ in range(60):
            # What is asked for is drawn with the next frame, which on a busy machine comes late.
            self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            after = self.find("#canvas").screenshot()
            if after == before:
                return after
            before = after
            self.page.wait_for_timeout(100)
        raise AssertionError("The view does not come to rest.")

    def seen(self) -> Picture:
        """Returns the 3D view at rest, (height, width, 3), 0 to 1."""
        # The outline of the focus is no part of the model.
        self.page.evaluate("document.activeElement?.blur()")
        return as_picture(self.rest())

    def vertices(self) -> int:
        """Returns the number of vertices that the page tells of the whole mesh."""
        words = self.find("#facts dd").nth(1).inner_text()
        return int(words.split(" ", 1)[0].replace(",", ""))

    def shot(self, name: str, *, whole: bool = False) -> None:
        """Keeps a picture of the page for people, where one is wanted."""
        if SHOTS:
            folder = Path(SHOTS) / "web"
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png", full_page=whole)

    def fits(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


class Visitor(Protocol):
    """Makes visits: of the shared site or one at another address, with Playwright's details of a browser's context."""

    def __call__(self, address: str = "", **details: Any) -> Visit: ...


def made(site: WebServer, settings: dict[str, Any]) -> str:
    """Returns the id of a finished job with the cup of coffee, between the distances that a photo of one's own has."""
    answer = site.upload(None, {"near": 1.0, "far": 6.0} | settings, sample="coffee")
    assert answer.status == 202, answer.body
    id = str(answer.json()["id"])
    assert site.wait(id)["state"] == "done"
    return id


def as_picture(data: bytes) -> Picture:
    """Returns a PNG's or JPEG's pixels, (height, width, 3), 0 to 1."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"), np.float64) / 255


def difference(one: Picture, other: Picture) -> float:
    """Returns the mean difference of two pictures of one size."""
    return float(np.abs(one - other).mean())


def correlation(one: Picture, other: Picture) -> float:
    """Returns the correlation of two pictures of one size."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
