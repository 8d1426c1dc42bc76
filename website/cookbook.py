# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/cookbook.md by running its commands; two are cut from results of the gallery.

python3 -m website.cookbook --work FOLDER [--draw] [RECIPE...]

A RECIPE is the anchor of its heading. --work is that of `website.gallery`, after that has run: its photos and results
are used. Needs Pillow, trimesh and the packages that the product's installer puts into its data folder.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from . import pictures
from .blocks import blocks_of
from .photos import ROOT, fetch

PAGE = ROOT / "docs" / "cookbook.md"
CATALOGUE = ("cup", "books", "pancakes")
HEIGHT, SIDE = 300, 440

Drawing = Callable[[Path], Image.Image]


def main(arguments: Sequence[str]) -> int:
    """Runs the commands of the recipes and writes their pictures; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m website.cookbook", description=__doc__)
    parser.add_argument("recipes", nargs="*", help="anchors of the recipes to do again (all)")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--draw", action="store_true", help="draw what is in WORK without running the commands again")
    options = parser.parse_args(arguments)
    kitchen = options.work / "cookbook"
    lay_out(kitchen, fetch(options.work / "photos", options.work / "packages", print))
    # What "another program" would bring is the network's depth here.
    depth = "python3 -m mono3d_addon photos/cup.png -o photos/ --format npy --no-preview --near 0.4 --far 0.9"
    if not (kitchen / "photos" / "cup_depth.npy").exists():
        run(depth, kitchen)
    for recipe in options.recipes or PICTURES:
        own = [block for block in blocks_of(PAGE) if block.heading == recipe and not options.draw]
        for command in [one for block in own for one in block.runs]:
            run(command, kitchen)
        path = pictures.save(PICTURES[recipe](kitchen), f"cookbook/{recipe}")
        print(path, path.stat().st_size)
    return 0


def lay_out(kitchen: Path, photos: Mapping[str, Path]) -> None:
    """Puts the photos where the recipes expect them, and draws the mask of the cup."""
    for folder in ("photos", "photos/catalogue", "out"):
        (kitchen / folder).mkdir(parents=True, exist_ok=True)
    for name, path in photos.items():
        for place in ("photos", *(["photos/catalogue"] if name in CATALOGUE else [])):
            (kitchen / place / path.name).write_bytes(path.read_bytes())
    mask = Image.new("L", (600, 400))
    ImageDraw.Draw(mask).ellipse((85, 22, 468, 372), fill=255)
    mask.save(kitchen / "photos" / "cup_mask.png")


def run(command: str, folder: Path) -> None:
    """Runs a documented command line in a folder, with this Python and this repository."""
    words = [sys.executable, *shlex.split(command)[1:]]
    subprocess.run(words, cwd=folder, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def _file(path: str) -> Drawing:
    return lambda kitchen: pictures.fitted(pictures.opened(kitchen / "out" / path), SIDE)


def _row(*paths: str, labels: Sequence[str] = ()) -> Drawing:
    return lambda kitchen: pictures.row([pictures.opened(kitchen / path) for path in paths], HEIGHT // 2, labels)


def _clay(path: str, *, aside: float = 25.0, has_edges: bool = False) -> Drawing:
    return lambda kitchen: pictures.clay(pictures.from_file(kitchen / "out" / path), SIDE, aside, has_edges=has_edges)


def _loop(kitchen: Path) -> Image.Image:
    return pictures.row(_frames(kitchen / "out/loop/dog_turntable.webp", 6, 0, 18), HEIGHT // 2)


def _shot(kitchen: Path) -> Image.Image:
    frames = _frames(kitchen.parent / "gallery/pavilion_turntable.webp", 6, 18)
    return pictures.row(frames, HEIGHT * 3 // 4, ["to one side", "to the other"])


def _frames(path: Path, *numbers: int) -> list[Image.Image]:
    frames = []
    with Image.open(path) as stored:
        for number in numbers:
            stored.seek(number)
            frames.append(stored.convert("RGB"))
    return frames


def _farm(kitchen: Path) -> Image.Image:
    shown = [kitchen / "photos/books.png", kitchen.parent / "gallery/books_preview.png"]
    return pictures.row([pictures.opened(path) for path in shown], HEIGHT, ["photo", "mesh from the side"])


def _cloud(kitchen: Path) -> Image.Image:
    return pictures.dots(pictures.from_file(kitchen / "out/cloud/books_cloud.ply"), SIDE)


def _near_bright(path: str) -> Drawing:
    return lambda kitchen: pictures.fitted(pictures.coloured(1.0 / np.load(kitchen / "out" / path)), SIDE)


def _relief(kitchen: Path) -> Image.Image:
    plain = (
        "python3 -m mono3d_addon photos/portrait.png -o out/plain/ --format ply --edges connected --near 1 --far 1.3"
    )
    run(plain, kitchen)
    both = [pictures.from_file(kitchen / f"out/{name}/portrait.ply") for name in ("plain", "relief")]
    return pictures.row([pictures.clay(mesh, SIDE, 12.0) for mesh in both], HEIGHT, ["without", "Photo detail 3"])


PICTURES: Mapping[str, Drawing] = {
    "a-portrait-to-print": _clay("print/portrait.stl", aside=18.0),
    "a-room-in-metres": _file("room/room_preview.png"),
    "a-backdrop-for-a-matte-shot": _file("matte/mountains_preview.png"),
    "a-parallax-shot": _shot,
    "a-loop-for-a-web-page": _loop,
    "a-product-catalogue": _row(*(f"out/catalogue/{name}_preview.png" for name in CATALOGUE)),
    "a-render-farm": _farm,
    "only-the-subject": _file("subject/cup_preview.png"),
    "a-landscape-without-its-sky": _file("no_sky/pavilion_preview.png"),
    "a-light-mesh-for-a-game": _clay("game/portrait.glb", has_edges=True),
    "quads-for-editing": _clay("quads/cup.obj", has_edges=True),
    "one-smooth-surface": _clay("smooth/cat.ply", aside=12.0),
    "a-point-cloud": _cloud,
    "depth-for-compositing": _near_bright("depth/hall_depth.npy"),
    "measure-in-python": _near_bright("measure/room_depth.npy"),
    "depth-from-another-program": _file("own/cup_preview.png"),
    "relief-from-the-photo": _relief,
    "only-a-part-of-the-photo": _file("part/cup_preview.png"),
    "the-best-quality": _file("best/mountains_preview.png"),
    "try-distances-and-tears-quickly": _row(
        *(f"out/try/{name}/pavilion_preview.png" for name in ("flat", "deep", "torn")),
        labels=("Far 2", "Near 1, Far 12", "torn"),
    ),
}
"""Recipe -> what draws its picture from what its commands made."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
