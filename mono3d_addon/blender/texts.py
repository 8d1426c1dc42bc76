# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates the add-on's sentences to the language of Blender's interface.

Blender itself translates the labels of properties, operators and panels. A sentence with {placeholders} is translated
first and filled in afterwards.
"""

from typing import Any

import bpy


def text(sentence: str, **values: Any) -> str:
    """Returns `sentence` translated, its {placeholders} filled with `values`."""
    translated = bpy.app.translations.pgettext_iface(sentence)
    return translated.format(**values) if values else translated


def label(layout: Any, sentence: str, icon: str = "NONE", **values: Any) -> None:
    """Shows `sentence` translated, its {placeholders} filled with `values`; Blender does not translate it again."""
    layout.label(text=text(sentence, **values), translate=False, icon=icon)
