# SPDX-License-Identifier: GPL-3.0-or-later
"""Making small pictures of results: what the scripts for gallery, cookbook and figures share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.preview.rendering import Part, rendered
from mono3d_addon.core.preview.views import View, orbit_of

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PAPER = (244, 245, 247)
_AWAY = 3.0
"""Distance of the camera from a mesh, in the mesh's larger side."""
_STOPS = np.array([(13, 8, 60), (92, 20, 120), (178, 44, 96), (233, 104, 52), (250, 190, 60), (252, 250, 190)])
"""Colours of near (last) and far (first): lightness rises evenly."""

Pixels = NDArray[np.uint8]


def save(picture: Image.Image, name: str, quality: int = 62) -> Path:
    """Writes docs/pictures/NAME.webp and returns its path."""
    path = FOLDER / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(path, "WEBP", quality=quality, method=6)
    return path


def save_loop(source: Path, name: str, side: int, quality: int = 40) -> Path:
    """Writes a smaller copy of an animated WebP and returns its path."""
    with Image.open(source) as stored:
        frames = [fitted(frame.convert("RGB"), side) for frame in ImageSequence.Iterator(stored)]
        pause = int(stored.info.get("duration", 110))
    path = FOLDER / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        path, "WEBP", save_all=True, append_images=frames[1:], duration=pause, loop=0, quality=quality, method=3
    )
    return path


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """Returns the picture with a longer side of at most `side` pixels."""
    scale = min(1.0, side / max(picture.size))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS)


def opened(path: Path) -> Image.Image:
    """Returns a picture's file as RGB."""
    with Image.open(path) as stored:
        return stored.convert("RGB")


def row(pictures: Sequence[Image.Image], height: int, labels: Sequence[str] = ()) -> Image.Image:
    """Returns pictures of one height beside each other, with a line of text below each."""
    shown = [one.resize((round(one.width * height / one.height), height), Image.Resampling.LANCZOS) for one in pictures]
    below = 26 if labels else 0
    made = Image.new("RGB", (sum(one.width for one in shown) + 6 * (len(shown) - 1), height + below), PAPER)
    pen, left = ImageDraw.Draw(made), 0
    for number, one in enumerate(shown):
        made.paste(one, (left, 0))
        if labels:
            pen.text((left + 2, height + 4), labels[number], fill=(40, 44, 52), font=ImageFont.load_default(15))
        left += one.width + 6
    return made


