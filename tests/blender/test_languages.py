# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations: none is missing or stale, placeholders agree, and Blender shows them."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blf
import pytest

from mono3d_addon.blender import languages, model_lines, properties, readiness, registration, state, texts
from mono3d_addon.blender.scene import build, restyle
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.errors import Mono3DError
from mono3d_addon.languages import catalogue
from mono3d_addon.settings import PRESETS
from tests.blender import drawn, made, stand_in, translatable
from tests.blender.made import bpy

FOLDER = Path(languages.__file__).parent


def pair(original: str) -> str:
    return f'msgid {json.dumps(original, ensure_ascii=False)}\nmsgstr ""\n'


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_no_text_is_missing_or_stale(registered: None, language: str) -> None:
    wanted, known = translatable.texts(), languages.catalogue(language)
    missing = "\n".join(pair(one) for one in sorted(wanted - set(known)))
    assert not missing, f"{languages.LANGUAGES[language]}.po lacks\n{missing}"
    stale = sorted(set(catalogue(languages.LANGUAGES[language], FOLDER)) - wanted)
    assert not stale, f"Blender's {languages.LANGUAGES[language]}.po has texts that nothing shows: {stale}"


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
    assert (
        texts.filled("Distances: estimated 0.51 to 1.1 m (rough).") == "Entfernungen: geschätzt 0.51 bis 1.1 m (grob)."
    )
    assert texts.filled("a sentence that nobody has translated") == "a sentence that nobody has translated"


