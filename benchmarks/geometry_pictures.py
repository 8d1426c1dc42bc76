# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/geometry.md: Mono3D, a plain grid and Poisson of an 8-bit map, from the same disparity.

python3 benchmarks/geometry_pictures.py --data-folder FOLDER [--output docs]

Needs the installed worker packages. The third column follows a common recipe of small web apps: 8-bit disparity used as
depth, a focal length of 1000 pixels, unoriented normals, Poisson at depth 9, and the 10 % of the vertices with the
lowest density removed.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mono3d_addon import environment  # noqa: E402

PHOTOS = ("coffee.png", "astronaut.png")
"""CC0 and public domain."""
WIDTH = 420
SUPERSAMPLE = 2
SIDEWAYS, RAISED = 22.0, 20.0


@dataclass(frozen=True)
class Solid:
    """A triangle mesh with a colour for each vertex: float32 (n, 3), int32 (m, 3), uint8 (n, 3); y down, z forward."""

    vertices: Any
    triangles: Any
    colors: Any


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data-folder", type=Path, default=environment.default_data_folder(), help="folder with the installed packages"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="folder for the pictures (default: docs)")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(environment.require("worker", options.data_folder)))
    import numpy as np
    from PIL import Image

    from mono3d_addon.core.mesh.mesh import joined

    rows, fills = [], []
    for name in PHOTOS:
        photo = ROOT / "tests" / "photos" / name
        torn, result = (reconstruct(photo, edges, options.data_folder) for edges in ("tear", "fill"))
        pixels = np.asarray(Image.open(result.photo).convert("RGB"))
        bare = Solid(torn.mesh.vertices, torn.mesh.triangles, torn.mesh.colors)
        whole = joined(result.mesh, result.background)
        filled = Solid(whole.vertices, whole.triangles, whole.colors)
        pictures = [filled, plain_grid(result, pixels), eight_bit_poisson(result, pixels)]
        rows.append(np.hstack([render(one, result.camera, SIDEWAYS, RAISED) for one in pictures]))
        fills.append(np.hstack([render(one, result.camera, -SIDEWAYS, 8.0) for one in (bare, filled)]))
    for name, parts in (("geometry.jpg", rows), ("geometry_fill.jpg", fills)):
        Image.fromarray(np.vstack(parts)).save(options.output / name, quality=85)
        print(options.output / name)
    return 0


def reconstruct(photo: Path, edges: str, data: Path) -> Any:
    """Returns the product's own reconstruction, with default settings but for `edges`."""
    from mono3d_addon import pipeline
    from mono3d_addon.session import Session
    from mono3d_addon.settings import Settings

    settings = Settings(edges=edges)
    with tempfile.TemporaryDirectory() as folder:
        folders = pipeline.Folders(Path(folder))
        return pipeline.reconstruct(photo, settings, lambda stage, share: None, Session(data), folders)


def plain_grid(result: Any, pixels: Any) -> Solid:
    """Returns a simple grid: enlarged linearly, not torn."""
    from mono3d_addon.core import windows
    from mono3d_addon.core.maps.disparity import normalise, to_depth
    from mono3d_addon.core.mesh.grid import build_grid

    rows, columns = pixels.shape[:2]
    settings = result.resolved.applied_to(result.settings)
    normalised = normalise(result.disparity, settings.percentile)
    depth = to_depth(windows.enlarge(normalised, columns, rows), settings.near, settings.far)
    mesh = build_grid(depth, result.camera, pixels, 0.0).mesh(result.camera)
    return Solid(mesh.vertices, mesh.triangles, mesh.colors)


