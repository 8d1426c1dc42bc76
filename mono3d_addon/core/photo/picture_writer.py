# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes pictures as JPEG where Pillow is there, which compresses them far more than PNG, else as PNG."""

from __future__ import annotations

import io
from pathlib import Path

from ..arrays import Bytes
from .png_writer import encoded

try:
    from PIL import Image
except ModuleNotFoundError:
    Image = None  # type: ignore[assignment]

_FASTEST = 1


def write_png(pixels: Bytes, path: Path) -> Path:
    """Writes `pixels`, uint8 (h, w, 3), as PNG with little effort, and returns `path`."""
    path.write_bytes(encoded(pixels, _FASTEST))
    return path


def write_compact(pixels: Bytes, place: Path, quality: int) -> Path:
    """Writes `pixels`, uint8 (h, w, 3), to `place` with the suffix .jpg or .png added, and returns that path.

    quality  of the JPEG, 1..95, whose colours are not subsampled
    """
    path = place.with_name(f"{place.name}.{'png' if Image is None else 'jpg'}")
    path.write_bytes(compact(pixels, quality))
    return path


def compact(pixels: Bytes, quality: int) -> bytes:
    """Returns the file that `write_compact` writes."""
    if Image is None:
        return encoded(pixels, _FASTEST)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()
