# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores results from the side: `python3 -m benchmarks.views SCENES --row NAME=CHECKOUT[ OPTION...] ...`.

SCENES is what `benchmarks.views.scenes` made. Each row runs the command line of a checkout, with its defaults but for
the given options, on every photo, and compares pictures of its GLB file with the true side views. Rows whose
names begin with `exact` take the true depth and lens from the scene: the upper limit for any depth estimate.
Needs trimesh, scikit-image and scipy beside the packages that the checkouts' installers put into --data-folder.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.views.orbit import SIDE_VIEWS, middle_depth, orbit
from benchmarks.views.rays import Model
from benchmarks.views.scores import Score, score

FIRST = np.eye(4)
"""The photo's own camera: GLB stands at the origin and looks along -z."""


def main(arguments: Sequence[str]) -> int:
    """Prints a table of every row by kind of scene and by angle; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.views", description=__doc__)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--row", action="append", required=True, metavar="NAME=CHECKOUT[ OPTION...]")
    parser.add_argument("--data-folder", type=Path, required=True)
    parser.add_argument("--json", type=Path, help="write all scores to this file")
    options = parser.parse_args(arguments)
    scenes = sorted(path.parent for path in options.scenes.glob("*/scene.json"))
    everything: dict[str, dict[str, list[float]]] = {}
    for row in options.row:
        name, _, command = row.partition("=")
        checkout, *extra = shlex.split(command)
        found = [
            one
            for scene in scenes
            for one in scored(scene, Path(checkout), extra, options.data_folder, is_exact=name.startswith("exact"))
        ]
        everything[name] = {f"{one.scene} {one.view}": list(one.score) for one in found}
        print_rows(name, found)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")
    return 0


class Scored(NamedTuple):
    """The score of one side view of a scene."""

    scene: str
    kind: str
    view: str
    angle: float
    score: Score


def scored(scene: Path, checkout: Path, extra: Sequence[str], data: Path, *, is_exact: bool) -> list[Scored]:
    """Returns the scores of a scene's side views."""
    facts = json.loads((scene / "scene.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        model, focal = reconstructed(scene, Path(work), checkout, extra, data, facts if is_exact else None)
    size = Image.open(scene / "photo.png").size
    # The truth's orbit leaves out the sky, which a result has somewhere.
    is_sky = np.isinf(np.load(scene / "depth.npy"))
    pivot = middle_depth(np.where(is_sky, np.float32(np.inf), model.seen(size, focal, FIRST).depth))
    return [
        Scored(
            scene.name,
            facts["kind"],
            view.name,
            view.angle,
            score(
                model.seen(size, focal, orbit(view, pivot)),
                np.asarray(Image.open(scene / f"{view.name}.png").convert("RGB"), np.float32) / 255.0,
                np.load(scene / f"{view.name}_depth.npy"),
            ),
        )
        for view in SIDE_VIEWS
        if view.name in facts["views"]
    ]


def reconstructed(
    scene: Path, work: Path, checkout: Path, extra: Sequence[str], data: Path, facts: dict[str, float] | None
) -> tuple[Model, float]:
    """Returns what a checkout makes of a scene's photo, and its focal length in pixels of the photo."""
    command = [sys.executable, "-m", "mono3d_addon", str(scene / "photo.png"), "-o", f"{work}/out/", "--no-preview"]
    command += ["--format", "glb,camera", "--data-folder", str(data), *extra]
    if facts is not None:
        depth = np.load(scene / "depth.npy")
        np.save(work / "depth.npy", np.where(np.isfinite(depth), depth, np.float32(1e4)))
        command += ["--depth-file", str(work / "depth.npy"), "--depth-kind", "metres"]
        command += ["--field-of-view", f"{facts['field_of_view']}"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{scene.name}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    camera = json.loads(next((work / "out").glob("*camera*.json")).read_text(encoding="utf-8"))
    return Model(next((work / "out").glob("*.glb"))), float(camera["fx"])


def print_rows(name: str, found: Sequence[Scored]) -> None:
    """Prints the means of one row by kind of scene and by angle."""
    groups: dict[str, list[Score]] = defaultdict(list)
    for one in found:
        for group in ("all", one.kind, f"{one.angle:g} degrees"):
            groups[group].append(one.score)
    print(f"\n| {name} | views | holes % | PSNR dB | SSIM | outlines F | precision | recall |\n|" + "---|" * 8)
    for group, scores in groups.items():
        means = [statistics.mean(column) for column in zip(*scores, strict=True)]
        print(f"| {group} | {len(scores)} | {100 * means[0]:.1f} | " + " | ".join(f"{x:.3f}" for x in means[1:]) + " |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
