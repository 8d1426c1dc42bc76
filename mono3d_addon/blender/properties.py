# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's properties, generated from the settings."""

import math
import struct
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..depth.catalogue import MODELS
from ..errors import Mono3DError
from ..settings import (
    PRESETS,
    SettingField,
    Settings,
    check_value,
    fields_of,
    nearest,
    preset_of,
    preset_values,
)
from . import state
from .enum_numbers import NUMBERS
from .languages import CONTEXT
from .photos import chosen, description
from .scene_units import metres_per_unit

FIELDS = {item.name: item for item in fields_of(Settings)}
CUSTOM = "custom"
"""The preset that is shown where the settings are those of none."""


def _sets(name: str) -> str:
    """Returns what a preset sets, in words, such as "Detail 512 px, Fine detail auto"."""
    return ", ".join(f"{FIELDS[one].choice.label} {_in_words(one, value)}" for one, value in PRESETS[name].items())


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    unit = FIELDS[name].choice.unit
    return f"{value} {unit}" if unit else str(value)


_PRESET_ITEMS = [
    *(
        (name, name.capitalize(), f"Set {_sets(name)}; nothing else changes", NUMBERS["preset"][name])
        for name in PRESETS
    ),
    (CUSTOM, "Custom", "Values of your own", NUMBERS["preset"][CUSTOM]),
]

_SUBTYPES: dict[str, Any] = {"m": "DISTANCE", "deg": "ANGLE", "px": "PIXEL", "%": "PERCENTAGE"}
_PATH: dict[str, Any] = {"subtype": "FILE_PATH"}
if bpy.app.version >= (4, 5, 0):  # unknown before 4.5; since then a relative path without it causes a warning
    _PATH["options"] = {"PATH_SUPPORTS_BLEND_RELATIVE"}
_WORDS = {"x footprint": "median pixel footprints", "Mpx": "megapixels"}
"""Units that a tooltip explains."""

_IN_LABELS = frozenset({"mm", "min"})
"""Units that Blender's fields do not show."""


def groups() -> dict[str, list[SettingField]]:
    """Returns the settings by group, in order."""
    found: dict[str, list[SettingField]] = {}
    for item in FIELDS.values():
        found.setdefault(item.choice.group, []).append(item)
    return found


def read(values: Any) -> Settings:
    """Returns the settings stored in a `MONO3D_PG_settings`. Raises Mono3DError if they contradict each other."""
    return Settings(**{name: value_of(item, values) for name, item in FIELDS.items()})


def put_right(values: Any) -> list[str]:
    """Gives settings in a `MONO3D_PG_settings` that are out of bounds valid values; returns a sentence for each.

    Files of other versions have them, and scripts that set custom properties.
    """
    sentences = []
    for name, item in FIELDS.items():
        value = value_of(item, values)
        try:
            check_value(item, value)
        except Mono3DError as error:
            better = nearest(item, value)
            setattr(values, name, _to_blender(item, better, values.id_data))
            sentences.append(f"{error} It is set to {better} now.")
    return sentences


def value_of(item: SettingField, owner: Any) -> Any:
    """Returns the value of a setting from the property of `owner`."""
    return _from_blender(item, getattr(owner, item.name), owner.id_data)


def apply(values: Any, settings: Settings) -> None:
    """Sets a `MONO3D_PG_settings` to `settings`."""
    for name, item in FIELDS.items():
        setattr(values, name, _to_blender(item, getattr(settings, name), values.id_data))


def _from_blender(item: SettingField, value: Any, scene: Any) -> Any:
    """Returns the setting's value for a property's value; lengths are in units of `scene`.

    Blender stores 32-bit floats, angles in radians: 0.04 comes back as 0.03999999911. The shortest decimal number with
    the same 32 bits is taken as what the user entered.
    """
    if item.choice.is_path:
        return bpy.path.abspath(value) if value else ""
    if item.kind is not float:
        return value
    if item.choice.unit == "deg":
        return float(f"{math.degrees(value):.6g}")
    single = struct.pack("f", value)
    numbers = (float(f"{value:.{digits}g}") for digits in range(1, 18))
    number = next(one for one in numbers if struct.pack("f", one) == single)
    if item.choice.unit == "m" and (metres := metres_per_unit(scene)) != 1.0:
        return float(f"{number * metres:.9g}")
    return number


def _to_blender(item: SettingField, value: Any, scene: Any) -> Any:
    if item.choice.unit == "m":
        return value / metres_per_unit(scene)
    return math.radians(value) if item.choice.unit == "deg" else value


def live_groups() -> dict[str, list[SettingField]]:
    """Returns the settings of an object that can be changed, by group."""
    live = {
        group: [item for item in items if item.choice.live or item.choice.look] for group, items in groups().items()
    }
    return {group: items for group, items in live.items() if items}


def from_blender(name: str, value: Any, scene: Any) -> Any:
    """Returns the value of the setting `name` for a property's value; lengths are in units of `scene`."""
    return _from_blender(FIELDS[name], value, scene)


def to_blender(name: str, value: Any, scene: Any) -> Any:
    """Returns the property's value for a value of the setting `name`; lengths are in units of `scene`."""
    return _to_blender(FIELDS[name], value, scene)


