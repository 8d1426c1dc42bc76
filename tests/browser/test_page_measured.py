# SPDX-License-Identifier: GPL-3.0-or-later
"""The page with a network that measures: its lens and distances are told, and the slider goes on from them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests import exact_network as exact
from tests.browser.visit import Visitor
from tests.exact_files import POINTS, data_folder, depth_errors
from tests.web.web_server import DATA, serving


def test_the_page_tells_what_was_measured_and_shapes_it(visitor: Visitor, tmp_path: Path) -> None:
    data = data_folder(tmp_path / "data", POINTS, DATA)
    with serving(tmp_path, data=data, program="tests.exact_worker") as site:
        visit = visitor(site.address)
        settings = {"model": POINTS, "detail": 320, "planes": False, "edges": "tear", "sky": "remove"}
        job = site.done(exact.photo(tmp_path), settings)
        visit.open(job)
        terms, words = visit.find("#facts dt").all_inner_texts(), visit.find("#facts dd").all_inner_texts()
        told = dict(zip(terms, words, strict=True))
        assert told["Camera"] == "estimated 62 degrees" and told["Model"] == POINTS, told
        before = site.status(job)["result"]["distances"]
        box = visit.find("#shape [data-name=near] input[type=number]")
        assert float(box.input_value()) == pytest.approx(before["near"]["metres"], rel=5e-3)
        box.fill("5")
        box.press("Enter")
        visit.page.wait_for_timeout(700)
        visit.wait_for(lambda: site.status(job)["state"] == "done" and not site.status(job)["is_draft"])
        visit.wait_for(lambda: site.status(job)["revision"] == visit.revision > 1)
        expect(visit.find("#shape-failure")).to_be_hidden()
        after = site.status(job)["result"]["distances"]
        assert after["near"] == {"metres": 5.0, "source": "set by you", "factor": 1.0, "is_rough": False}
        depth = np.load(io.BytesIO(site.get(f"/api/jobs/{job}/files/npy").body))
        # Near and far move the inverse depth linearly; undone, it is the truth again.
        (near, far), (wanted_near, wanted_far) = (
            [1.0 / one[name]["metres"] for name in ("near", "far")] for one in (before, after)
        )
        measured = (1.0 / depth - wanted_far) / (wanted_near - wanted_far) * (near - far) + far
        assert np.quantile(depth_errors((1.0 / measured).astype(np.float32), exact.eye()), 0.99) < 2e-3
        assert "Traceback" not in site.text() and "unforeseen" not in site.text(), site.text()
