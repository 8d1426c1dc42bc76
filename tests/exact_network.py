# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that makes no errors: it gives the true arrays of a scene, in the form and size of a model's."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core import windows
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.photo.png_writer import encoded
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.engines.choice import EngineChoice, Result
from mono3d_addon.depth.engines.engine import DEPTH, DISPARITY, MASK, NORMALS, POINTS, SCALE, SKY, Arrays
from mono3d_addon.depth.estimator import Estimator, EstimatorCache
from mono3d_addon.depth.model import Model
from mono3d_addon.session import Session
from tests.core.ray_caster import Item, Truth
from tests.core.ray_caster import render as rendered
from tests.core.truth_scenes import BROWN, GREEN, RED, ball, box, floor, plain, wall
from tests.core.truth_scenes import SKY as SKY_BLUE

SCALE_OF_POINTS, SHIFT_OF_POINTS = 2.5, 0.4
"""Metres for 1 in the network's points, and what their z lacks."""

OUTDOORS: tuple[Item, ...] = (
    floor(1.4, plain(GREEN), 0.1),
    ball(-0.8, 0.7, 4.0, 0.6, plain(RED)),
    box((1.2, 0.4, 5.5), (1.6, 1.8, 1.0), plain(BROWN), 0.5),
    wall(900.0, plain(SKY_BLUE)),
)
"""Things on a floor that rises to a horizon, before a sky, which is the last item."""


render = functools.cache(rendered)
"""Returns what a camera sees of a scene, see `ray_caster.render`."""


def eye(width: int = 640, height: int = 480, degrees: float = 62.0) -> Camera:
    """Returns the camera of the photos."""
    return Camera.from_field_of_view(width, height, math.radians(degrees), "truth")


def stretched(camera: Camera, width: int, height: int) -> Camera:
    """Returns a camera that sees the same in another number of pixels."""
    across, down = width / camera.width, height / camera.height
    return dataclasses.replace(
        camera,
        width=width,
        height=height,
        fx=camera.fx * across,
        cx=camera.cx * across,
        fy=camera.fy * down,
        cy=camera.cy * down,
    )


@dataclass
class ExactEngines:
    """Stands in for `EngineChoice`: one scene, seen by `camera`, whatever the pictures are."""

    model: Model
    items: tuple[Item, ...]
    camera: Camera
    device: str = "cpu"
    runs: int = 0

    def run(self, pictures: NDArray[np.float32], tell: Callable[[str], None]) -> Result:
        self.runs += 1
        rows, columns = pictures.shape[2:]
        found = [self.arrays(rows, columns)]
        if len(pictures) == 2:
            found.append({name: mirrored(name, array) for name, array in found[0].items()})
        return Result({name: np.stack([one[name] for one in found]) for name in found[0]}, "exact")

    def room(self, size: tuple[int, int]) -> int:
        return sys.maxsize

    def arrays(self, rows: int, columns: int) -> dict[str, NDArray[np.float32]]:
        """Returns the true arrays of one picture, by the name and in the form of the model's."""
        if self.model.gives == "points":
            rows, columns = rows // 14 * 16, columns // 14 * 16
        truth = self.seen(columns, rows)
        sky = truth.item == len(self.items) - 1
        if self.model.gives == "points":
            return points_of(truth, sky)
        if self.model.gives == "disparity":
            return {DISPARITY: 3.0 / truth.depth + np.float32(0.7)}
        if self.model.gives == "metres":
            return {DEPTH: truth.depth}
        depth = truth.depth * np.float32(0.37)
        if self.model.gives == "metres by focal length":
            pixels = 0.5 * (truth.camera.fx + truth.camera.fy)
            depth = truth.depth * np.float32(300.0 / pixels)
        return {DEPTH: np.where(sky, np.float32(0.01), depth), SKY: sky.astype(np.float32)}

    def seen(self, width: int, height: int) -> Truth:
        return render(self.items, stretched(self.camera, width, height))


def mirrored(name: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns what the network gives for the mirror image."""
    if array.ndim < 2:
        return array
    flip = np.array([-1, 1, 1], np.float32) if name in (POINTS, NORMALS) else np.float32(1)
    return array[:, ::-1] * flip


def points_of(truth: Truth, sky: NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
    """Returns points, mask, normals and scale; where there is sky, the points are nonsense."""
    camera = truth.camera
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = ((np.arange(camera.height) + 0.5 - camera.cy) / camera.fy)[:, None]
    depth = truth.depth
    points = np.stack((x * depth, y * depth, depth), axis=-1) / SCALE_OF_POINTS
    points[..., 2] -= SHIFT_OF_POINTS
    points[sky] = (1.0, 2.0, 0.1)
    return {
        POINTS: points.astype(np.float32),
        MASK: np.where(sky, 0.02, 0.98).astype(np.float32),
        SCALE: np.array([SCALE_OF_POINTS], np.float32),
        NORMALS: truth.normals,
    }


def session(folder: Path, items: tuple[Item, ...] = OUTDOORS, camera: Camera | None = None) -> Session:
    """Returns a session whose networks make no errors."""
    made = Session(folder / "data")

    def load(model: Model, *_: Any, **__: Any) -> Estimator:
        engines = cast(EngineChoice, ExactEngines(model, items, camera or eye()))
        return Estimator(model, engines, lambda: engines)

    made.estimators = EstimatorCache(load)
    return made


def photo(folder: Path, items: tuple[Item, ...] = OUTDOORS, camera: Camera | None = None) -> Path:
    """Writes the photo of a scene and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scene.png"
    path.write_bytes(encoded(render(items, camera or eye()).pixels))
    return path


def weights(folder: Path) -> str:
    """Writes a file that stands for the weights of any model, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "exact.pt"
    path.write_bytes(b"exact")
    return str(path)


def arrays_for(model: str, rows: int, columns: int) -> Arrays:
    """Returns the true arrays of one picture for a network input of that size."""
    return ExactEngines(MODELS[model], OUTDOORS, eye()).arrays(rows, columns)


def smooth(truth: Truth, radius: int) -> NDArray[np.bool_]:
    """Returns the pixels of things, without sky, around which the truth has no edge within `radius` pixels."""
    item = truth.item.astype(np.float32)
    one_item = windows.minimum(item, radius) == windows.maximum(item, radius)
    one_depth = windows.maximum(truth.depth, radius) < 1.5 * windows.minimum(truth.depth, radius)
    return one_item & one_depth & (truth.item < len(OUTDOORS) - 1)
