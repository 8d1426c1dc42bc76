# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores flat surfaces: `python3 -m benchmarks.planes FOLDER... --data-folder FOLDER [--limit N]`.

A FOLDER is what `benchmarks.views.scenes` or `training.scenes` made: photos with exact depth. Each photo is estimated
once by the starter and shaped twice, without and with flat planes. --weights takes another starter. Prints Markdown
tables by kind of scene.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROWS: dict[str, dict[str, Any]] = {"off": {"planes": False}, "on": {}}
SORTS = ("frontal", "oblique", "level")


def main(arguments: Sequence[str]) -> int:
    """Prints the tables; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.planes", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--data-folder", type=Path, required=True, help="folder with the installed packages")
    parser.add_argument("--weights", default="", help="weights file of another starter model")
    parser.add_argument("--limit", type=int, default=10_000, help="at most this many pictures, evenly from all")
    options = parser.parse_args(arguments)
    from mono3d_addon import environment

    sys.path.insert(0, str(environment.require("worker", options.data_folder)))
    from benchmarks.planes.truth import truths

    found = [truth for folder in options.folders for truth in truths(folder)]
    step = max(1, -(-len(found) // options.limit))
    scores: dict[str, dict[str, list[Any]]] = {name: defaultdict(list) for name in ROWS}
    for truth in found[step // 2 :: step]:
        for name, figures in scored(truth, options).items():
            scores[name][truth.kind].append(figures)
            scores[name]["all"].append(figures)
        print(truth.name, file=sys.stderr, flush=True)
    for kind in sorted(scores["on"], key=lambda name: (name != "all", name)):
        print_table(kind, {name: by_kind[kind] for name, by_kind in scores.items()})
    return 0


def scored(truth: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of one picture by the name of the row."""
    from benchmarks.planes.figures import figures
    from benchmarks.planes.truth import patches
    from mono3d_addon.core.photo.photo import read_photo
    from mono3d_addon.core.stages import ESTIMATING, Stages
    from mono3d_addon.depth.disparity_cache import DisparityCache
    from mono3d_addon.depth_source import source_of
    from mono3d_addon.reshape import make_reshaper
    from mono3d_addon.session import Session
    from mono3d_addon.settings import Settings

    photo = read_photo(truth.photo, smallest=1)
    settings = Settings(weights=options.weights)
    session = Session(options.data_folder)
    cache = DisparityCache(session.disparity_folder)
    source = source_of(photo, settings, session, cache, is_panorama=False)
    reshaper = make_reshaper(photo, source(Stages(lambda words, share: None, {ESTIMATING: 1.0})), is_panorama=False)
    flat = patches(truth)
    found = {}
    for name, changes in ROWS.items():
        wanted = dataclasses.replace(settings, detail=max(photo.size), sky="keep", **changes)
        made = figures(reshaper.depth(wanted), truth, flat)
        resolved = reshaper.resolved(wanted)
        found[name] = dataclasses.replace(made, distances=_distances(resolved.pinned_to(wanted), photo, truth))
    return found


def _distances(settings: Any, photo: Any, truth: Any) -> tuple[float, float, float]:
    """Returns how far off far/near and near are, as factors, and the field of view, in degrees."""
    import math

    import numpy as np

    from mono3d_addon.core.camera.field_of_view import photo_camera

    known = truth.inverse[truth.inverse > 0.0]
    least, most = np.percentile(known, [1.0, 99.0])
    camera = photo_camera(photo.size, photo.lens, settings, is_panorama=False)
    angle = math.degrees(2.0 * math.atan(max(photo.size) / 2.0 / camera.fx))
    right = math.degrees(2.0 * math.atan(0.5 / truth.focal))
    scale = truth.scale or math.nan
    ratio = math.log(settings.far / settings.near * float(least / most))
    near = math.log(settings.near * float(most) * scale)
    return math.exp(abs(ratio)), math.exp(abs(near)), abs(angle - right)


def print_table(kind: str, rows: dict[str, list[Any]]) -> None:
    """Prints median (90th percentile) of each figure."""
    titles = ["planes", "pictures", "patches", "off their plane %"]
    titles += [f"normals, {sort}" for sort in SORTS] + [f"tilt, {sort}" for sort in SORTS]
    titles += ["rank", "outlines F (precision, recall)", "depth error", "far/near", "near", "field of view"]
    print(f"\n| {kind}: " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    for name, found in rows.items():
        patches = [patch for one in found for patch in one.patches]
        cells = [name, f"{len(found)}", f"{len(patches)}", _spread([patch.bend for patch in patches])]
        for figure in ("normals", "tilt"):
            cells += [_spread([getattr(patch, figure) for patch in patches if patch.sort == sort]) for sort in SORTS]
        mean = [
            statistics.mean(column)
            for column in zip(*((f.rank, f.outlines, f.precision, f.recall, f.error) for f in found), strict=True)
        ]
        cells += [f"{mean[0]:.4f}", f"{mean[1]:.3f} ({mean[2]:.2f}, {mean[3]:.2f})", f"{mean[4]:.3f}"]
        cells += [_spread([one.distances[number] for one in found]) for number in range(3)]
        print("| " + " | ".join(cells) + " |")


def _spread(values: list[float]) -> str:
    import numpy as np

    return f"{np.median(values):.2f} ({np.percentile(values, 90):.1f})" if values else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