def eight_bit_poisson(result: Any, pixels: Any) -> Solid:
    """Returns the Poisson surface of 8-bit disparity used as depth."""
    import numpy as np

    from mono3d_addon.core import windows
    from mono3d_addon.surface import open3d_library

    open3d = open3d_library.load()
    rows, columns = pixels.shape[:2]
    disparity = windows.enlarge(result.disparity, columns, rows)
    depth = ((disparity - disparity.min()) / np.ptp(disparity) * 255).astype(np.uint8).astype(np.float32)
    row, column = np.mgrid[:rows, :columns]
    points = np.stack([(column - columns / 2) * depth / 1000, (row - rows / 2) * depth / 1000, depth], axis=2)
    kept = depth > 0
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points[kept].astype(np.float64)))
    cloud.colors = open3d.utility.Vector3dVector(pixels[kept] / 255.0)
    cloud, _ = cloud.remove_statistical_outlier(nb_neighbors=2, std_ratio=2.0)
    cloud.estimate_normals()
    mesh, density = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=9)
    density = np.asarray(density)
    mesh.remove_vertices_by_mask(density < np.quantile(density, 0.1))
    colors = np.clip(np.asarray(mesh.vertex_colors) * 255, 0, 255).astype(np.uint8)
    return Solid(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.triangles, np.int32), colors)


def render(solid: Solid, seen_by: Any, sideways: float, raised: float) -> Any:
    """Returns a picture, uint8 (h, w, 3), of `solid` from the side and above, rotated about its centre."""
    import numpy as np

    from mono3d_addon.core.camera.camera import Camera
    from mono3d_addon.surface import open3d_library

    open3d = open3d_library.load()
    scene = open3d.t.geometry.RaycastingScene()
    tensor = open3d.core.Tensor.from_numpy
    scene.add_triangles(
        tensor(np.ascontiguousarray(solid.vertices, np.float32)),
        tensor(np.ascontiguousarray(solid.triangles.astype(np.uint32))),
    )
    scale = WIDTH * SUPERSAMPLE / seen_by.width
    width, height = WIDTH * SUPERSAMPLE, round(seen_by.height * scale / SUPERSAMPLE) * SUPERSAMPLE
    camera = Camera(width, height, seen_by.fx * scale, seen_by.fy * scale, width / 2, height / 2, "picture")
    middle = np.median(solid.vertices, axis=0)
    turn = _turn(math.radians(sideways), math.radians(-raised))
    across, down, along = ((solid.vertices - middle) @ turn).T
    # Move sideways and back along the view until nearly all of it is in the picture.
    centre, away = [], []
    for place, slope in ((across, width / camera.fx / 2), (down, height / camera.fy / 2)):
        low, high = (np.quantile(sign * place / slope - along, 0.995) for sign in (-1, 1))
        centre.append(slope * (high - low) / 2)
        away.append((high + low) / 2)
    eye = middle + turn @ np.array([*centre, -max(away)])
    rays = camera.back_project(np.ones((height, width), np.float32)) @ turn.T.astype(np.float32)
    lines = np.concatenate([np.broadcast_to(eye.astype(np.float32), rays.shape), rays], axis=1).astype(np.float32)
    hit = scene.cast_rays(tensor(np.ascontiguousarray(lines)))
    met = np.isfinite(hit["t_hit"].numpy())
    corner = solid.triangles[hit["primitive_ids"].numpy()[met]]
    u, v = hit["primitive_uvs"].numpy()[met].T
    shares = np.stack([1 - u - v, u, v], axis=1)
    color = np.einsum("ij,ijk->ik", shares, np.asarray(solid.colors)[corner].astype(np.float32))
    facing = np.abs(np.einsum("ij,ij->i", hit["primitive_normals"].numpy()[met], rays[met]))
    facing /= np.linalg.norm(rays[met], axis=1)
    picture = np.full((height * width, 3), 236, np.float32)
    picture[met] = color * (0.6 + 0.4 * facing)[:, None]
    parts = picture.reshape(height // SUPERSAMPLE, SUPERSAMPLE, WIDTH, SUPERSAMPLE, 3)
    return np.rint(parts.mean(axis=(1, 3))).astype(np.uint8)


def _turn(yaw: float, pitch: float) -> Any:
    import numpy as np

    c, s, d, t = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, d, -t], [0, t, d]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
