# SPDX-License-Identifier: GPL-3.0-or-later
"""Primaries, transfer functions and tone mapping, from the numbers of a file's colour space to linear sRGB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats

Transfer = Literal["srgb", "pq", "hlg"] | float
"""How stored values become light: a named curve, or the exponent of a power law (1.0 is linear)."""

Primaries = tuple[float, float, float, float, float, float, float, float]
"""Chromaticities x and y of red, green, blue and white."""

_D65 = (0.3127, 0.3290)
SRGB: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
DISPLAY_P3: Primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)
ADOBE_RGB: Primaries = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
REC2020: Primaries = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)
ADOBE_RGB_GAMMA = 563.0 / 256.0

CICP_PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    9: REC2020,
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: DISPLAY_P3,
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
"""Colour primaries by their code (ITU-T H.273, table 2)."""

CICP_TRANSFERS: dict[int, Transfer] = {4: 2.2, 5: 2.8, 8: 1.0, 16: "pq", 18: "hlg"}
"""Transfer characteristics by their code (ITU-T H.273, table 3). Others, such as BT.709's, are shown like sRGB's."""

XYZ_D50_TO_SRGB: NDArray[np.float64] = np.array(
    [[3.1341359, -1.6173863, -0.4906619], [-0.9787955, 1.9162544, 0.0334429], [0.0719554, -0.2289768, 1.4053860]]
)
"""CIE XYZ relative to D50, the connection space of ICC profiles, to linear sRGB (Bradford adaptation)."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_WHITE_NITS = 203.0
"""Luminance of diffuse white in HDR pictures (ITU-R BT.2408)."""
_HLG_NITS, _HLG_GAMMA = 1000.0, 1.2
_REC2020_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
_KNEE = 0.5
"""Lowest linear value from which highlights are compressed; it is higher if they are little above white."""
_BAND = 1 << 18
_STEPS = 65535


@dataclass(frozen=True)
class LinearSpace:
    """How stored values become linear sRGB.

    curves  float32 (1 or 3, entries): light for equally spaced stored values from 0 to 1; None if they are linear
    matrix  float64 (3, 3), from the space's linear RGB to linear sRGB; None for grey or unchanged primaries
    is_hlg  whether HLG's system gamma follows the curves
    """

    curves: Floats | None
    matrix: NDArray[np.float64] | None
    is_hlg: bool = False

    @property
    def is_grey(self) -> bool:
        """Whether there is one curve and no primaries."""
        return self.matrix is None and self.curves is not None and len(self.curves) == 1

    @property
    def is_almost_linear(self) -> bool:
        """Whether half the stored value is more than 0.4 of the light: the exponent is below 1.3."""
        return self.curves is None or float(self.curves[:, self.curves.shape[1] // 2].max()) > 0.4


def space_of(primaries: Primaries | None, transfer: Transfer) -> LinearSpace:
    """Returns the space with the given primaries (None for sRGB's) and transfer function."""
    levels = np.linspace(0.0, 1.0, _STEPS + 1)
    curve = None if transfer == 1.0 else decoded(levels, transfer).astype(np.float32)[None]
    matrix = None if primaries is None or np.allclose(primaries, SRGB, atol=1e-3) else matrix_of(primaries)
    return LinearSpace(curve, matrix, transfer == "hlg")


def is_valid(primaries: Primaries) -> bool:
    """Returns whether the chromaticities are finite and span a triangle, with a white inside the plausible range."""
    values = np.asarray(primaries, np.float64)
    if not np.isfinite(values).all() or values[7] < 0.05 or (np.abs(values) > 2.0).any():
        return False
    red, green, blue = values[0:2], values[2:4], values[4:6]
    first, second = green - red, blue - red
    return bool(abs(first[0] * second[1] - first[1] * second[0]) > 1e-3) and bool(values[[1, 3, 5]].min() > -0.2)


def matrix_of(primaries: Primaries) -> NDArray[np.float64]:
    """Returns the matrix, float64 (3, 3), from linear RGB with these primaries to linear sRGB; white maps to white."""
    return np.asarray(np.linalg.inv(_to_xyz(SRGB)) @ _to_xyz(primaries))


def _to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """Returns the matrix from linear RGB to XYZ relative to D65, with Bradford adaptation of the white."""
    corners = np.asarray(primaries, np.float64).reshape(4, 2)
    xyz = np.column_stack([corners[:, 0], corners[:, 1], 1.0 - corners.sum(axis=1)]).T
    white = xyz[:, 3] / xyz[1, 3]
    scaled = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)
    target = np.array([_D65[0] / _D65[1], 1.0, (1.0 - sum(_D65)) / _D65[1]])
    gains = (_BRADFORD @ target) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD @ scaled)


def decoded(stored: NDArray[np.float64], transfer: Transfer) -> NDArray[np.float64]:
    """Returns the light for stored values 0..1, relative to diffuse white; for HLG the light of the scene, 0..1.

    PQ is SMPTE ST 2084, HLG ITU-R BT.2100, sRGB IEC 61966-2-1.
    """
    if transfer == "srgb":
        return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    if transfer == "pq":
        root = stored ** (32.0 / 2523.0)
        numerator = np.maximum(root - 3424.0 / 4096.0, 0.0)
        ratio = numerator / (2413.0 / 128.0 - 2392.0 / 128.0 * root)
        return np.asarray(ratio ** (16384.0 / 2610.0) * (10000.0 / _WHITE_NITS))
    if transfer == "hlg":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(stored <= 0.5, stored**2 / 3.0, (np.exp((stored - c) / a) + b) / 12.0)
    return np.asarray(stored**transfer)


