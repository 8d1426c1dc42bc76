# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of one scene: assembles it, takes several photos and writes their files."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.scenes import disparity_file, metric_file, render, verdict
from training.scenes.furnished import assembly, close_by
from training.scenes.furnished.choice import Store
from training.scenes.furnished.library import Library
from training.scenes.furnished.scene import Furnished, Shot
from training.scenes.make import render_settings, write
from training.scenes.palette import Random, chance
from training.scenes.views import SENSOR

FLAT = "flat"
GENERATOR = "training.scenes.furnished"
SAMPLES = 8
DRAWS = 60
"""Photos drawn at most for a scene."""
TRIES = 3
"""Photos whose disparity is rendered at most, as a multiple of those wanted."""
TOO_NEAR = 9.0
"""Per metre: where the nearest hundredth of a picture is nearer, the camera is inside something."""


@dataclass
class Result:
    """What became of a scene."""

    names: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Spent on building, disparity, light."""


def make(
    made: Furnished,
    random: Random,
    name: Callable[[int], str],
    views: int,
    folder: Path,
    library: Library,
    store: Store,
    held: bool,
) -> Result:
    """Writes up to `views` photos of a scene, named by their number; returns what was made.

    `store` has what is held before the camera in some of them.
    """
    result, begun = Result(), time.monotonic()
    assembly.clear()
    assembly.assemble(made, library)
    built = time.monotonic()
    good: list[tuple[Shot, render.Pixels]] = []
    for shot in _shots(made, random, TRIES * views, store):
        assembly.aim(shot, library)
        disparity = render.disparity(shot.width, shot.height)
        if fault := fault_of(disparity, made):
            result.rejected.append(fault)
        else:
            good.append((shot, disparity))
        if len(good) == views:
            break
    measured = time.monotonic()
    for number, (shot, disparity) in enumerate(good):
        assembly.aim(shot, library)
        settings = render_settings(random)
        light = render.color(shot.width, shot.height, SAMPLES, is_denoised=chance(random, 0.5))
        if fault := verdict.fault_of_picture(light):
            result.rejected.append(fault)
            continue
        metric = metric_file.Metric(
            made.kind, disparity_file.top(disparity), shot.view.lens / SENSOR, f"{GENERATOR}.{made.name}", held
        )
        write(folder, name(number), light, settings, disparity, metric)
        result.names.append(name(number))
    result.seconds = (built - begun, measured - built, time.monotonic() - measured)
    return result


def fault_of(disparity: render.Pixels, made: Furnished) -> str:
    """Returns why a disparity is not usable, or ''."""
    seen = disparity[disparity > 0]
    if seen.size and float(np.percentile(seen, 99)) > TOO_NEAR:
        return "too near"
    fault = verdict.fault_of_disparity(disparity)
    return "" if made.may_be_flat and fault in ("flat", "hardly any edges") else fault


def _shots(made: Furnished, random: Random, most: int, store: Store) -> list[Shot]:
    if made.shoot is None:
        raise ValueError(f"The scene {made.name} has no photos to take.")
    drawn = (made.shoot(random) for _ in range(DRAWS))
    shots = [shot for shot in drawn if shot is not None][:most]
    return shots if made.kind == FLAT else [close_by.sometimes(random, shot, store) for shot in shots]
