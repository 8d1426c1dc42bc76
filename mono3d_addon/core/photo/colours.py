# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts decoded pixels of any kind and colour space to 8-bit sRGB, before anything else changes them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ..arrays import Bytes
from . import icc
from .colour_spaces import XYZ_D50_TO_SRGB, LinearSpace, exposure_of, space_of, to_srgb_bytes
from .raster import OPAQUE as OPAQUE
from .raster import Colours, Raster

_MODES = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK", "lab": "LAB"}
_PROFILES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_SAME = 3
"""Largest difference, of 255, between the result of a profile and sRGB, below which the profile is sRGB."""

DAMAGED_PROFILE = "The photo's colour profile is damaged and was ignored."
OTHER_PROFILE = "The photo's colour profile belongs to another kind of colours and was ignored."
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
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes = (*notes, DAMAGED_PROFILE)
        else:
            return pixels, plain, notes
        colours = Colours()
    if raster.space == "cmyk":
        return np.array(_picture(raster).convert("RGB")), False, notes
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


def _by_profile(raster: Raster, profile: bytes) -> tuple[Bytes, bool]:
    if raster.space == "lab":
        return _from_lab(raster), False
    fits = profile[16:20] == _PROFILES[raster.space]
    if not fits and not (raster.space == "grey" and profile[16:20] == b"RGB "):
        # A profile whose header is unreadable is damaged; LittleCMS says so.
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
        raise _WrongProfile
    space = icc.linear_space(profile)
    # LittleCMS is fast, but takes 8 bits only, and rounds dark values of almost linear curves too coarsely.
    if space is not None and (raster.values.dtype != np.uint8 or space.is_grey or space.is_almost_linear):
        values = raster.values if fits else np.repeat(raster.values[..., None], 3, axis=2)
        return to_srgb_bytes(values, space, _white(values))[0], False
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if raster.space == "rgb" and _is_srgb(source):
        return _same_colours(raster.values), raster.values.dtype == np.uint8
    picture = _picture(raster)
    return np.array(_converted(picture if fits else picture.convert("RGB"), source), np.uint8), False


def _is_srgb(source: ImageCms.ImageCmsProfile) -> bool:
    """Returns whether the profile's primaries and curves are those of sRGB, judged by the colours it gives."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    probe = np.concatenate([cube, greys])
    result = np.asarray(_converted(Image.fromarray(probe), source))
    return int(np.abs(result.astype(np.int16) - probe.astype(np.int16)).max()) <= _SAME


def _converted(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return picture.convert("RGB") if converted is None else converted


def _picture(raster: Raster) -> Image.Image:
    """Returns the values as a Pillow picture with 8 bits per channel."""
    values = np.ascontiguousarray(_eight_bits(raster.values))
    height, width = values.shape[:2]
    return Image.frombytes(_MODES[raster.space], (width, height), values.tobytes())


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
        return np.array(_picture(raster).convert("RGB"), np.uint8)
    lab = raster.values.astype(np.float32)
    y = (lab[..., 0] + 16.0) / 116.0
    parts = np.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    xyz = np.where(parts > 6.0 / 29.0, parts**3, (parts - 16.0 / 116.0) * (108.0 / 841.0))
    xyz *= np.array([0.9642, 1.0, 0.8249], np.float32)
    return to_srgb_bytes(np.clip(xyz @ XYZ_D50_TO_SRGB.T.astype(np.float32), 0.0, 1.0), LinearSpace(None, None), 1.0)[0]