def to_srgb_bytes(values: NDArray[Any], space: LinearSpace, white: float, exposure: float = 1.0) -> tuple[Bytes, float]:
    """Returns stored values as sRGB, uint8 (height, width, 3), and the brightest light, where 1 is white.

    values    (height, width) for grey or (height, width, 3)
    white     stored value of full scale: 255, 65535, or 1 for floating point
    exposure  factor on the light

    Light above white is compressed so that the brightest pixels become white; the hue is kept. Colours outside sRGB
    are clipped.
    """
    peak = _peak(values, space, white, exposure)
    result = np.empty((*values.shape[:2], 3), np.uint8)
    levels = np.linspace(0.0, 1.0, _STEPS + 1)
    encoded = np.where(levels <= 0.0031308, levels * 12.92, 1.055 * levels ** (1 / 2.4) - 0.055)
    table = np.rint(encoded * 255.0).astype(np.uint8)
    for rows in _bands(values):
        light = _light(values[rows], space, white, exposure)
        if peak > 1.0:
            light = _compressed(light, peak)
        np.clip(light, 0.0, 1.0, out=light)
        light *= np.float32(_STEPS)
        light += np.float32(0.5)
        codes = np.take(table, light.astype(np.uint16))
        result[rows] = codes if codes.ndim == 3 else codes[..., None]
    return result, peak


def exposure_of(values: NDArray[Any]) -> float:
    """Returns the factor that makes linear light viewable: 1 unless the picture is far too dark or too bright.

    The average (geometric mean of the luminance) of an ordinary picture is between 0.01 and 2 times white.
    """
    step = max(1, int(np.sqrt(values.shape[0] * values.shape[1] / 1e6)))
    sample = np.asarray(values[::step, ::step], np.float64)
    luminance = sample.mean(axis=2) if sample.ndim == 3 else sample
    luminance = luminance[np.isfinite(luminance) & (luminance > 0.0)]
    if luminance.size == 0:
        return 1.0
    average = float(np.exp(np.log(luminance).mean()))
    return 1.0 if 0.01 <= average <= 2.0 else 0.18 / average


def _bands(values: NDArray[Any]) -> list[slice]:
    rows = max(1, _BAND // max(values.shape[1], 1))
    return [slice(start, start + rows) for start in range(0, values.shape[0], rows)]


def _peak(values: NDArray[Any], space: LinearSpace, white: float, exposure: float) -> float:
    exceeds = values.dtype.kind == "f" if space.curves is None else float(space.curves.max()) > 1.0 + 1e-6
    if not exceeds and not space.is_hlg:
        return 1.0
    tops = [float(np.percentile(_light(values[rows], space, white, exposure), 99.95)) for rows in _bands(values)]
    peak = max(tops)
    # A highlight a little above white is clipped, so that the picture's other values stay exact.
    return peak if peak > 1.02 else 1.0


def _light(values: NDArray[Any], space: LinearSpace, white: float, exposure: float) -> Floats:
    """Returns linear sRGB, float32, of the shape of `values`."""
    if space.curves is not None and values.dtype.kind == "u":
        entries = np.rint(np.linspace(0.0, 1.0, int(white) + 1) * (space.curves.shape[1] - 1)).astype(np.intp)
        scaled = _curved(values, space.curves[:, entries])
    else:
        scaled = np.asarray(values, np.float32) / np.float32(white)
        if values.dtype.kind == "f":
            scaled = np.nan_to_num(scaled, nan=0.0, posinf=3e4, neginf=0.0)
        if space.curves is not None:
            places = np.rint(np.clip(scaled, 0.0, 1.0) * (space.curves.shape[1] - 1)).astype(np.uint16)
            scaled = _curved(places, space.curves)
    if space.is_hlg:
        luminance = scaled @ _REC2020_LUMINANCE if scaled.ndim == 3 else scaled
        gain = np.maximum(luminance, 1e-6) ** (_HLG_GAMMA - 1.0) * (_HLG_NITS / _WHITE_NITS)
        scaled = scaled * (gain[..., None] if scaled.ndim == 3 else gain)
    if space.matrix is not None and scaled.ndim == 3:
        scaled = scaled @ space.matrix.T.astype(np.float32)
    return np.asarray(scaled if exposure == 1.0 else scaled * np.float32(exposure), np.float32)


def _curved(places: NDArray[Any], curves: Floats) -> Floats:
    """Returns the entries of the curves, float32 of the shape of `places`."""
    if places.ndim == 2 or len(curves) == 1 or (curves == curves[0]).all():
        return np.take(curves[0], places)
    return np.stack([np.take(curve, places[..., i]) for i, curve in enumerate(curves)], axis=-1)


def _compressed(light: Floats, peak: float) -> Floats:
    """Returns the light with values above the knee compressed so that `peak` becomes 1, with a slope of 1 at the knee.

    The largest of the three channels is compressed, and the others in proportion.
    """
    largest = light.max(axis=-1) if light.ndim == 3 else light
    knee = max(_KNEE, 2.0 - peak)
    above = np.maximum(largest - knee, 0.0)
    mapped = knee + above / (1.0 + above * (1.0 / (1.0 - knee) - 1.0 / (peak - knee)))
    factor = np.where(largest > knee, mapped / np.maximum(largest, 1e-6), 1.0).astype(np.float32)
    return np.asarray(light * (factor[..., None] if light.ndim == 3 else factor), np.float32)
