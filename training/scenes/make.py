# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one picture: generates scenes until one is usable, renders it and writes its three files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.scenes import disparity_file, metric_file, render, verdict, views
from training.scenes.build import build, focus
from training.scenes.kinds import KINDS, SHOWN
from training.scenes.palette import Random
from training.scenes.plan import Picture

ATTEMPTS = 20


def make(picture: Picture, folder: Path) -> list[str]:
    """Writes a picture and its disparity; returns why earlier attempts were rejected.

    Raises RuntimeError if no attempt is usable.
    """
    rejected: list[str] = []
    for attempt in range(ATTEMPTS):
        fault = _attempt(picture, picture.random(attempt), folder)
        if not fault:
            return rejected
        rejected.append(fault)
    raise RuntimeError(f"No attempt at {picture.name} is usable: {', '.join(rejected)}.")


def render_settings(random: Random) -> render.RenderSettings:
    """Returns random render settings."""
    transform = str(random.choice(["Standard", "AgX", "Filmic"], p=[0.55, 0.3, 0.15]))
    contrast = "None"
    brightness = 0.18 * float(np.exp(random.normal(0, 0.35)))
    samples = int(random.choice([6, 8, 12], p=[0.5, 0.35, 0.15]))
    return render.RenderSettings(samples, transform, contrast, brightness)


def _attempt(picture: Picture, random: Random, folder: Path) -> str:
    """Writes the files and returns '', or returns why the generated scene is not usable."""
    scene = KINDS[picture.kind][0](random)
    wanted = render_settings(random)
    render.empty()
    build(scene)
    disparity = render.disparity(picture.width, picture.height)
    if fault := verdict.fault_of_disparity(disparity):
        return fault
    focus(views.focused(random, scene.view, disparity))
    light = render.color(picture.width, picture.height, wanted.samples)
    if fault := verdict.fault_of_picture(light):
        return fault
    metric = metric_file.Metric(
        SHOWN[picture.kind], disparity_file.top(disparity), scene.view.lens / views.SENSOR, "training.scenes"
    )
    write(folder, picture.name, light, wanted, disparity, metric)
    return ""


def write(
    folder: Path,
    name: str,
    light: render.Pixels,
    settings: render.RenderSettings,
    disparity: render.Pixels,
    metric: metric_file.Metric,
) -> None:
    """Writes the three files of a picture; the last one marks it as complete."""
    files = {
        disparity_file.ENDING: disparity_file.png(disparity_file.scaled(disparity, metric.inverse_metres)),
        ".jpg": render.jpeg(light, settings),
        metric_file.ENDING: metric.text().encode(),
    }
    for ending, content in files.items():
        beside = folder / f"{name}{ending}.part"
        beside.write_bytes(content)
        beside.rename(folder / (name + ending))
