# SPDX-License-Identifier: GPL-3.0-or-later
"""Resamples pictures of known other projections: equidistant fisheyes (radius ~ angle), cylindrical panoramas."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings
from .. import resampling
from ..camera.lens import Lens
from ..pillow_filters import Cell
from .colours import OPAQUE
from .photo import Photo

VIEW = math.radians(100.0)
"""Largest angle across the longer side of the straightened picture, which stretches its borders only moderately."""

_SAME_SHAPE = 0.03
_GOPRO = re.compile(r"gopro hero([4-9]|10) ", re.IGNORECASE)
_GOPRO_WIDE = (14.0, 16.0)
"""35 mm equivalents in millimetres of the wide mode; the linear one, which the camera straightens, has longer ones."""
_GOPRO_ANGLES = {4 / 3: math.radians(122.6), 16 / 9: math.radians(118.2)}
"""Across pictures of the wide mode by their shape, by the maker's table for HERO4 to HERO10."""
_KODAK_ANGLES = {"sp360": math.radians(214.0), "sp360 4k": math.radians(235.0)}
"""Across the circle in the square picture, by the maker's data sheets."""
_KODAK = re.compile(r"pixpro (sp360(?: 4k)?)$", re.IGNORECASE)
_MESH = 128
"""Cells along each side, within which the projection is taken as bilinear."""
_ROWS = 2048
_VERSION = b"straightened 1"


def fisheye_angle(lens: Lens, size: tuple[int, int]) -> float:
    """Returns the angle in radians across the longer side of an equidistant fisheye picture; 0 for other pictures."""
    shape = max(size) / min(size)
    name = f"{lens.camera_name} "
    low, high = _GOPRO_WIDE
    if _GOPRO.search(name) and low <= lens.focal_length_35mm <= high:
        return next((angle for one, angle in _GOPRO_ANGLES.items() if abs(shape / one - 1.0) <= _SAME_SHAPE), 0.0)
    kodak = _KODAK.search(lens.camera_name)
    if kodak and abs(shape - 1.0) <= _SAME_SHAPE:
        return _KODAK_ANGLES[kodak.group(1).lower()]
    return 0.0


def straightened(photo: Photo, settings: Settings) -> Photo:
    """Returns the photo in a projection that can be reconstructed, if its own is known and another one.

    A fisheye picture becomes what a pinhole camera sees, `VIEW` across; a cylindrical panorama becomes an
    equirectangular one. Others are returned as they are, and so are all if 'Projection' is not automatic or a mask or a
    depth map belongs to the original picture.
    """
    if settings.projection != "auto" or settings.mask or settings.has_own_depth:
        return photo
    angle = fisheye_angle(photo.lens, photo.size)
    if angle:
        return _from_fisheye(photo, angle)
    return _from_cylinder(photo) if photo.lens.is_cylinder else photo


def _from_fisheye(photo: Photo, angle: float) -> Photo:
    width, height = photo.size
    focal = max(width, height) / angle
    view = _view_within((width, height), focal)
    share = min(1.0, 2.0 * focal * math.tan(0.5 * view) / max(width, height))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    lens = Lens(camera_name=photo.lens.camera_name, lens_name=photo.lens.lens_name, view_angle=view)
    note = (
        f"The fisheye picture of {photo.lens.camera_name} was straightened: the middle {math.degrees(view):.0f} of "
        f"{math.degrees(angle):.0f} degrees are used. Set 'Projection' to pinhole to take the picture as it is."
    )
    return _resampled(photo, size, _fisheye_mesh(size, photo.size, focal, view), lens, note)


def _view_within(size: tuple[int, int], focal: float) -> float:
    """Returns the angle across the longer side of a straightened picture: `VIEW`, or less so that none of it is empty.

    Pincushion-shaped, as the picture becomes, it is lowest in the middle of its longer sides.
    """
    half = 0.5 * min(size) / focal
    if half >= 0.5 * VIEW:
        return VIEW
    return min(VIEW, 2.0 * math.atan(math.tan(half) * max(size) / min(size)))


def _from_cylinder(photo: Photo) -> Photo:
    """Returns the panorama with rows at equal steps of latitude b instead of at equal steps of tan b."""
    width, height = photo.size
    part = photo.lens.sphere_part
    top, bottom = math.tan(part.latitude_from), math.tan(part.latitude_to)
    size = (width, max(1, round(width * part.height / part.width)))
    borders = np.unique(np.linspace(0, size[1], min(_ROWS, size[1]) + 1).astype(int))
    place = (np.tan(part.latitude_from + borders / size[1] * part.height) - top) / (bottom - top) * height
    mesh: list[Cell] = []
    for k in range(len(borders) - 1):
        upper, lower = float(place[k]), float(place[k + 1])
        quad = (0.0, upper, 0.0, lower, float(width), lower, float(width), upper)
        mesh.append(((0, int(borders[k]), width, int(borders[k + 1])), quad))
    lens = dataclasses.replace(photo.lens, projection="equirectangular")
    return _resampled(photo, size, mesh, lens, "The cylindrical panorama was made an equirectangular one.")


def _resampled(photo: Photo, size: tuple[int, int], mesh: list[Cell], lens: Lens, note: str) -> Photo:
    """Returns the photo of a new `size` with a new lens; its texture is made from the new pixels."""
    pixels = resampling.warp(photo.pixels, *size, mesh, "bicubic")
    mask: NDArray[np.bool_] | None = None
    if photo.mask is not None:
        mask = resampling.warp(photo.mask.astype(np.uint8) * 255, *size, mesh, "bilinear") >= OPAQUE
    digest = hashlib.sha256(photo.digest.encode() + _VERSION).hexdigest()
    return dataclasses.replace(
        photo, pixels=pixels, mask=mask, lens=lens, digest=digest, texture=None, notes=(*photo.notes, note)
    )


def _fisheye_mesh(size: tuple[int, int], source: tuple[int, int], focal: float, view: float) -> list[Cell]:
    """Returns the mesh for a new picture of `size` and angle `view` from a `source` of that size.

    `focal` is the source's pixels a radian. A ray at the angle t to the axis lies at the radius focal * t.
    """
    columns, rows = (np.unique(np.linspace(0, side, min(_MESH, side) + 1).astype(int)) for side in size)
    step = math.tan(0.5 * view) / (0.5 * max(size))
    x, y = np.meshgrid((columns - 0.5 * size[0]) * step, (rows - 0.5 * size[1]) * step)
    radius = np.hypot(x, y)
    scale = focal * np.divide(np.arctan(radius), radius, out=np.ones_like(radius), where=radius > 1e-9)
    corner = np.stack([x * scale + 0.5 * source[0], y * scale + 0.5 * source[1]], axis=-1)
    found: list[Cell] = []
    for row in range(len(rows) - 1):
        for column in range(len(columns) - 1):
            box = (int(columns[column]), int(rows[row]), int(columns[column + 1]), int(rows[row + 1]))
            quad = (corner[row, column], corner[row + 1, column], corner[row + 1, column + 1], corner[row, column + 1])
            found.append((box, tuple(float(value) for value in np.concatenate(quad))))
    return found