def property_of(item: SettingField, **more: Any) -> Any:
    """Returns Blender's property for a setting; `more` are further arguments of the property."""
    choice = item.choice
    unit = _WORDS.get(choice.unit or "")
    common: dict[str, Any] = {
        "name": f"{choice.label} ({choice.unit})" if choice.unit in _IN_LABELS else choice.label,
        "description": f"{choice.help} (in {unit})" if unit else choice.help,
        "default": _to_blender(item, item.default, None),
        "translation_context": CONTEXT,
        **more,
    }
    if item.kind is bool:
        return BoolProperty(**common)
    if item.kind is str:
        if choice.options:
            numbers = NUMBERS[item.name]
            items = [(word, _label(word), _explained(word), numbers[word]) for word in choice.options]
            return EnumProperty(items=items, **common)
        path = {**_PATH, "options": {*_PATH.get("options", ()), *common.get("options", ())}} if choice.is_path else {}
        return StringProperty(**{**common, **path})
    bounds = {
        key: _to_blender(item, bound, None)
        for key, bound in (("min", choice.minimum), ("max", choice.maximum))
        if bound is not None
    }
    if item.kind is int:
        whole: dict[str, Any] = {key: int(bound) for key, bound in bounds.items()}
        return IntProperty(subtype="PIXEL" if choice.unit == "px" else "NONE", **common, **whole)
    digits: dict[str, Any] = {"precision": 3} if choice.unit in (None, "m") else {}
    return FloatProperty(subtype=_SUBTYPES.get(choice.unit or "", "NONE"), **common, **bounds, **digits)


def _label(word: str) -> str:
    """Returns the label of an option: what people call a model; names with digits are unchanged."""
    if word in MODELS:
        return MODELS[word].label
    return word if any(letter.isdigit() for letter in word) else word.replace("_", " ").capitalize()


def _explained(word: str) -> str:
    """Returns the tooltip of an option: models say when to choose them. Blender adds the full stop."""
    return MODELS[word].choose_when.rstrip(".") if word in MODELS else ""


def _shown_preset(values: Any) -> int:
    return NUMBERS["preset"][preset_of(values) or CUSTOM]


def _take_preset(values: Any, number: int) -> None:
    name = next(name for name, one in NUMBERS["preset"].items() if one == number)
    for one, value in preset_values(name).items() if name != CUSTOM else ():
        setattr(values, one, value)


def start_with(values: Any, name: str) -> None:
    """Applies the preset `name` if no setting has been changed yet."""
    if name != values.preset and not any(values.is_property_set(one) for one in FIELDS):
        values.preset = name


def _forget_messages(values: Any, context: bpy.types.Context) -> None:
    if state.current.run is None:
        state.current.say()


def _take_photo(values: Any, context: bpy.types.Context) -> None:
    _forget_messages(values, context)
    values.more_photos.clear()
    if values.photo and values.image:
        values.image = None
    description.forget(values)
    description.refresh_soon()


def _take_image(values: Any, context: bpy.types.Context) -> None:
    _forget_messages(values, context)
    if values.image and values.photo:
        values.photo = ""
    description.forget(values)
    description.refresh_soon()


def _offers_image(values: Any, image: bpy.types.Image) -> bool:
    return chosen.is_usable(image)


class MONO3D_PG_photo(bpy.types.PropertyGroup):
    """A further photo; its `name` is the path."""


def _annotations() -> Iterator[tuple[str, Any]]:
    yield (
        "photo",
        StringProperty(name="Photo", description="Photo to turn into a mesh", update=_take_photo),
    )
    yield (
        "more_photos",
        CollectionProperty(type=MONO3D_PG_photo, name="Further photos", description="Further photos, one mesh each"),
    )
    yield (
        "photo_index",
        IntProperty(
            name="Selected photo", description="Which of the further photos is selected", options={"SKIP_SAVE"}
        ),
    )
    yield (
        "image",
        PointerProperty(
            type=bpy.types.Image,
            name="Image",
            description="Image open in Blender to use instead of a file",
            poll=_offers_image,
            update=_take_image,
        ),
    )
    yield (
        "preset",
        EnumProperty(
            name="Quality",
            description="Sets detail and effort, and nothing else",
            items=_PRESET_ITEMS,
            translation_context=CONTEXT,
            get=_shown_preset,
            set=_take_preset,
        ),
    )
    for name, item in FIELDS.items():
        yield name, property_of(item, **({"update": _forget_messages} if name == "model" else {}))


MONO3D_PG_settings = type(
    "MONO3D_PG_settings",
    (bpy.types.PropertyGroup,),
    {"__doc__": "The photo and every setting, on each scene.", "__annotations__": dict(_annotations())},
)

CLASSES = (MONO3D_PG_photo, MONO3D_PG_settings)


def register() -> None:
    """Gives every scene a `mono3d`."""
    bpy.types.Scene.mono3d = PointerProperty(type=MONO3D_PG_settings)  # type: ignore[attr-defined]


def unregister() -> None:
    """Removes it."""
    del bpy.types.Scene.mono3d  # type: ignore[attr-defined]
