# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates the add-on's sentences to the language of Blender's interface.

Blender itself translates the labels of properties, operators and panels, in the context CONTEXT. A sentence with
{placeholders} is translated first and filled in afterwards. What the worker says arrives filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import bpy

from .languages import CONTEXT, catalogue

_LEAST_LETTERS = 4


def text(sentence: str, **values: Any) -> str:
    """Returns `sentence` translated, its {placeholders} filled with `values`."""
    translated = bpy.app.translations.pgettext_iface(sentence, CONTEXT)
    return translated.format(**values) if values else translated


def n_(sentence: str) -> str:
    """Returns `sentence` as it is: marks one that is translated later, by `text` or `filled`."""
    return sentence


def filled(words: str) -> str:
    """Returns a sentence translated whose placeholders are filled in already, as it is if the catalogue lacks it."""
    translated = text(words)
    language = bpy.app.translations.locale
    return translated if translated != words or not catalogue(language) else _matched(words, language)


def listed(words: Iterable[str]) -> str:
    """Returns words and phrases, filled in already, each translated, as a list with commas."""
    return ", ".join(map(filled, words))


@lru_cache(maxsize=256)
def _matched(words: str, language: str) -> str:
    for pattern, sentence in _patterns(language):
        if found := pattern.fullmatch(words):
            return sentence.format(**{name: filled(value) for name, value in found.groupdict().items()})
    return words


@lru_cache(maxsize=8)
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Returns the sentences with placeholders of a language as patterns, each with its translation.

    Those with most words of their own come first; those with hardly any, which fit every sentence, are left out.
    """
    own = {original: len(re.sub(r"\{\w+\}|\W", "", original)) for original in catalogue(language) if "{" in original}
    originals = sorted((one for one, letters in own.items() if letters >= _LEAST_LETTERS), key=lambda one: -own[one])
    return tuple(
        (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(one))), catalogue(language)[one])
        for one in originals
    )


def label(layout: Any, sentence: str, icon: str = "NONE", **values: Any) -> None:
    """Shows `sentence` translated, its {placeholders} filled with `values`; Blender does not translate it again."""
    layout.label(text=text(sentence, **values), translate=False, icon=icon)
