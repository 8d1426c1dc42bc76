# SPDX-License-Identifier: GPL-3.0-or-later
"""The gallery: its photos have a licence and a source, its page and its pictures are those that the script makes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from website import gallery, photos
from website.blocks import anchor

PICTURES = photos.ROOT / "docs" / "pictures"
MOST_BYTES = 4_000_000


def test_the_page_is_up_to_date() -> None:
    facts = json.loads(gallery.FACTS.read_text(encoding="utf-8"))
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.page(facts)


def test_every_photo_has_pictures_a_licence_and_a_source() -> None:
    rows = photos.read()
    assert len(rows) == 12
    for photo in rows:
        for suffix in ("", "_photo", "_loop"):
            assert (PICTURES / "gallery" / f"{photo.name}{suffix}.webp").is_file()
        assert photo.author and photo.licence in photos.LICENCES
        if photo.kind == photos.IN_REPOSITORY:
            assert (photos.ROOT / photo.path).is_file()
        else:
            assert re.fullmatch("[0-9a-f]{64}", photo.sha256) and photo.size > 0
            assert re.fullmatch(r"(Debian|PyPI): \S+ \S+", photo.source)


def test_an_unknown_licence_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "photos.csv"
    table.write_text(photos.TABLE.read_text(encoding="utf-8").replace("CC0-1.0", "CC-BY-NC-4.0"), encoding="utf-8")
    monkeypatch.setattr(photos, "TABLE", table)
    with pytest.raises(ValueError, match="unknown licences CC-BY-NC-4.0"):
        photos.read()


def test_the_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.rglob("*.webp")}
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda one: -one[1])[:5]


def test_every_recipe_has_a_picture_and_a_drawing() -> None:
    text = (photos.ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    recipes = [anchor(heading) for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    assert len(recipes) == 20
    assert re.findall(r"pictures/cookbook/([\w-]+)\.webp", text) == recipes
    source = (photos.ROOT / "website" / "cookbook.py").read_text(encoding="utf-8")
    assert re.findall(r'^    "([a-z-]+)": ', source, re.MULTILINE) == recipes
