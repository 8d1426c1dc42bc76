# SPDX-License-Identifier: GPL-3.0-or-later
"""The translations of the add-on, registered with Blender's own system. Imports no bpy at first.

The add-on has the texts of the shared catalogue (`mono3d_addon/languages`) and those of the files here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...languages import catalogue as catalogue_of

CONTEXT = "Mono3D"
"""The context of the add-on's labels, which Blender's own words of the same spelling do not change."""

LANGUAGES: Mapping[str, str] = {"de_DE": "de", "fr_FR": "fr"}
"""Blender's name of each language -> name of its files."""


@lru_cache(maxsize=8)
def catalogue(language: str) -> Mapping[str, str]:
    """Returns the texts of a language by the English ones; none for a language without a catalogue."""
    name = LANGUAGES.get(language, "")
    return {**catalogue_of(name), **catalogue_of(name, Path(__file__).parent)}


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
