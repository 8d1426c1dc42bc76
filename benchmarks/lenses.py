# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores estimated fields of view: `python3 -m benchmarks.lenses FOLDER... --data-folder FOLDER`.

A FOLDER is what `training.photos gather --list training/lenses.csv`, `training.stereo` or `training.scenes` made:
pictures beside a NAME.json with the focal length. What their metadata tell of it is ignored. Each row is a source,
weighed against a usual lens as in the add-on. Prints a Markdown table for each folder.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ENDINGS = (".jpg", ".png", "_left.png")
Row = Sequence[tuple[float, Any]]
"""True field of view in degrees, and the `Value` that a source gives, for each picture."""


def main(arguments: Sequence[str]) -> int:
    """Prints the tables; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.lenses", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--data-folder", type=Path, required=True, help="folder with the installed packages")
    parser.add_argument("--weights", default="", help="weights file of another starter model")
    options = parser.parse_args(arguments)
    from mono3d_addon import environment

    sys.path.insert(0, str(environment.require("worker", options.data_folder)))
    for folder in options.folders:
        rows: dict[str, list[tuple[float, Any]]] = {}
        for picture, degrees in known(folder):
            for name, value in judged(picture, options).items():
                rows.setdefault(name, []).append((degrees, value))
        print(f"\n{folder.name}\n\n{table(rows)}", flush=True)
    return 0


def known(folder: Path) -> Iterator[tuple[Path, float]]:
    """Yields the pictures with a known lens, and their field of view along the longer side in degrees."""
    for facts in sorted(folder.glob("*.json")):
        focal = json.loads(facts.read_text(encoding="utf-8")).get("focal")
        found = [path for ending in ENDINGS if (path := facts.with_name(facts.stem + ending)).is_file()]
        if focal and found:
            yield found[0], math.degrees(2.0 * math.atan(0.5 / focal))


def judged(picture: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    """Returns the field of view that each source leads to."""
    import dataclasses

    from mono3d_addon.core.camera.automatic import resolve
    from mono3d_addon.core.camera.lens import Lens
    from mono3d_addon.core.camera.vanishing_points import lens_of_lines
    from mono3d_addon.core.photo.photo import read_photo
    from mono3d_addon.core.scene_guess import SceneGuess
    from mono3d_addon.core.stages import ESTIMATING, Stages
    from mono3d_addon.depth.disparity_cache import DisparityCache
    from mono3d_addon.depth_source import source_of
    from mono3d_addon.session import Session
    from mono3d_addon.settings import Settings

    photo = read_photo(picture, smallest=1)
    settings = Settings(weights=options.weights)
    session = Session(options.data_folder)

    def estimated(lens: Lens) -> SceneGuess:
        known = dataclasses.replace(photo, lens=lens)
        source = source_of(known, settings, session, DisparityCache(session.disparity_folder), is_panorama=False)
        return source(Stages(lambda words, share: None, {ESTIMATING: 1.0})).scene or SceneGuess()

    scenes = {
        "55 degrees": SceneGuess(),
        # Of a photo whose lens is known, the edges are not looked at.
        "network": estimated(Lens(view_angle=1.0)),
        "edges": SceneGuess(focal=lens_of_lines(photo.pixels)),
        "both": estimated(Lens()),
    }
    return {name: resolve(settings, SceneGuess(focal=scene.focal)).field_of_view for name, scene in scenes.items()}


def table(rows: Mapping[str, Row]) -> str:
    """Returns a Markdown table: degrees off, and shares of the pictures within what deviations promise."""
    titles = ("source", "pictures", "degrees off", "within 50 / 68 / 90 %", "not rough", "degrees off", "within")
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for name, row in rows.items():
        sure = [one for one in row if not one[1].is_rough]
        cells = (name, len(row), _off(row), _within(row), len(sure), _off(sure), _within(sure))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _off(row: Row) -> str:
    """Returns median and 90th percentile of the errors."""
    import numpy as np

    errors = [abs(math.degrees(value.value) - degrees) for degrees, value in row]
    return "{:.1f} ({:.0f})".format(*np.percentile(errors, (50, 90))) if errors else ""


def _within(row: Row) -> str:
    """Returns the shares of errors that are within what a normal distribution promises, in percent."""
    if not row:
        return ""

    def off(degrees: float, value: Any) -> float:
        return abs(math.log(math.tan(value.value / 2.0) / math.tan(math.radians(degrees) / 2.0))) / value.deviation

    errors = [off(*one) for one in row]
    shares = (sum(error <= limit for error in errors) / len(errors) for limit in (0.674, 0.994, 1.645))
    return " / ".join(f"{100.0 * share:.0f}" for share in shares)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
