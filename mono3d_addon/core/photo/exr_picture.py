# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the colours of OpenEXR files as a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .colour_spaces import SRGB, Primaries, is_valid
from .damage import Damaged, Unsupported
from .raster import Colours, Raster, straight

SIGNATURE = b"\x76\x2f\x31\x01"


def size_of(path: Path) -> tuple[int, int]:
    """Returns width and height of the data window. Raises Damaged if the header is, and Mono3DError without OpenEXR."""
    corners = np.asarray(_header(path)["dataWindow"], np.int64)
    width, height = corners[1] - corners[0] + 1
    return int(width), int(height)


def read(path: Path) -> Raster:
    """Returns the linear colours of an OpenEXR file: the channels R, G and B, of the first layer that has them, or Y.

    Raises Damaged or Unsupported.
    """
    header = _header(path)
    try:
        with _exr().File(str(path), separate_channels=True) as file:
            channels = {name: np.array(one.pixels, np.float32) for name, one in _chosen(file.channels()).items()}
    except (Unsupported, Mono3DError):
        raise
    except Exception as error:  # OpenEXR raises many types of exceptions on damaged files.
        raise Damaged(str(error)) from error
    shapes = {one.shape for one in channels.values()}
    if len(shapes) != 1:
        raise Unsupported("OpenEXR with channels of different sizes")
    opaque, alpha = None, channels.pop("A", None)
    values: NDArray[Any] = np.stack([channels[name] for name in "RGB"], axis=2) if "R" in channels else channels["Y"]
    values = np.maximum(np.nan_to_num(values, nan=0.0, posinf=3e4, neginf=0.0), 0.0)
    if alpha is not None and float(alpha.max(initial=0.0)) > 0.0:
        values, opaque = straight(values, np.clip(alpha, 0.0, 1.0)), alpha >= 0.5
    return Raster(
        values, "rgb" if values.ndim == 3 else "grey", opaque, Colours(primaries=_primaries(header), transfer=1.0)
    )


def _exr() -> Any:
    try:
        import OpenEXR
    except ImportError as error:
        raise Mono3DError(
            f"EXR files need the package OpenEXR, which cannot be loaded ({error}); install Mono3D's packages again."
        ) from error
    return OpenEXR


def _header(path: Path) -> dict[str, Any]:
    library = _exr()
    try:
        header: dict[str, Any] = library.File(str(path), header_only=True).header()
        np.asarray(header["dataWindow"], np.int64)
    except Exception as error:  # OpenEXR raises many types of exceptions on damaged files.
        raise Damaged(str(error)) from error
    return header


def _chosen(channels: dict[str, Any]) -> dict[str, Any]:
    """Returns R, G, B and A of one layer, or Y and A."""
    prefixes = {name.rpartition(".")[0] for name in channels}
    for prefix in sorted(prefixes, key=lambda one: (one != "", "combined" not in one.lower(), one)):
        layer = {
            name.rpartition(".")[2].upper(): one for name, one in channels.items() if name.rpartition(".")[0] == prefix
        }
        for wanted in ("RGB", "Y"):
            if all(name in layer for name in wanted):
                return {name: layer[name] for name in (*wanted, "A") if name in layer}
    raise Unsupported(f"OpenEXR without colours (its channels are {', '.join(sorted(channels)[:8])})")


def _primaries(header: dict[str, Any]) -> Primaries | None:
    try:
        numbers = tuple(float(value) for value in np.asarray(header["chromaticities"], np.float64).ravel())
    except (KeyError, TypeError, ValueError):
        return None
    if len(numbers) != 8:
        return None
    found = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7])
    return found if is_valid(found) and not np.allclose(found, SRGB, atol=2e-3) else None
