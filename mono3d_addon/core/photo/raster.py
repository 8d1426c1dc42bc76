# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded pixels before their colours are converted, and what the file says about its colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .colour_spaces import CICP_PRIMARIES, CICP_TRANSFERS, SRGB, Primaries, Transfer

if TYPE_CHECKING:
    from PIL import Image

OPAQUE = 128
"""Smallest alpha value, 0..255, of pixels that belong to the subject."""


@dataclass(frozen=True)
class Colours:
    """How a file names its colours. The default is sRGB.

    icc        ICC profile, which takes precedence; empty if there is none
    primaries  chromaticities; None for those of sRGB
    transfer   transfer function
    """

    icc: bytes = b""
    primaries: Primaries | None = None
    transfer: Transfer = "srgb"


@dataclass(frozen=True)
class Raster:
    """Decoded pixels in the orientation of the file.

    values   (height, width) for grey, (height, width, 3) for RGB and Lab, (height, width, 4) for CMYK;
             uint8, uint16, or float32 with 1 for white. Lab of float32 is L 0..100 and a, b; Lab of uint8 is as in TIFF
    space    kind of the values
    opaque   bool (height, width), True where opaque; None without transparency
    colours  what the pixels themselves are known to be; None if the file's metadata decide
    notes    notes for the user
    """

    values: NDArray[Any]
    space: Literal["grey", "rgb", "cmyk", "lab"]
    opaque: NDArray[np.bool_] | None = None
    colours: Colours | None = None
    notes: tuple[str, ...] = ()


def coded_colours(primaries: int, transfer: int) -> Colours | None:
    """Returns the colours of the codes of ITU-T H.273; None if both are unspecified."""
    if primaries == 2 and transfer == 2:
        return None
    known = CICP_PRIMARIES.get(primaries)
    curve = CICP_TRANSFERS.get(transfer, "srgb")
    return Colours(primaries=None if known == SRGB else known, transfer=curve)


def from_pillow(picture: Image.Image) -> Raster:
    """Returns the pixels of a decoded Pillow picture of any mode, with its channels unmixed and its values unscaled."""
    mode = picture.mode
    if mode == "La":
        return _from_grey_premultiplied(np.asarray(picture))
    if "transparency" in picture.info and mode in ("1", "L", "P", "RGB"):
        picture = picture.convert("RGBA" if mode in ("P", "RGB") else "LA")
    elif mode in ("PA", "RGBa") or (mode == "P" and picture.palette is not None and picture.palette.mode == "RGBA"):
        picture = picture.convert("RGBA")
    elif mode in ("P", "YCbCr", "HSV", "RGBX"):
        picture = picture.convert("RGB")
    elif mode == "1":
        picture = picture.convert("L")
    values = np.asarray(picture)
    if picture.mode in ("RGBA", "LA"):
        colour = values[..., :3] if picture.mode == "RGBA" else values[..., 0]
        return Raster(colour, "rgb" if picture.mode == "RGBA" else "grey", values[..., -1] >= OPAQUE)
    if picture.mode in ("CMYK", "LAB"):
        return Raster(values, "cmyk" if picture.mode == "CMYK" else "lab")
    if picture.mode == "RGB":
        return Raster(values, "rgb")
    if picture.mode.startswith("I;16"):
        values = values.astype(np.uint16)
        key = picture.info.get("transparency")
        return Raster(values, "grey", None if not isinstance(key, int) else values != key)
    if picture.mode in ("I", "F"):
        return Raster(scaled_grey(values), "grey")
    return Raster(values, "grey")


def masked_below(raster: Raster, share: float) -> Raster:
    """Returns the raster with the rows below the decoded share, 0..1, masked out."""
    height, width = raster.values.shape[:2]
    opaque = np.ones((height, width), bool) if raster.opaque is None else raster.opaque.copy()
    opaque[int(share * height) :] = False
    return replace(raster, opaque=opaque)


def scaled_grey(values: NDArray[Any]) -> NDArray[Any]:
    """Returns 32-bit or floating-point grey values as float32 with 1 for white, rounded to 8 bits if they come from it.

    White is 1 for floating-point values up to 1, and 255 or 65535 for integers up to these. Other values are scaled by
    their maximum.
    """
    finite = np.nan_to_num(np.asarray(values, dtype=np.float64), posinf=0.0, neginf=0.0)
    peak = float(finite.max(initial=0.0))
    if values.dtype.kind == "f":
        white = 1.0 if peak <= 1.0 else peak
    else:
        white = next((limit for limit in (255.0, 65535.0) if peak <= limit), peak)
    return (np.clip(finite, 0.0, white) / white).astype(np.float32)


def straight(values: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Returns premultiplied `values`, (h, w) or (h, w, 3), divided by `alpha`, (h, w), of the same type and range."""
    full = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    share = np.where(alpha > 0, alpha, full).astype(np.float32) / np.float32(full)
    divided = values / (share if values.ndim == 2 else share[..., None])
    if values.dtype.kind == "f":
        return np.asarray(divided, values.dtype)
    return np.rint(np.minimum(divided, full)).astype(values.dtype)


def _from_grey_premultiplied(values: NDArray[Any]) -> Raster:
    return Raster(straight(values[..., 0], values[..., 1]), "grey", values[..., 1] >= OPAQUE)
