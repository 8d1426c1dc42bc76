# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms for issues, the citation file, and the notices of third parties."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
KINDS = {"markdown", "textarea", "dropdown", "checkboxes", "input"}

pytestmark = pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="needs website/requirements.txt")


def loaded(path: Path) -> Any:
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [one for one in FORMS if one.name != "config.yml"], ids=lambda path: path.stem)
def test_forms_are_complete(path: Path) -> None:
    form = loaded(path)
    assert form["name"] and form["description"] and form["body"]
    fields = [one for one in form["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in form["body"]} <= KINDS
    assert len({one["id"] for one in fields}) == len(fields)
    assert all(one["attributes"]["label"] for one in fields if one["type"] != "checkboxes")
    assert any(one.get("validations", {}).get("required") for one in fields)


@pytest.mark.parametrize("name", ["problem", "result"])
def test_reports_of_problems_ask_for_the_report(name: str) -> None:
    form = loaded(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml")
    (report,) = [one for one in form["body"] if one.get("id") == "report"]
    assert "Copy Report" in report["attributes"]["description"]
    assert report["validations"]["required"]
    # The button has this name in Blender.
    assert 'bl_label = "Copy Report"' in (ROOT / "mono3d_addon/blender/reports.py").read_text(encoding="utf-8")


def test_the_citation_names_the_version_and_the_papers() -> None:
    citation = loaded(ROOT / "CITATION.cff")
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert citation["version"] == manifest["version"]
    assert citation["cff-version"] == "1.2.0" and citation["title"] and citation["authors"] and citation["message"]
    titles = " ".join(one["title"] for one in citation["references"])
    for paper in (
        "Towards Robust Monocular Depth Estimation",
        "Vision Transformers for Dense Prediction",
        "MiDaS v3.1",
    ):
        assert paper in titles
