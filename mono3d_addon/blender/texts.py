# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of the add-on in the language of Blender's interface.

Blender translates the labels of properties, operators and panels itself. A sentence with values in it goes through
here: it is looked up as it stands in the code, with its {places}, and only then filled in.
"""

from typing import Any

import bpy


def text(sentence: str, **values: Any) -> str:
    """Returns `sentence` translated, its {places} filled with `values`."""
    translated = bpy.app.translations.pgettext_iface(sentence)
    return translated.format(**values) if values else translated


def label(layout: Any, sentence: str, icon: str = "NONE", **values: Any) -> None:
    """Shows `sentence` translated, its {places} filled with `values`; Blender shall not look it up again."""
    layout.label(text=text(sentence, **values), translate=False, icon=icon)
