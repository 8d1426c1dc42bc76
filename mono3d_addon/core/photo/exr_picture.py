# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the colours of OpenEXR files as a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import extras
from .colour_spaces import SRGB, Primaries, is_valid
from .damage import Damaged, Unsupported
from .raster import Colours, Raster, straight

_MOST_ATTRIBUTES = 1024
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
    alpha = channels.pop("A", None)
    values: NDArray[Any] = np.stack([channels[name] for name in "RGB"], axis=2) if "R" in channels else channels["Y"]
    return _raster(values, alpha, _primaries(header.get("chromaticities")))


def from_values(values: NDArray[Any], data: bytes) -> Raster:
    """Returns the picture of the OpenEXR file `data` whose `values`, float32, were decoded elsewhere."""
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = np.asarray(values[..., -1], np.float32) if channels in (2, 4) else None
    colours = values if values.ndim == 2 else values[..., 0] if channels == 2 else values[..., :3]
    return _raster(np.asarray(colours, np.float32), alpha, _primaries(_stored_chromaticities(data)))


def _raster(values: NDArray[Any], alpha: NDArray[Any] | None, primaries: Primaries | None) -> Raster:
    opaque = None
    values = np.maximum(np.nan_to_num(values, nan=0.0, posinf=3e4, neginf=0.0), 0.0)
    if alpha is not None and float(alpha.max(initial=0.0)) > 0.0:
        values, opaque = straight(values, np.clip(alpha, 0.0, 1.0)), alpha >= 0.5
    return Raster(values, "rgb" if values.ndim == 3 else "grey", opaque, Colours(primaries=primaries, transfer=1.0))


def _exr() -> Any:
    try:
        import OpenEXR
    except ImportError as error:
        raise extras.needed("EXR files", error) from error
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


def _stored_chromaticities(data: bytes) -> Any:
    """Returns the eight numbers of that attribute in the header; None without it.

    An attribute is its name and its type, each with a zero after it, its size and its value.
    """
    place = 8
    for _ in range(_MOST_ATTRIBUTES):
        name, _, rest = data[place : place + 512].partition(b"\0")
        kind, found, rest = rest.partition(b"\0")
        if not name or not found or len(rest) < 4:
            return None
        place += len(name) + len(kind) + 6
        size = int.from_bytes(rest[:4], "little")
        if name == b"chromaticities" and size == 32 and place + 32 <= len(data):
            return np.frombuffer(data, "<f4", 8, place)
        place += size
    return None


def _primaries(chromaticities: Any) -> Primaries | None:
    try:
        numbers = tuple(float(value) for value in np.asarray(chromaticities, np.float64).ravel())
    except (TypeError, ValueError):
        return None
    if len(numbers) != 8:
        return None
    found = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7])
    return found if is_valid(found) and not np.allclose(found, SRGB, atol=2e-3) else None