_OTHER = str.maketrans({letter: chr(0x0410 + number) for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")})
_NAMES = frozenset({"Mono3D", "Blender", "MiDaS", "Apache", "later"})
"""What no language translates, beside the names of models."""


@pytest.fixture
def foreign(registered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blender in a language without small Latin letters, of which a complete catalogue is there."""

    def foreign_of(original: str) -> str:
        return "".join(
            part if part.startswith("{") else part.translate(_OTHER) for part in re.split(r"(\{\w+\})", original)
        )

    words = {one: foreign_of(one) for one in translatable.texts()}
    translations = types.SimpleNamespace(locale="xx", pgettext_iface=lambda one, context: words.get(one, one))
    monkeypatch.setattr(texts, "bpy", types.SimpleNamespace(app=types.SimpleNamespace(translations=translations)))
    monkeypatch.setattr(texts, "catalogue", lambda language: words)
    for cache in (texts._patterns, texts._matched):
        cache.cache_clear()
    yield
    for cache in (texts._patterns, texts._matched):
        cache.cache_clear()


def check_foreign(layout: stand_in.Layout) -> None:
    """Checks that no text that is drawn is English, but for names."""
    names = {*_NAMES, *(word for model in MODELS.values() for word in re.findall(r"\w+", model.title))}
    assert layout.said
    for line in layout.said:
        english = [one for one in re.findall(r"[A-Za-z]*[a-z]{3,}\w*", line) if one not in names]
        assert not english, line


@pytest.mark.parametrize("is_bare", [False, True])
def test_nothing_that_is_drawn_stays_english(
    foreign: None, is_bare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    readiness.refresh()
    state.current.offer = state.Offer("1 MB", bytes=1_000_000) if is_bare else None
    readiness._note_what_is_lacking(is_complete=not is_bare)
    values: Any = bpy.context.scene
    check_foreign(drawn.draw_all())
    values.mono3d.photo = "/x.jpg"
    for name in MODELS:
        values.mono3d.model = name
        check_foreign(drawn.draw_all())
    values.mono3d.model = "starter"
    download: Any = types.SimpleNamespace(model=MODELS["dpt_large_384"], fraction=0.5)
    download.stage = "Downloading dpt_large_384.pt: 1.0 of 2.0 MB"
    monkeypatch.setattr(state.current, "download", download)
    model_lines.draw_list(layout := stand_in.Layout())  # type: ignore[arg-type]
    check_foreign(layout)
    assert f"1.0 {'of'.translate(_OTHER)} 2.0 MB 50%" in layout.said
    monkeypatch.setattr(state.current, "download", None)
    readiness.offer_next_step("starter")
    assert state.current.next_step is not None
    model_lines.draw_next_step(layout := stand_in.Layout())
    check_foreign(layout)
    result = made.reconstruction(tmp_path, made.camera(60, 40), 8, 12)
    owner: Any = build.build(dataclasses.replace(result, name="X"), bpy.context.scene).mesh
    bpy.context.view_layer.objects.active = owner
    check_foreign(drawn.draw_all())
    owner.material_slots[0].material.node_tree.nodes.clear()
    try:
        restyle.restyle([owner], result.settings, dataclasses.replace(result.settings, shading="principled"))
    except Mono3DError as error:
        state.current.say(str(error), failed=True)
    assert state.current.sentences
    check_foreign(drawn.draw_all())


def test_a_sentence_that_is_filled_in_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        "Near {near} to {far} m": "{far} bis {near} m",
        "Near": "Nah",
        "lost.file {name}": "{name}!",
        "{a}, {b}": "{b}, {a}",
    }
    monkeypatch.setattr(texts, "catalogue", lambda language: words)
    texts._patterns.cache_clear()
    texts._matched.cache_clear()
    assert texts._matched("Near 0.5 to 2.25 m", "de_DE") == "2.25 bis 0.5 m"
    assert texts._matched("lost.file c", "de_DE") == "c!"
    assert texts._matched("lostxfile c", "de_DE") == "lostxfile c"
    assert texts._matched("one, two", "de_DE") == "one, two", "it has no words of its own"
    texts._patterns.cache_clear()
    texts._matched.cache_clear()


def test_registering_the_translations_takes_no_time() -> None:
    times = []
    for _ in range(5):
        languages.catalogue.cache_clear()
        catalogue.cache_clear()
        began = time.thread_time()
        languages.register("mono3d test")
        times.append(time.thread_time() - began)
        languages.unregister("mono3d test")
    print(f"{1000 * min(times):.1f} ms")
    assert min(times) < 0.01


_BESIDE_A_FIELD, _DEEPER, _BESIDE_A_BOX, _PRESET, _ROW, _TITLE = 95, 88, 108, 60, 205, 195
"""Pixels for a label at the usual width of the sidebar, as seen in the windows of `tests/programs`."""


@pytest.mark.smoke
@pytest.mark.parametrize("language", ["en_US", *languages.LANGUAGES])
def test_no_label_is_cut_at_the_usual_width(registered: None, language: str) -> None:
    def fits(label: str, room: int) -> None:
        shown = languages.catalogue(language).get(label, label)
        blf.size(0, 11.0)
        width = blf.dimensions(0, shown)[0]
        if width > room:
            cut.append(f"{shown}: {width:.0f} of {room} pixels")

    cut: list[str] = []
    for name, item in properties.FIELDS.items():
        is_basic = item.choice.level == "basic"
        label = bpy.context.scene.mono3d.bl_rna.properties[name].name
        fits(label, _BESIDE_A_BOX if item.kind is bool else _BESIDE_A_FIELD if is_basic else _DEEPER)
    for name in PRESETS:
        fits(bpy.context.scene.mono3d.bl_rna.properties["preset"].enum_items[name].name, _PRESET)
    classes: tuple[Any, ...] = registration.classes()
    for cls in classes:
        if issubclass(cls, bpy.types.Panel):
            fits(cls.bl_label, _TITLE)
    for name in ("generate", "look_through_camera", "show_depth", "pick_distances", "remesh"):
        fits(getattr(bpy.ops.mono3d, name).get_rna_type().name, _ROW)
    for sentence in ("Choose a photo, or drop it here.", "Allow Online Access …", "From Selected Vertices"):
        fits(sentence, _ROW)
    assert not cut, "\n".join(cut)
