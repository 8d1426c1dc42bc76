# SPDX-License-Identifier: GPL-3.0-or-later
"""What a visitor sees while a photo is worked on, and that neither a reload nor a lost server ends it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.visit import PATIENCE, PHOTOS, Visit, Visitor
from tests.processes import children
from tests.web.web_server import WebServer, serving

SLOW = {"tiles": "on", "flip": True}
"""Settings that have the network run many times."""


def generate_slowly(visit: Visit, photo: Path) -> str:
    """Generates with settings that have the network run many times and returns the job's id."""
    visit.open()
    visit.choose(photo)
    visit.find("#form [data-group=Quality] > summary").click()
    visit.find("#form [data-group=Quality] .more > summary").click()
    visit.find("#form-tiles").select_option("on")
    visit.find("#form-flip").check()
    return visit.generate()


@contextlib.contextmanager
def held(site: WebServer) -> Iterator[None]:
    """Has the workers stand still, so that a small job runs for as long as it is looked at."""
    # A photo that was cancelled may still occupy a worker, which would be replaced if it stood still now.
    site.done()
    workers = children(site.process.pid)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)


def generate_coffee(visit: Visit) -> str:
    """Generates a small mesh and returns the job's id."""
    visit.open()
    visit.sample("coffee")
    visit.find("[value=fast]").check()
    return visit.generate()


_RECORD = """
window.seen = [];
new MutationObserver(() => {
  const [words, bar] = ["stage-words", "bar"].map((id) => document.getElementById(id));
  window.seen.push([words.textContent, bar.hasAttribute("value") ? bar.value : null]);
}).observe(document.getElementById("working"), { subtree: true, childList: true, attributes: true });
"""


def test_stages_and_a_share_that_grows_are_shown(visit: Visit, large: Path) -> None:
    visit.page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {_RECORD} }});")
    generate_slowly(visit, large)
    expect(visit.find("#working-title")).to_be_focused()
    visit.wait_for_model()
    seen = visit.page.evaluate("window.seen")
    stages = {stage for stage, _ in seen}
    shares = [share for stage, share in seen if share is not None and stage != "Uploading the photo"]
    assert any("depth" in stage.lower() for stage in stages), stages
    assert len(set(shares)) >= 4 and shares == sorted(shares) and 0.0 < shares[len(shares) // 2] < 1.0
    expect(visit.find("#result-title")).to_be_focused()


def test_a_running_job_is_cancelled_and_the_photo_stays(visit: Visit, site: WebServer, large: Path) -> None:
    job = generate_slowly(visit, large)
    visit.wait_for(lambda: site.status(job)["state"] == "running")
    visit.shot("working")
    visit.find("#cancel").click()
    expect(visit.find("#generate")).to_be_focused()
    expect(visit.find("#preview")).to_be_visible()
    assert visit.job == ""
    visit.wait_for(lambda: site.status(job)["state"] == "cancelled", 10.0)


@pytest.mark.thorough
def test_the_place_in_the_queue_is_shown(visit: Visit, site: WebServer, large: Path) -> None:
    before = [site.started(large, SLOW) for _ in range(3)]
    try:
        visit.open()
        visit.sample("coffee")
        visit.generate()
        expect(visit.find("#stage-words")).to_have_text("Waiting, 2 before you", timeout=10_000)
        visit.shot("queue")
        site.post(f"/api/jobs/{before[2]}/cancel")
        expect(visit.find("#stage-words")).to_have_text("Waiting, 1 before you")
    finally:
        for job in before[:2]:
            site.post(f"/api/jobs/{job}/cancel")
    visit.wait_for_model()


@pytest.mark.usefixtures("coffee")  # and so a worker
def test_a_reload_finds_the_running_job_and_its_result(visit: Visit, site: WebServer) -> None:
    with held(site):
        job = generate_coffee(visit)
        visit.page.reload()
        assert visit.job == job
        expect(visit.find("#stage-words")).not_to_be_empty()
        assert site.wait(job, "running", seconds=10.0)
    visit.wait_for_model()
    vertices = visit.vertices()
    visit.page.reload()
    visit.wait_for_model()
    assert visit.vertices() == vertices


def test_back_leads_to_the_photo_and_forward_to_the_result(visit: Visit) -> None:
    generate_coffee(visit)
    visit.wait_for_model()
    visit.page.go_back()
    expect(visit.find("#preview")).to_be_visible()
    assert visit.find("[value=fast]").is_checked()
    visit.page.go_forward()
    expect(visit.find("#studio")).to_be_visible()


def test_a_job_that_is_not_kept_any_more_is_told(visit: Visit) -> None:
    visit.expected = ("404",)
    visit.page.goto(f"{visit.address}/#job=nothing-here")
    expect(visit.find("#failure")).to_have_text("This result is no longer available; choose the photo again.")
    expect(visit.find("#choose-file")).to_be_visible()


def test_a_result_is_removed_from_the_server(visit: Visit, own_coffee: str, site: WebServer) -> None:
    visit.open(own_coffee)
    visit.page.once("dialog", lambda dialog: dialog.accept())
    visit.find("#remove").click()
    expect(visit.find("#choose-file")).to_be_visible()
    assert site.get(f"/api/jobs/{own_coffee}").status == 404


def test_a_server_that_is_away_is_told_and_the_job_goes_on(visit: Visit, large: Path) -> None:
    visit.expected = ("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED")
    job = generate_slowly(visit, large)
    visit.page.context.set_offline(True)
    expect(visit.find("#away")).to_contain_text("The server does not answer", timeout=PATIENCE)
    time.sleep(1.0)
    visit.page.context.set_offline(False)
    expect(visit.find("#away")).to_be_hidden(timeout=10_000)
    visit.wait_for_model()
    assert visit.job == job


@pytest.mark.thorough
def test_the_time_that_it_takes_is_shown(visit: Visit, large: Path) -> None:
    generate_slowly(visit, large)
    expect(visit.find("#elapsed")).to_have_text(re.compile(r"^[1-9]\d* s$"), timeout=20_000)
    visit.wait_for_model()
    assert re.match(r"^\d+\.\d s \(.*depth \d", visit.find("#facts dt:text-is('Time') + dd").inner_text())


@pytest.mark.thorough
def test_a_photo_dropped_while_another_is_worked_on_takes_its_place(visit: Visit, site: WebServer, large: Path) -> None:
    job = generate_slowly(visit, large)
    visit.find("#file").set_input_files(PHOTOS / "astronaut.png")
    expect(visit.find("#chosen-name")).to_contain_text("astronaut.png")
    expect(visit.find("#generate")).to_be_visible()
    assert site.wait(job, seconds=20.0)["state"] == "cancelled"


@pytest.mark.thorough
def test_a_server_that_began_anew_has_lost_the_job_and_says_so(visitor: Visitor, tmp_path: Path, large: Path) -> None:
    with serving(tmp_path) as first:
        visit = visitor(first.address)
        visit.expected = ("Failed to load resource", "ERR_")
        generate_slowly(visit, large)
        first.stop()
        expect(visit.find("#away")).to_contain_text("The server does not answer")
        with serving(tmp_path, "--port", str(first.port)):
            expect(visit.find("#failure")).to_contain_text("no longer available", timeout=30_000)
            expect(visit.find("#away")).to_be_hidden()
            expect(visit.find("#preview")).to_be_visible()
            visit.find("[value=fast]").check()
            visit.generate()
            visit.wait_for_model()
            visit.clean()
