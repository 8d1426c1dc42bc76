# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues of translations, and the one that Blender and the web page share: settings, models, what the worker says.

A catalogue is a file of pairs in gettext's form, `msgid "English"` and `msgstr "other"`, each string in one line, so
that editors for translators open it. What only one program says is in a catalogue of its own. The tests keep all of
them complete. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

SHARED = Path(__file__).parent

LANGUAGES: Mapping[str, str] = MappingProxyType({"de": "Deutsch", "fr": "Français"})
"""Code of each language besides English, which is the name of its files -> what it calls itself."""

_PAIR = re.compile(r'^msgid (".*")\nmsgstr (".*")$', re.MULTILINE)


@lru_cache(maxsize=16)
def catalogue(language: str, folder: Path = SHARED) -> Mapping[str, str]:
    """Returns the texts of a language in a folder by the English ones; none for a language without a catalogue."""
    if language not in LANGUAGES:
        return {}
    content = (folder / f"{language}.po").read_text(encoding="utf-8")
    found = [one for pair in _PAIR.findall(content) for one in pair]
    texts = json.loads(f"[{','.join(found)}]")
    return dict(zip(texts[::2], texts[1::2], strict=True))
