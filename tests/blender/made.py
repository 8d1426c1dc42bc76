# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes reconstructions with numpy alone, for tests in a Blender without torch and Pillow."""

from __future__ import annotations

import importlib
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.settings import Settings

bpy: Any = importlib.import_module("bpy")
"""Blender without its type stubs, in which every attribute may be None."""


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Returns the triangles of a full grid, int32 (m, 3), counter-clockwise seen from the camera (y down)."""
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    return np.ascontiguousarray(np.stack([np.stack([a, c, b], 1), np.stack([b, c, d], 1)], 1).reshape(-1, 3))


def depth_map(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Returns a smooth random depth map, float32 (rows, columns), 1 to 4 metres."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
    waves = sum(np.sin(2 * np.pi * (f * x + g * y) + p) for f, g, p in rng.uniform(-3, 3, (4, 3)))
    return np.asarray(2.5 + waves * (1.5 / 4), dtype=np.float32)


def camera(width: int, height: int, off_centre: tuple[float, float] = (0.0, 0.0), aspect: float = 1.0) -> Camera:
    """Returns a camera whose principal point is off the centre by these fractions of the size."""
    focal = 0.9 * max(width, height)
    x, y = ((0.5 + share) * side for share, side in zip(off_centre, (width, height), strict=True))
    return Camera(width, height, focal, focal * aspect, x, y, "made for a test")


def reconstruction(
    folder: Path,
    seen_by: Camera,
    rows: int,
    columns: int,
    pixels: NDArray[np.uint8] | None = None,
    depth: NDArray[np.float32] | None = None,
    seed: int = 0,
    **settings: Any,
) -> Reconstruction:
    """Returns a grid reconstruction; `pixels`, uint8 (rows, columns, 3), are its colours and its texture."""
    if depth is None:
        depth = depth_map(rows, columns, seed)
    if pixels is None:
        pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    texture = folder / "photo.png"
    write_png(texture, pixels)
    points = seen_by.back_project(depth)
    normals = -points / np.linalg.norm(points, axis=1, keepdims=True)
    uv = seen_by.uv(points).astype(np.float32)
    mesh = Mesh(points, grid_triangles(rows, columns), uv, pixels.reshape(-1, 3), normals.astype(np.float32))
    return Reconstruction(
        "made", folder / "made.jpg", texture, seen_by, Settings(**settings), (1 / depth).astype(np.float32), depth, mesh
    )


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes uint8 (height, width, 3) as an RGB PNG."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_picture(path: Path) -> NDArray[np.float32]:
    """Returns the picture at `path` as Blender reads it, float32 (height, width, 3), sRGB 0..1, first row on top."""
    image = bpy.data.images.load(str(path), check_existing=False)
    width, height = image.size
    values = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)[::-1, :, :3]


def vector(place: NDArray[np.float32]) -> Any:
    """Returns a point, float32 (3,), as Blender's own vector."""
    return importlib.import_module("mathutils").Vector(place.tolist())


def patience(seconds: float) -> float:
    """Returns how long to wait for something that takes at most `seconds` on an idle computer.

    Starting a Python takes about 20 milliseconds there, and longer on a busy machine.
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
    return seconds * max(1.0, (time.monotonic() - began) / 0.04)
