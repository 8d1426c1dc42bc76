# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogues of translations: in order, and no text in two of them."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from mono3d_addon.languages import LANGUAGES, SHARED, catalogue

FOLDERS = {"shared": SHARED, "blender": SHARED.parent / "blender/languages", "web": SHARED.parent / "web/languages"}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_in_order(language: str, folder: Path) -> None:
    content = (folder / f"{language}.po").read_text(encoding="utf-8")
    pairs = re.findall(r"^msgid (.*)\nmsgstr (.*)$", content, re.MULTILINE)
    originals = [json.loads(one) for one, _ in pairs]
    assert len(set(originals)) == len(originals) == len(catalogue(language, folder)) > 100, "none twice"
    assert content.count("msgid") == content.count("msgstr") == len(pairs)
    for original, translated in catalogue(language, folder).items():
        assert translated, original
        assert placeholders(original) == placeholders(translated), original
        assert original.endswith(".") == translated.endswith("."), original
        assert translated == translated.strip() and "  " not in translated, original


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_in_one_catalogue(language: str) -> None:
    seen: dict[str, str] = {}
    for name, folder in FOLDERS.items():
        for text in catalogue(language, folder):
            assert text not in seen, f"'{text}' is in {seen[text]} and {name}; what both show belongs to the shared one"
            seen[text] = name


def test_every_language_has_the_same_texts() -> None:
    for folder in FOLDERS.values():
        texts = [set(catalogue(language, folder)) for language in LANGUAGES]
        assert texts[0] == texts[1], texts[0] ^ texts[1]


def test_there_is_no_catalogue_of_english() -> None:
    assert catalogue("en") == {} and catalogue("../de") == {}
