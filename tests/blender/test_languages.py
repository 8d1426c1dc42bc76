# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations: none is missing or stale, placeholders agree, and Blender shows them."""

from __future__ import annotations

import json
import re
import string
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.blender import languages, texts
from tests.blender import translatable
from tests.blender.made import bpy

PATHS = {language: Path(languages.__file__).parent / f"{name}.po" for language, name in languages.LANGUAGES.items()}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def pair(original: str) -> str:
    return f'msgid {json.dumps(original, ensure_ascii=False)}\nmsgstr ""\n'


@pytest.mark.parametrize("language", PATHS)
def test_no_text_is_missing_or_stale(registered: None, language: str) -> None:
    wanted, found = translatable.texts(), set(languages.catalogue(language))
    missing = "\n".join(pair(one) for one in sorted(wanted - found))
    assert not missing, f"{PATHS[language].name} lacks\n{missing}"
    stale = sorted(found - wanted)
    assert not stale, f"{PATHS[language].name} has texts that nothing shows: {stale}"


@pytest.mark.parametrize("language", PATHS)
def test_a_catalogue_is_in_order(language: str) -> None:
    content = PATHS[language].read_text(encoding="utf-8")
    pairs = re.findall(r"^msgid (.*)\nmsgstr (.*)$", content, re.MULTILINE)
    originals = [json.loads(one) for one, _ in pairs]
    assert len(set(originals)) == len(originals) == len(languages.catalogue(language)) > 200, "none twice"
    assert content.count("msgid") == content.count("msgstr") == len(pairs)
    for original, translated in languages.catalogue(language).items():
        assert translated, original
        assert placeholders(original) == placeholders(translated), original
        assert original.endswith(".") == translated.endswith("."), original
        assert translated == translated.strip() and "  " not in translated, original


@pytest.fixture
def german(registered: None) -> Iterator[None]:
    view = bpy.context.preferences.view
    if "de_DE" not in {item.identifier for item in view.bl_rna.properties["language"].enum_items}:
        pytest.skip("this Blender has no translations")
    before = view.language, view.use_translate_interface
    view.language, view.use_translate_interface = "de_DE", True
    yield
    view.language, view.use_translate_interface = before


def test_blender_shows_the_translation(german: None) -> None:
    assert texts.text("Camera: {source}", source="EXIF") == "Kamera: EXIF"
    assert texts.filled("Estimating depth, 3 of 9") == "Tiefe wird geschätzt, 3 von 9"
    assert texts.filled("a sentence that nobody has translated") == "a sentence that nobody has translated"


def test_a_sentence_that_is_filled_in_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"Near {near} to {far} m": "{far} bis {near} m", "Near": "Nah", "a.b {name}": "{name}!"}
    monkeypatch.setattr(texts, "catalogue", lambda language: words)
    texts._patterns.cache_clear()
    texts._matched.cache_clear()
    assert texts._matched("Near 0.5 to 2.25 m", "de_DE") == "2.25 bis 0.5 m"
    assert texts._matched("axb c", "de_DE") == "axb c" and texts._matched("a.b c", "de_DE") == "c!"
    texts._patterns.cache_clear()
    texts._matched.cache_clear()


def test_registering_the_translations_takes_no_time() -> None:
    times = []
    for _ in range(5):
        languages.catalogue.cache_clear()
        began = time.perf_counter()
        languages.register("mono3d test")
        times.append(time.perf_counter() - began)
        languages.unregister("mono3d test")
    print(f"{1000 * min(times):.1f} ms")
    assert min(times) < 0.01
