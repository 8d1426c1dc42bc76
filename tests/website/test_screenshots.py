# SPDX-License-Identifier: GPL-3.0-or-later
"""The screenshots of the documents come from the tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from mono3d_addon.version import ROOT
from website import screenshots


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Screenshots of the sizes that the tests take."""
    for one in screenshots.SCREENSHOTS:
        path = tmp_path / f"{one.shot.format(blender='debian-trixie')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (1366, 1487) if "desktop" in one.shot else (750, 1624) if "phone" in one.shot else (1400, 900)
        size = (1806, 1500) if "sheet" in one.shot else size
        Image.linear_gradient("L").resize(size).save(path)
    return tmp_path


def test_each_picture_is_cut_from_its_screenshot(shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "docs"
    out.mkdir()
    assert screenshots.main([str(shots), "--out", str(out)]) == 0
    for one in screenshots.SCREENSHOTS:
        with Image.open(out / one.name) as made:
            left, upper, right, lower = one.box
            assert made.width == (one.width or right - left)
            assert abs(made.height / made.width - (lower - upper) / (right - left)) < 0.01
            # Nothing is cut outside the screenshot, where there would be black.
            assert made.convert("L").crop((0, made.height - 2, made.width, made.height)).histogram()[:21] == [0] * 21


def test_a_missing_screenshot_is_named_and_the_others_are_made(
    shots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shots / "debian-trixie" / "13 depth.png").unlink()
    out = tmp_path / "docs"
    out.mkdir()
    assert screenshots.main([str(shots), "--out", str(out)]) == 1
    assert re.search(r"There is no screenshot .*13 depth\.png\.", capsys.readouterr().err)
    assert len(list(out.iterdir())) == len(screenshots.SCREENSHOTS) - 1


def test_the_tests_take_these_screenshots_and_the_documents_show_them() -> None:
    tests = "\n".join(path.read_text("utf-8") for part in ("programs", "browser") for path in _sources(part))
    documents = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    for one in screenshots.SCREENSHOTS:
        words = re.sub(r"^(desktop|dark|phone) (?=\d)", "", one.shot.rpartition("/")[2])
        assert f'{words}"' in tests, words
        assert one.name in documents, one.name


def _sources(part: str) -> list[Path]:
    return sorted((ROOT / "tests" / part).glob("test_*.py"))
