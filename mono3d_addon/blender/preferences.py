# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from . import model_lines, names, offers, preference_values, progress, properties, readiness, state, workers
from .enum_numbers import NUMBERS
from .preference_values import HABITS
from .texts import label

BACKENDS = {
    "auto": ("Automatic", "The best build for the graphics card among those whose files are pinned by hash"),
    "cpu": ("Processor", "Works on every machine; smallest download"),
    "cu126": ("CUDA 12.6", "NVIDIA cards of the 10 to 40 series, driver 525 or newer"),
    "cu128": ("CUDA 12.8", "NVIDIA cards from 2017 on, driver 525 or newer, 570 for the 50 series"),
    "cu130": ("CUDA 13.0", "NVIDIA cards from the 16 and 20 series on, driver 580 or newer"),
    "rocm": ("ROCm", "AMD cards on Linux"),
    "mps": ("Metal", "Apple silicon"),
    "xpu": ("Intel XPU", "Intel cards on Linux"),
}
"""Word of --backend -> label and description."""


_LETTERS, _LETTER_WIDTH, _MARGIN = 60, 6.5, 12
"""The least letters in a line, the pixels of one, and the letters that the frame around the preferences takes."""


def _refresh(values: Any, context: bpy.types.Context) -> None:
    readiness.refresh()


def _start_scenes(values: Any, context: bpy.types.Context) -> None:
    preference_values.start_scenes()


class _Habits:
    """Properties generated from `settings.Habits`."""

    __annotations__ = {
        name: properties.property_of(item, **({"update": _start_scenes} if name == "preset" else {}))
        for name, item in HABITS.items()
    }


class MONO3D_AP_preferences(_Habits, bpy.types.AddonPreferences):
    """Folders, defaults, installed packages, and models."""

    bl_idname = names.PACKAGE

    data_folder: StringProperty(  # type: ignore[valid-type]
        name="Data folder",
        description="Folder for packages, weights, cache and logs; empty: the extension's own",
        subtype="DIR_PATH",
        update=_refresh,
    )

    backend: EnumProperty(  # type: ignore[valid-type]
        name="Backend",
        description="Which build of PyTorch to install; Update replaces an installed one",
        items=[(word, label, text, NUMBERS["backend"][word]) for word, (label, text) in BACKENDS.items()],
        update=_refresh,
    )
    wheelhouse: StringProperty(  # type: ignore[valid-type]
        name="Wheelhouse",
        description="Folder made by 'python -m vendor_installer bundle', to install without a network",
        subtype="DIR_PATH",
        update=_refresh,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the settings, the installed packages and the models."""
        column = self.layout.column()
        column.use_property_split = True
        for name in ("data_folder", *offers.settings(), *HABITS):
            column.prop(self, name)
        folder = state.current.data_folder
        label(column, "In use: {folder}", folder=folder)
        label(column, "Log: {file}", file=workers.log_file(folder))
        width = _letters(context)
        offers.draw_plan(self.layout, width)
        progress.draw_sentences(self.layout, width)
        offers.draw_installed(self.layout)
        model_lines.draw_list(self.layout)


def _letters(context: bpy.types.Context) -> int:
    """Returns how many letters fit a line of the preferences, whose region is wider than the sidebar."""
    region, preferences = context.region, context.preferences
    if region is None or preferences is None:
        return _LETTERS
    return max(_LETTERS, int(region.width / (preferences.system.ui_scale or 1.0) / _LETTER_WIDTH) - _MARGIN)


CLASSES = (MONO3D_AP_preferences,)
