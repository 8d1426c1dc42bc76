# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a visitor of the web page waits for on slow lines: `python3 benchmarks/page.py --chromium FILE`.

Starts a server with one worker and visits it with Chromium, whose network is slowed down. It reports:

page          seconds from the address to the sample photos, without anything in the browser's cache
draft, whole  seconds from the end of the job to the first mesh that is shown, and to the complete one
slider draft  seconds from a key on a slider to the first changed mesh; "slider whole": to the complete one
MB            what was received meanwhile; of a slider's key: until the complete mesh

Needs Playwright, Pillow, and the installed packages (`python3 -m mono3d_addon web --install`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
LINES = {"10 Mbit/s + 40 ms": (10e6 / 8, 40), "1.6 Mbit/s + 150 ms": (1.6e6 / 8, 150)}
PATIENCE = 600_000

_WATCH = """
() => {
  const box = document.getElementById("viewer");
  window.shown = [];
  const note = () => {
    window.shown.push([Date.now() / 1000, Number(box.dataset.revision), box.dataset.detail ?? "whole"]);
  };
  if (box.dataset.revision) note();
  new MutationObserver(note).observe(box, { attributes: true, attributeFilter: ["data-revision", "data-detail"] });
}
"""


@dataclass
class Line:
    """A slowed-down connection and what it has received."""

    bytes: int = 0
    requests: int = 0

    def slow_down(self, page: Page, bytes_per_second: float, milliseconds: int) -> None:
        """Gives the network of a page this speed and latency."""
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": milliseconds,
                "downloadThroughput": bytes_per_second,
                "uploadThroughput": bytes_per_second,
            },
        )
        session.on("Network.dataReceived", self._received)
        session.on("Network.requestWillBeSent", self._asked)

    def _received(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]

    def _asked(self, event: dict[str, Any]) -> None:
        self.requests += 1

    def taken(self) -> float:
        """Returns the megabytes received since the last call."""
        found, self.bytes = self.bytes, 0
        return found / 1e6


@contextlib.contextmanager
def serving(data: Path, repository: Path) -> Iterator[str]:
    """Runs a server of a checkout during the block and yields its address."""
    command = [sys.executable, "-m", "mono3d_addon", "web", "--port", "0", "--no-open-browser", "--data-folder"]
    process = subprocess.Popen([*command, str(data)], cwd=repository, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def ended(address: str, job: str, after: int = 0) -> tuple[float, int]:
    """Waits until a job has a complete mesh later than the revision `after`.

    Returns when, in seconds since 1970, and its revision.
    """
    while True:
        with urllib.request.urlopen(f"{address}/api/jobs/{job}") as answer:
            status = json.load(answer)
        if status["state"] == "done":
            if status["revision"] > after and not status["is_draft"]:
                return time.time(), status["revision"]
            time.sleep(0.02)
            continue
        assert status["state"] in ("queued", "running"), status["error"]
        time.sleep(0.02)


def shown(page: Page, revision: int, detail: str) -> float:
    """Waits until a mesh of at least that revision and detail is shown; returns when, in seconds since 1970."""
    words = f"window.shown.find(([, seen, detail]) => seen >= {revision} && {json.dumps(detail)}.includes(detail))?.[0]"
    page.wait_for_function(f"() => {words}", timeout=PATIENCE)
    return float(page.evaluate(words))


def measure(browser: Browser, address: str, photo: Path, line: tuple[float, int]) -> dict[str, float]:
    """Returns the seconds and megabytes of one visit."""
    # Drawing without a graphics card would slow down the server.
    context = browser.new_context(viewport={"width": 1366, "height": 820}, reduced_motion="reduce")
    page, net = context.new_page(), Line()
    net.slow_down(page, *line)
    found: dict[str, float] = {}
    began = time.time()
    page.goto(address, timeout=PATIENCE)
    page.locator("#sample-list button").first.wait_for(timeout=PATIENCE)
    found["page"] = time.time() - began
    page.wait_for_load_state("networkidle", timeout=PATIENCE)
    found["page: requests"], found["page: MB"] = net.requests, net.taken()
    page.locator("#file").set_input_files(photo)
    page.evaluate(_WATCH)
    page.locator("#generate").click()
    page.wait_for_url("**/#job=*", timeout=PATIENCE)
    job = page.url.partition("=")[2]
    done, revision = ended(address, job)
    found["draft"] = shown(page, revision, "draft whole") - done
    found["whole"] = shown(page, revision, "whole") - done
    page.wait_for_load_state("networkidle", timeout=PATIENCE)
    page.wait_for_timeout(2000)
    found["result: MB"] = net.taken()
    slider = page.locator("#shape [data-name=near] input[type=range]")
    slider.focus()
    began = time.time()
    page.keyboard.press("ArrowRight")
    found["slider draft"] = shown(page, revision + 1, "draft whole") - began
    # A complete mesh replaces a draft that is not ready yet.
    found["slider whole"] = shown(page, ended(address, job, revision)[1], "whole") - began
    found["slider: MB"] = net.taken()
    context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what a visitor of the web page waits for on slow lines.")
    parser.add_argument("--chromium", required=True, help="Chromium's program")
    parser.add_argument("--runs", type=int, default=3, help="visits per line (default: 3)")
    parser.add_argument("--repository", type=Path, default=ROOT, help="the checkout to measure (default: this one)")
    parser.add_argument("--photo", type=Path, default=ROOT / "tests" / "photos" / "coffee.png", help="photo to send")
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving(options.data_folder, options.repository) as address,
        sync_playwright() as driver,
    ):
        large = Path(scratch) / "photo.jpg"
        with Image.open(options.photo) as picture:
            picture.convert("RGB").resize((4242, 2828), Image.Resampling.LANCZOS).save(large, quality=92)
        browser = driver.chromium.launch(executable_path=options.chromium, args=FLAGS)
        # The first photo loads the network.
        measure(browser, address, large, (1e9, 0))
        for name, line in LINES.items():
            runs = [measure(browser, address, large, line) for _ in range(options.runs)]
            print(f"{name}, {len(runs)} visits, a photo of 12 megapixels: median (lowest to highest)")
            for what in runs[0]:
                values = [run[what] for run in runs]
                print(
                    f"  {what:16} {statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})", flush=True
                )
        browser.close()


if __name__ == "__main__":
    main()
