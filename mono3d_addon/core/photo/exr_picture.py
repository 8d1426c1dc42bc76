# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the colours of OpenEXR files as a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import openexr_file
from .colour_spaces import SRGB, Primaries, is_valid
from .damage import Unsupported
from .exr_source import open_exr
from .raster import Colours, Raster, straight

SIGNATURE = openexr_file.SIGNATURE


def read(path: Path, check_size: Callable[[tuple[int, int]], None]) -> Raster:
    """Returns the linear colours of an OpenEXR file: the channels R, G and B, of the first layer that has them, or Y.

    `check_size` is called with width and height of the data window before anything is decoded. Raises Damaged or
    Unsupported, and Mono3DError if the file needs the package OpenEXR, which is missing.
    """
    source = open_exr(path)
    check_size(source.size)
    chosen = _chosen(source.names)
    found = source.read(chosen.values())
    channels = {name: np.asarray(found[full], np.float32) for name, full in chosen.items()}
    shapes = {one.shape for one in channels.values()}
    if len(shapes) != 1:
        raise Unsupported("OpenEXR with channels of different sizes")
    alpha = channels.pop("A", None)
    values: NDArray[Any] = np.stack([channels[name] for name in "RGB"], axis=2) if "R" in channels else channels["Y"]
    return _raster(values, alpha, _primaries(source.chromaticities))


def from_values(values: NDArray[Any], data: bytes) -> Raster:
    """Returns the picture of the OpenEXR file `data` whose `values`, float32, were decoded elsewhere.

    Raises Damaged.
    """
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = np.asarray(values[..., -1], np.float32) if channels in (2, 4) else None
    colours = values if values.ndim == 2 else values[..., 0] if channels == 2 else values[..., :3]
    return _raster(np.asarray(colours, np.float32), alpha, _primaries(openexr_file.header_of(data).chromaticities))


def _raster(values: NDArray[Any], alpha: NDArray[Any] | None, primaries: Primaries | None) -> Raster:
    opaque = None
    values = np.maximum(np.nan_to_num(values, nan=0.0, posinf=3e4, neginf=0.0), 0.0)
    if alpha is not None and float(alpha.max(initial=0.0)) > 0.0:
        values, opaque = straight(values, np.clip(alpha, 0.0, 1.0)), alpha >= 0.5
    return Raster(values, "rgb" if values.ndim == 3 else "grey", opaque, Colours(primaries=primaries, transfer=1.0))


def _chosen(names: Sequence[str]) -> dict[str, str]:
    """Returns the names of the channels R, G, B and A of one layer, or Y and A."""
    prefixes = {name.rpartition(".")[0] for name in names}
    for prefix in sorted(prefixes, key=lambda one: (one != "", "combined" not in one.lower(), one)):
        layer = {name.rpartition(".")[2].upper(): name for name in names if name.rpartition(".")[0] == prefix}
        for wanted in ("RGB", "Y"):
            if all(name in layer for name in wanted):
                return {name: layer[name] for name in (*wanted, "A") if name in layer}
    raise Unsupported(f"OpenEXR without colours (its channels are {', '.join(sorted(names)[:8])})")


def _primaries(chromaticities: Any) -> Primaries | None:
    try:
        numbers = tuple(float(value) for value in np.asarray(chromaticities, np.float64).ravel())
    except (TypeError, ValueError):
        return None
    if len(numbers) != 8:
        return None
    found = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7])
    return found if is_valid(found) and not np.allclose(found, SRGB, atol=2e-3) else None
