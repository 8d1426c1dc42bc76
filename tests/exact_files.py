# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a scene, the weights files that tell the truth about them, and how far off a result is.

Needs numpy alone, so that it works in every Blender; only EXIF needs Pillow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.field_of_view import angle_of
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.photo.png_writer import encoded
from mono3d_addon.depth import resize
from mono3d_addon.depth.catalogue import MODELS
from tests import exact_network as exact
from tests import exact_worker
from tests.core import ray_caster

DISPARITY, METRES, BY_FOCAL, MONO, POINTS = (
    "depth_anything_v2_vits",
    "depth_anything_v2_metric_vkitti_vits",
    "da3metric_large",
    "da3mono_large",
    "moge_2_vits_normal",
)
"""A model of each kind of result."""

ANGLE = 62.0
"""Field of view of the photos in degrees, but of those with EXIF."""
EQUIVALENT = 28
"""Focal length in their EXIF, in millimetres as for film."""
EXIF_ANGLE = float(np.degrees(angle_of((640, 480), Lens(focal_length_35mm=EQUIVALENT))))


@dataclass(frozen=True)
class Files:
    """A photo and the weights file of a network that tells the truth about it."""

    photo: Path
    weights: Path
    camera: Camera


def files(folder: Path, model: str, *, has_exif: bool = False, length: int = 0) -> Files:
    """Writes the files for a model; with EXIF the photo is one of `EXIF_ANGLE`. See `write_weights` for `length`."""
    camera = exact.eye(degrees=EXIF_ANGLE if has_exif else ANGLE)
    folder.mkdir(parents=True, exist_ok=True)
    photo = folder / ("tagged.png" if has_exif else "scene.png")
    pixels = exact.render(exact.OUTDOORS, camera).pixels
    photo.write_bytes(encoded(pixels))
    if has_exif:
        _tag(photo)
    row = MODELS[model]
    columns, rows = resize.input_size(camera.width, camera.height, row)
    arrays = exact.ExactEngines(row, exact.OUTDOORS, camera).arrays(rows, columns)
    weights = folder / f"{photo.stem}-{row.file}"
    exact_worker.write_weights(weights, arrays, (rows, columns), length)
    return Files(photo, weights, camera)


def _tag(photo: Path) -> None:
    """Adds the EXIF of a camera with the focal length `EQUIVALENT` to a picture."""
    from PIL import Image

    exif = Image.Exif()
    # Pillow leaves EXIF out that has nothing in its first directory.
    exif[271] = "Somebody"
    exif.get_ifd(0x8769)[41989] = EQUIVALENT
    with Image.open(photo) as picture:
        picture.load()
        picture.save(photo, exif=exif)


def true_range(model: str, *, has_sky: bool = False) -> tuple[float, float]:
    """Returns the percentiles, metres, that are near and far of the scene as the model's network sees it."""
    columns, rows = resize.input_size(640, 480, MODELS[model])
    truth = exact.render(exact.OUTDOORS, exact.stretched(exact.eye(degrees=ANGLE), columns, rows))
    kept = truth.depth if has_sky else truth.depth[truth.item < len(exact.OUTDOORS) - 1]
    far, near = np.percentile(1.0 / kept, [1.0, 99.0])
    return 1.0 / float(near), 1.0 / float(far)


def depth_errors(depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float64]:
    """Returns the relative errors of a depth map, float32 (rows, columns), where the truth has no edge."""
    truth = exact.render(exact.OUTDOORS, exact.stretched(camera, depth.shape[1], depth.shape[0]))
    things = exact.smooth(truth, 7) & ~np.isnan(depth)
    assert things.mean() > 0.25
    return np.abs(depth[things].astype(np.float64) / truth.depth[things] - 1.0)


def vertex_errors(vertices: NDArray[Any], camera: Camera) -> NDArray[np.float64]:
    """Returns the distances of vertices, (n, 3) in the camera's frame, from the surface, relative to their depth.

    Those of the sky and at edges are left out. What counts is where a vertex is, not its UV: a wrong lens
    shows.
    """
    places = camera.project(vertices.astype(np.float32)).astype(np.float64)
    truth = exact.render(exact.OUTDOORS, camera)
    inside = ((places > 0.0) & (places < (camera.width, camera.height))).all(axis=1)
    cells = np.clip(places, 0, (camera.width - 1, camera.height - 1)).astype(int)
    kept = inside & exact.smooth(truth, 14)[cells[:, 1], cells[:, 0]]
    depth = ray_caster.depth_at(exact.OUTDOORS, camera, places[kept])
    assert kept.mean() > 0.2
    return np.abs(vertices[kept, 2] / depth - 1.0)


def true_sky(camera: Camera, rows: int, columns: int) -> NDArray[np.bool_]:
    """Returns the pixels of sky, bool (rows, columns)."""
    return exact.render(exact.OUTDOORS, exact.stretched(camera, columns, rows)).item == len(exact.OUTDOORS) - 1


def data_folder(folder: Path, model: str, packages: Path) -> Path:
    """Makes a data folder that has the installed packages of another and, as if downloaded, the weights of `files`."""
    row = MODELS[model]
    (folder / "weights").mkdir(parents=True)
    (folder / "environments").symlink_to(packages / "environments")
    made = files(folder, model, length=row.file_bytes)
    weights = made.weights.rename(folder / "weights" / row.file)
    exact_worker.remember_as_verified(row, weights, folder)
    return folder
