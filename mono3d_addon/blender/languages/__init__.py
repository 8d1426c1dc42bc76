# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations: a catalogue per language, registered with Blender's own system. Imports no bpy at first.

A catalogue is a file of pairs in gettext's form, `msgid "English"` and `msgstr "other"`, each string in one line, so
that editors for translators open it. The tests keep it complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

CONTEXT = "Mono3D"
"""The context of the add-on's labels, which Blender's own words of the same spelling do not change."""

LANGUAGES: Mapping[str, str] = {"de_DE": "de", "fr_FR": "fr"}
"""Blender's name of each language -> name of its file."""

_PAIR = re.compile(r'^msgid (".*")\nmsgstr (".*")$', re.MULTILINE)


@lru_cache(maxsize=8)
def catalogue(language: str) -> Mapping[str, str]:
    """Returns the texts of a language by the English ones; none for a language without a catalogue."""
    name = LANGUAGES.get(language)
    if name is None:
        return {}
    content = (Path(__file__).parent / f"{name}.po").read_text(encoding="utf-8")
    found = [one for pair in _PAIR.findall(content) for one in pair]
    texts = json.loads(f"[{','.join(found)}]")
    return dict(zip(texts[::2], texts[1::2], strict=True))


def register(name: str) -> None:
    """Gives Blender all texts, for the module `name`: as labels in CONTEXT, as tooltips without one."""
    import bpy

    found = {}
    for language in LANGUAGES:
        texts = catalogue(language)
        found[language] = {(context, original): text for original, text in texts.items() for context in _contexts()}
    bpy.app.translations.register(name, found)


def _contexts() -> tuple[str, ...]:
    import bpy

    contexts: Any = bpy.app.translations.contexts
    return (CONTEXT, contexts.default)


def unregister(name: str) -> None:
    """Takes them back."""
    import bpy

    bpy.app.translations.unregister(name)
