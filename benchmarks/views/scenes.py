# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders scenes with their true side views: `python3 -m benchmarks.views.scenes --out FOLDER --count N --seed S`.

Needs a Python that has `bpy` (the wheel, which brings a denoiser). A scene is a folder with `photo.png`,
`depth.npy` (metres along the camera's axis, float32, infinite for sky), `scene.json`, and for each view of `orbit.py`
a picture and a depth map of the same kind. Seeds here are not those of the training renders.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.views.orbit import SIDE_VIEWS, middle_depth, orbit
from training.scenes import plan, render, verdict
from training.scenes.blender import bpy, mathutils
from training.scenes.build import build
from training.scenes.kinds import KINDS
from training.scenes.views import SENSOR

ATTEMPTS = 20
SAMPLES = 32
BRIGHTNESS = 0.18


def main(arguments: Sequence[str]) -> int:
    """Renders the scenes that are not there yet; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.views.scenes", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2, help="scenes of each kind (2)")
    parser.add_argument("--seed", type=int, default=900_000, help="another seed gives other scenes (900000)")
    parser.add_argument("--size", type=int, default=512, help="longer side in pixels (512)")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    options = parser.parse_args(arguments)
    for index in range(options.count):
        for kind in options.kinds:
            picture = plan.picture(options.seed, index, options.size, {kind: 1.0})
            folder = options.out / picture.name
            if not (folder / "scene.json").exists():
                began = time.monotonic()
                make(picture, folder)
                print(f"{picture.name} {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return 0


def make(picture: plan.Picture, folder: Path) -> None:
    """Writes one scene; `scene.json` last, so that a folder with one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        scene = KINDS[picture.kind][0](picture.random(attempt))
        render.empty()
        build(scene)
        bpy.context.scene.camera.data.dof.use_dof = False
        disparity = render.disparity(picture.width, picture.height)
        if not verdict.fault_of_disparity(disparity):
            light = lit(picture)
            if not verdict.fault_of_picture(light):
                break
    else:
        raise RuntimeError(f"No attempt at {picture.name} is of use.")
    stops = render.exposure(light, BRIGHTNESS)
    write(folder, "photo", light, disparity, stops)
    pivot = middle_depth(depth_of(disparity))
    camera = bpy.context.scene.camera
    home = camera.matrix_world.copy()
    views = []
    for view in SIDE_VIEWS:
        camera.matrix_world = home @ mathutils.Matrix(orbit(view, pivot).tolist())
        seen = render.disparity(picture.width, picture.height)
        # A camera that was moved into a wall or a thing sees nothing that a user would look at.
        if float(np.mean(seen > 8.0 * disparity.max())) > 0.02:
            continue
        write(folder, view.name, lit(picture), seen, stops)
        views.append(view.name)
    field_of_view = 2.0 * math.degrees(math.atan(SENSOR / 2.0 / camera.data.lens))
    facts = {"kind": picture.kind, "field_of_view": field_of_view, "pivot": pivot, "views": views}
    (folder / "scene.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def lit(picture: plan.Picture) -> render.Pixels:
    """Returns the denoised light of the scene in Blender, linear."""
    return render.color(picture.width, picture.height, SAMPLES, is_denoised=True)


def depth_of(disparity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns metres for disparity per metre; the sky is infinite."""
    with np.errstate(divide="ignore"):
        depth: NDArray[np.float32] = np.where(disparity > 0.0, np.float32(1.0) / disparity, np.float32(np.inf))
    return depth


def write(folder: Path, name: str, light: render.Pixels, disparity: NDArray[np.float32], stops: float) -> None:
    """Writes a view's picture and depth; all views of a scene have the exposure of its photo."""
    wanted = render.RenderSettings(SAMPLES, "Standard", "None", BRIGHTNESS)
    render.save(light, wanted, folder / f"{name}.png", stops=stops)
    np.save(folder / f"{name}_depth.npy" if name != "photo" else folder / "depth.npy", depth_of(disparity))


if __name__ == "__main__":
    code: Any = main(sys.argv[1:])
    sys.stderr.flush()
    # Some versions of bpy crash or hang when the interpreter ends.
    os._exit(code)