def column(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns pictures below each other."""
    made = Image.new("RGB", (max(one.width for one in pictures), sum(one.height for one in pictures)), PAPER)
    top = 0
    for one in pictures:
        made.paste(one, (0, top))
        top += one.height
    return made


def coloured(values: NDArray[Any]) -> Image.Image:
    """Returns values, (h, w), as colours from dark (smallest) to bright (largest); grey where they are not finite."""
    is_known = np.isfinite(values)
    low, high = np.quantile(values[is_known], [0.01, 0.99])
    place = np.clip((np.where(is_known, values, low) - low) / max(high - low, 1e-9), 0, 1) * (len(_STOPS) - 1)
    first = np.minimum(place.astype(int), len(_STOPS) - 2)
    share = (place - first)[..., None]
    colors = _STOPS[first] * (1 - share) + _STOPS[first + 1] * share
    colors[~is_known] = 150
    return Image.fromarray(colors.astype(np.uint8))


def from_file(path: Path) -> Mesh:
    """Returns the mesh of a GLB, PLY, OBJ or STL file in a camera's frame (y down).

    A point cloud is a mesh without triangles. What a file colours by a texture is grey here.
    """
    import trimesh

    loaded: Any = trimesh.load(path, process=False)
    if hasattr(loaded, "to_geometry"):
        loaded = loaded.to_geometry()
    vertices = np.asarray(loaded.vertices, np.float32)
    # As the formats want it, up is y in GLB and OBJ and z in the others.
    vertices = vertices * (1, -1, -1) if path.suffix in {".glb", ".obj"} else vertices[:, [0, 2, 1]] * (1, -1, 1)
    triangles = np.asarray(getattr(loaded, "faces", np.empty((0, 3))), np.int32)
    colors = np.full((len(vertices), 3), 0.82)
    stored = getattr(getattr(loaded, "visual", loaded), "vertex_colors", None)
    if stored is None:
        stored = getattr(loaded, "colors", None)
    if stored is not None and len(stored) == len(vertices):
        colors = np.asarray(stored)[:, :3] / 255.0
    return _plain(vertices, triangles, (colors * 255).astype(np.uint8))


def _plain(vertices: NDArray[Any], triangles: NDArray[Any], colors: Pixels) -> Mesh:
    """Returns a mesh without texture coordinates and normals, which drawing does not need."""
    count = len(vertices)
    bare = np.zeros((count, 2), np.float32), np.zeros((count, 3), np.float32)
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), bare[0], colors, bare[1])


def clay(mesh: Mesh, side: int, aside: float = 25.0, above: float = 14.0, *, has_edges: bool = False) -> Image.Image:
    """Returns a mesh lit like clay, from `aside` degrees to the right and `above` degrees above its camera.

    Each triangle has one shade; with `has_edges` its edges are drawn in dark.
    """
    corners = mesh.vertices[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).astype(np.float64)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    light = np.array([-0.45, -0.65, -0.6])
    shade = 0.38 + 0.62 * np.abs(normals @ (light / np.linalg.norm(light)))
    colors = np.repeat((np.array([226, 221, 214]) * shade[:, None]).clip(0, 255).astype(np.uint8), 3, axis=0)
    count = len(mesh.triangles)
    flat = _plain(corners.reshape(-1, 3), np.arange(count * 3).reshape(-1, 3), colors)
    return _drawn(flat, side, aside, above, has_edges=has_edges)


def _drawn(flat: Mesh, side: int, aside: float, above: float, *, has_edges: bool) -> Image.Image:
    points, size = _before_a_camera(flat.vertices, side)
    view = _view(points, size, aside, above)
    part = Part(_plain(points, flat.triangles, flat.colors), None)
    picture = Image.fromarray(rendered([part], view, size, np.array(PAPER, np.float32) / 255.0))
    if has_edges:
        places, _ = view.places(points, *size)
        large = picture.resize((picture.width * 3, picture.height * 3))
        pen = ImageDraw.Draw(large)
        for triangle in places.reshape(-1, 3, 2) * 3:
            pen.line([*map(tuple, triangle), tuple(triangle[0])], fill=(70, 84, 110), width=2)
        return fitted(large, max(size))
    return picture


def _before_a_camera(points: NDArray[Any], side: int) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Returns the points moved far before a camera, so that solids of millimetres and scenes look alike, and a size."""
    width, height = np.ptp(points[:, 0]), np.ptp(points[:, 1])
    scale = side / max(width, height)
    middle = np.array([points[:, 0].min() + width / 2, points[:, 1].min() + height / 2, points[:, 2].min()])
    moved = (points - middle).astype(np.float32)
    moved[:, 2] += _AWAY * max(width, height)
    return moved, (max(64, round(width * scale)), max(64, round(height * scale)))


def _view(points: NDArray[np.float32], size: tuple[int, int], aside: float, above: float) -> View:
    focal = _AWAY * max(size)
    camera = Camera(*size, focal, focal, size[0] / 2, size[1] / 2, "picture")
    return orbit_of(points, camera).views([(math.radians(aside), math.radians(above))])[0]


def dots(cloud: Mesh, side: int, aside: float = 20.0, above: float = 10.0) -> Image.Image:
    """Returns the points of a cloud as dots in their colours, the nearer ones on top."""
    points, size = _before_a_camera(cloud.vertices, side)
    view = _view(points, size, aside, above)
    places, ahead = view.places(points, *size)
    picture = np.empty((size[1], size[0], 3), np.uint8)
    picture[:] = (24, 26, 32)
    order = np.argsort(-ahead)
    column, row_ = places[order].round().astype(int).T
    is_inside = (column >= 0) & (column < size[0]) & (row_ >= 0) & (row_ < size[1])
    picture[row_[is_inside], column[is_inside]] = cloud.colors[order][is_inside]
    return Image.fromarray(picture)
