# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind of scene in words, and its choice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit
from tests.web.web_server import COFFEE, WebServer


@pytest.mark.thorough
def test_a_kind_of_scene_sets_its_usual_distances(visit: Visit, site: WebServer) -> None:
    job = site.done(COFFEE.read_bytes(), {"detail": 200})
    visit.open(job)
    result = site.status(job)["result"]
    assert result["kind"] == "object"
    expect(visit.find("#shape-scene")).to_have_value("estimated")
    words = re.compile(r"^[\d.]+ to [\d.]+ m \((rough|estimated)\), an object$")
    expect(visit.find("#shape-scene-words")).to_have_text(words)
    expect(visit.find("#facts")).to_contain_text("an object")
    # Keeps the other distance, but not one that is chosen later.
    visit.find("#shape-near").fill("1")
    visit.find("#shape-scene").select_option("street")
    expect(visit.find("#shape-near")).to_have_value("3")
    visit.wait_for(lambda: not site.status(job)["is_draft"] and site.status(job)["revision"] == visit.revision > 1)
    near, far = (site.status(job)["result"]["distances"][name]["metres"] for name in ("near", "far"))
    assert (near, far) == (3.0, 33.0)
    expect(visit.find("#shape-scene-words")).to_have_text("3 to 33 m, a street")
    visit.shot("kind of scene", whole=True)
    visit.find("#shape-near").fill("0")
    expect(visit.find("#shape-far")).to_have_value("33")
    visit.find("#shape-far").fill("20")
    expect(visit.find("#shape-scene")).to_have_value("own")
    visit.find("#shape-scene").select_option("estimated")
    visit.wait_for(lambda: site.status(job)["result"]["distances"] == result["distances"])
