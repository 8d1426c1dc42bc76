# SPDX-License-Identifier: GPL-3.0-or-later
"""In Blender: counts, for each language, the texts that Blender does not translate as the catalogue says."""

import json
import sys

import bpy

PACKAGE = "bl_ext.user_default.mono3d.mono3d_addon.blender"
languages, texts = sys.modules[f"{PACKAGE}.languages"], sys.modules[f"{PACKAGE}.texts"]
view = bpy.context.preferences.view
view.use_translate_interface = view.use_translate_tooltips = True
found = {}
for language in languages.LANGUAGES:
    view.language = language
    catalogue = languages.catalogue(language)
    labels = [one for one, text in catalogue.items() if texts.text(one) != text]
    # Blender's own words come first where it has the same text.
    tooltips = [
        one for one, text in catalogue.items() if len(one) > 60 and bpy.app.translations.pgettext_tip(one) != text
    ]
    said = texts.filled("Distances: estimated 0.5 to 2 m.")
    found[language] = {"count": len(catalogue), "labels": labels, "tooltips": tooltips, "said": said}
print("FOUND " + json.dumps(found))
