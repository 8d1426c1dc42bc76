# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts decoded pixels of any kind and colour space to 8-bit sRGB, before anything else changes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes
from . import icc, little_cms
from .colour_spaces import XYZ_D50_TO_SRGB, LinearSpace, exposure_of, space_of, to_srgb_bytes
from .damage import Damaged
from .raster import OPAQUE as OPAQUE
from .raster import Colours, Raster

_PROFILES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_SAME = 3
"""Largest difference, of 255, between the result of a profile and sRGB, below which the profile is sRGB."""

DAMAGED_PROFILE = "The photo's colour profile is damaged and was ignored."
OTHER_PROFILE = "The photo's colour profile belongs to another kind of colours and was ignored."
UNUSED_PROFILE = (
    "The photo's colour profile needs the package Pillow, which is not installed, and was ignored; "
    "its colours are approximate."
)
TONE_MAPPED = "The photo has highlights brighter than white (HDR); they were compressed, and the texture is 8-bit sRGB."


def to_srgb(raster: Raster, named: Colours) -> tuple[Bytes, bool, tuple[str, ...]]:
    """Converts decoded pixels to sRGB; `named` is what the file's metadata say about the colours.

    Returns pixels, uint8 (height, width, 3); whether the values were 8-bit sRGB already; and notes for the user.
    """
    colours, notes = raster.colours or named, raster.notes
    if colours.icc:
        try:
            pixels, plain = _by_profile(raster, colours.icc)
        except _WrongProfile:
            notes = (*notes, OTHER_PROFILE)
        except _Unused:
            notes = (*notes, UNUSED_PROFILE)
        except Damaged:
            notes = (*notes, DAMAGED_PROFILE)
        else:
            return pixels, plain, notes
        colours = Colours()
    if raster.space == "cmyk":
        return _from_cmyk(_eight_bits(raster.values)), False, notes
    if raster.space == "lab":
        return _from_lab(raster), False, notes
    if colours == Colours():
        return _same_colours(raster.values), raster.space == "rgb" and raster.values.dtype == np.uint8, notes
    exposure = 1.0
    if colours.transfer == 1.0 and raster.values.dtype.kind == "f":
        exposure = exposure_of(raster.values)
    pixels, peak = to_srgb_bytes(
        raster.values, space_of(colours.primaries, colours.transfer), _white(raster.values), exposure
    )
    if peak > 1.0 or exposure != 1.0:
        notes = (*notes, TONE_MAPPED)
    return pixels, False, notes


class _WrongProfile(Exception):
    """The profile is for other channels than the picture's."""


class _Unused(Exception):
    """The profile is of a kind that only LittleCMS converts."""


def _by_profile(raster: Raster, profile: bytes) -> tuple[Bytes, bool]:
    if raster.space == "lab":
        return _from_lab(raster), False
    fits = profile[16:20] == _PROFILES[raster.space]
    if not fits and not (raster.space == "grey" and profile[16:20] == b"RGB "):
        icc.check(profile)
        raise _WrongProfile
    values = raster.values if fits else np.repeat(raster.values[..., None], 3, axis=2)
    kind = raster.space if fits else "rgb"
    space = icc.linear_space(profile)
    # LittleCMS is fast, but takes 8 bits only, and rounds dark values of almost linear curves too coarsely.
    if space is not None and (values.dtype != np.uint8 or space.is_grey or space.is_almost_linear):
        return to_srgb_bytes(values, space, _white(values))[0], False
    if not little_cms.is_there() and space is None:
        icc.check(profile)
        raise _Unused
    if raster.space == "rgb" and _is_srgb(profile, space):
        return _same_colours(values), values.dtype == np.uint8
    return _converted(_eight_bits(values), kind, profile, space), False


def _is_srgb(profile: bytes, space: LinearSpace | None) -> bool:
    """Returns whether the profile's primaries and curves are those of sRGB, judged by the colours it gives."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    probe = np.concatenate([cube, greys])
    result = _converted(probe, "rgb", profile, space)
    return int(np.abs(result.astype(np.int16) - probe.astype(np.int16)).max()) <= _SAME


def _converted(values: Bytes, kind: str, profile: bytes, space: LinearSpace | None) -> Bytes:
    """Returns 8-bit values as sRGB. Without LittleCMS, `space` must be the profile's."""
    if little_cms.is_there():
        return little_cms.converted(values, kind, profile)
    assert space is not None
    return to_srgb_bytes(values, space, 255.0)[0]


def _same_colours(values: NDArray[Any]) -> Bytes:
    eight = _eight_bits(values)
    return np.array(eight if eight.ndim == 3 else np.repeat(eight[..., None], 3, axis=2), np.uint8)


def _eight_bits(values: NDArray[Any]) -> Bytes:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return np.asarray((values.astype(np.uint32) * 255 + 32767) // 65535, np.uint8)
    finite = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(finite, 0.0, 1.0) * 255.0).astype(np.uint8)


def _white(values: NDArray[Any]) -> float:
    return {"u1": 255.0, "u2": 65535.0}.get(values.dtype.str[1:], 1.0)


def _from_lab(raster: Raster) -> Bytes:
    """Returns CIE L*a*b*, relative to D50, as sRGB."""
    if raster.values.dtype == np.uint8:
        # LittleCMS interpolates between a few colours, and is less exact.
        stored = raster.values
        lab = np.dstack([stored[..., 0] * np.float32(100.0 / 255.0), stored[..., 1:].view(np.int8)]).astype(np.float32)
    else:
        lab = raster.values.astype(np.float32)
    y = (lab[..., 0] + 16.0) / 116.0
    parts = np.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    xyz = np.where(parts > 6.0 / 29.0, parts**3, (parts - 16.0 / 116.0) * (108.0 / 841.0))
    xyz *= np.array([0.9642, 1.0, 0.8249], np.float32)
    return to_srgb_bytes(np.clip(xyz @ XYZ_D50_TO_SRGB.T.astype(np.float32), 0.0, 1.0), LinearSpace(None, None), 1.0)[0]


def _from_cmyk(values: Bytes) -> Bytes:
    """Returns amounts of ink, uint8 (h, w, 4), as RGB without a profile: each ink absorbs one colour, black all."""
    paper = 255 - values[..., 3:].astype(np.uint16)
    absorbed = values[..., :3] * paper + np.uint16(128)
    return np.asarray(paper - ((absorbed >> 8) + absorbed >> 8), np.uint8)
