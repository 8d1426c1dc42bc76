# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders photos of furnished scenes: `python3 -m training.scenes.furnished --assets FOLDER --out FOLDER`.

Needs a Python with `bpy`, and the libraries of Debian's package sweethome3d-furniture.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.scenes.furnished import catalogue, plan
from training.scenes.furnished.choice import Store

PICTURES = (".jpg", ".png")


def main(arguments: Sequence[str]) -> int:
    """Renders the scenes that are not there yet; returns 0."""
    options = _options(arguments)
    assets = [one for one in catalogue.read(options.assets) if one.is_held == options.held]
    if options.table:
        print(catalogue.table(catalogue.read(options.assets)), end="")
        return 0
    from training.scenes import render
    from training.scenes.furnished.library import Library
    from training.scenes.furnished.make import make

    catalogue.unpack(options.assets, options.cache)
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = _files(options.pictures, PICTURES, options.held)
    people = _files(options.people, (".npz",), options.held)
    whole = Store(assets, pictures, people)
    render.empty()
    library, kept, part = Library(options.cache), -1, whole
    began, total = time.monotonic(), 0
    for number in range(options.first, options.first + options.count):
        if (options.out / plan.marker(options.seed, number)).exists():
            continue
        if number // plan.BATCH != kept:
            kept = number // plan.BATCH
            if not options.held:
                part = whole.part(np.random.default_rng([options.seed, kept, 7]), plan.SHARE_OF_ASSETS)
        random = np.random.default_rng([options.seed, number])
        scene = plan.scene(random, part, options.kinds)
        result = make(
            scene,
            random,
            lambda view, one=scene, at=number: plan.name(one, options.seed, at, view),  # type: ignore[misc]
            options.views,
            options.out,
            library,
            part,
            options.held,
        )
        (options.out / plan.marker(options.seed, number)).touch()
        total += len(result.names)
        pace = total / (time.monotonic() - began) * 3600
        spent = ", ".join(f"{seconds:.1f}" for seconds in result.seconds)
        rejected = f", rejected: {', '.join(result.rejected)}" if result.rejected else ""
        print(
            f"{number} {scene.name}: {len(result.names)} photos in {spent} s; {total}, {pace:.0f} an hour{rejected}",
            file=sys.stderr,
            flush=True,
        )
    return 0


def _files(folders: Sequence[Path], endings: Sequence[str], held: bool) -> list[Path]:
    """Returns the files in folders with an ending, those held out or the others."""
    found = [file for folder in folders for file in sorted(folder.iterdir()) if file.suffix in endings]
    return [file for file in found if not file.name.endswith(".disp.png") and catalogue.is_held(file.stem) == held]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m training.scenes.furnished", description=__doc__)
    parser.add_argument("--assets", type=Path, required=True, help="folder with the furniture libraries, *.sh3f")
    parser.add_argument("--cache", type=Path, default=Path("asset-cache"), help="folder for the unpacked models")
    parser.add_argument("--out", type=Path, default=Path("renders"), help="folder for the pictures")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="folders of photos to hang on walls")
    parser.add_argument("--people", type=Path, nargs="*", default=[], help="folders of baked people, *.npz")
    parser.add_argument("--count", type=int, default=100, help="number of scenes (default: 100)")
    parser.add_argument("--first", type=int, default=0, help="number of the first scene (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random scenes (default: 0)")
    parser.add_argument("--views", type=int, default=5, help="photos of each scene (default: 5)")
    parser.add_argument("--held", action="store_true", help="use the held-out assets, and no others")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(plan.SHARES), default=list(plan.SHARES), help="kinds of scenes"
    )
    parser.add_argument("--table", action="store_true", help="only print the table of assets and licences")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Some versions of bpy crash or hang when the interpreter ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
