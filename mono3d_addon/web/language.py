# SPDX-License-Identifier: GPL-3.0-or-later
"""The language in which a visitor gets the page: the one chosen on it, else the first of the browser's that there is.

The HTTP interface itself speaks English; the page translates what it is told by the catalogue that it comes with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers

from ..languages import LANGUAGES, catalogue
from ..settings import Settings, fields_of
from .visitor import cookie_of

ENGLISH = "en"
NAMES: Mapping[str, str] = {ENGLISH: "English", **LANGUAGES}
"""Code of each language of the page -> what it calls itself."""

COOKIE = "mono3d_language"
"""Where the browser keeps the choice of a visitor."""

VARY = "Accept-Encoding, Accept-Language, Cookie"

FOLDER = Path(__file__).parent / "languages"
"""The catalogues of what only the page says."""

_MOST_WANTED = 20
_WORDS = re.compile(
    r'(?P<before>>\s*|\s(?:aria-label|aria-roledescription|alt|title)="|name="description" content=")'
    r"(?P<words>[^<>\"\s][^<>\"]*?)(?P<after>\s*<|\")"
)
"""A text in the page's HTML, between tags or in an attribute that is read by people."""


def wanted(headers: Headers) -> str:
    """Returns the code of the language for a request."""
    chosen = cookie_of(headers, COOKIE)
    if chosen in NAMES:
        return chosen
    weighed = []
    for part in headers.get("accept-language", "").lower().split(",")[:_MOST_WANTED]:
        name, _, weight = part.replace(" ", "").partition(";q=")
        weighed.append((-_as_weight(weight), name.partition("-")[0]))
    # The order of those with the same weight is the browser's.
    known = [name for weight, name in sorted(weighed, key=lambda one: one[0]) if name in NAMES and weight < 0]
    return known[0] if known else ENGLISH


@lru_cache(maxsize=8)
def texts(language: str) -> Mapping[str, str]:
    """Returns everything that the page may say in a language by the English texts; nothing for English."""
    shared = catalogue(language)
    return {**shared, **_without_units(shared), **catalogue(language, FOLDER)}


def texts_of(html: str) -> list[str]:
    """Returns the texts in HTML in their order, spaces and line breaks in them as one space."""
    return [_plain(found["words"]) for found in _WORDS.finditer(html)]


def translated(html: str, language: str) -> str:
    """Returns a page of HTML in a language; texts without a translation stay as they are."""
    known = texts(language)

    def put(found: re.Match[str]) -> str:
        return found["before"] + known.get(_plain(found["words"]), found["words"]) + found["after"]

    return _WORDS.sub(put, html).replace(f'<html lang="{ENGLISH}">', f'<html lang="{language}">')


def _without_units(known: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts of settings whose unit stands in brackets in Blender, which shows it nowhere else."""
    found = {}
    for item in fields_of(Settings):
        for text in (item.choice.label, item.choice.help):
            longer = next((one for one in known if one.startswith(f"{text} (")), "") if text not in known else ""
            if longer:
                found[text] = known[longer].rpartition(" (")[0]
    return found


def _plain(words: str) -> str:
    return " ".join(words.split())


def _as_weight(text: str) -> float:
    try:
        return min(float(text), 1.0) if text else 1.0
    except ValueError:
        return 0.0
