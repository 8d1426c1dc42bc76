# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows two starter models side by side: one row per photo with both disparities and both meshes.

python3 -m training.contact_sheet --old starter.safetensors --new new.safetensors --out sheet.png PHOTO...

A PHOTO is a file, or NAME@SET for a picture of a set. The meshes are those of the add-on with default settings, seen
from 12 degrees to the right.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.files import atomic_write
from mono3d_addon.core.maps.colour_map import coloured
from mono3d_addon.core.maps.disparity import normalise
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.core.preview.rendering import Part, rendered
from mono3d_addon.core.preview.views import orbit_of
from mono3d_addon.core.stages import Stages
from mono3d_addon.depth import threads
from mono3d_addon.errors import Mono3DError
from mono3d_addon.reshape import PinholeReshaper, Reshaped, shares_of
from mono3d_addon.settings import Settings

from . import sets

TILE = (392, 320)
"""Largest width and height of a picture; five in a row make about 2000 pixels."""
BACKGROUND = 196
"""Grey around the pictures, 0 to 255."""
_ASIDE, _ABOVE = math.radians(12.0), math.radians(2.0)
_GAP, _HEADING, _FONT = 8, 30, 18
_COLUMNS = ("photo", "old: disparity", "new: disparity", "old: mesh", "new: mesh")

Pixels = NDArray[np.uint8]


def main(arguments: Sequence[str]) -> int:
    """Writes the sheet. Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    # Must run before torch is imported.
    threads.prepare()
    from . import models

    threads.use_processors()
    networks = [models.load(file) for file in (options.old, options.new)]
    rows = []
    for name in tqdm(options.photos, unit="photo"):
        try:
            photo = _photo(name)
            estimates = [models.estimate(network, photo.pixels) for network in networks]
            rows.append((photo.name, compared(photo, estimates)))
        except (Mono3DError, ValueError, OSError) as error:
            parser.error(f"{name}: {error}")
    with atomic_write(options.out) as beside:
        sheet(rows).save(beside)
    return 0


def compared(photo: Photo, estimates: Sequence[Estimate]) -> list[Pixels]:
    """Returns the pictures of a row, uint8 (h, w, 3), all of one size: photo, disparities, meshes."""
    scale = min(TILE[0] / photo.size[0], TILE[1] / photo.size[1])
    size = (round(scale * photo.size[0]), round(scale * photo.size[1]))
    settings = Settings()
    stages = Stages(lambda stage, share: None, shares_of(settings))
    shapes = [PinholeReshaper(photo, estimate).reshape(settings, stages) for estimate in estimates]
    return [
        _fitted(photo.pixels, size),
        *(_fitted(coloured(normalise(one.disparity, settings.percentile)), size) for one in estimates),
        *(_seen(photo, shape, size) for shape in shapes),
    ]


def _seen(photo: Photo, shape: Reshaped, size: tuple[int, int]) -> Pixels:
    """Returns a result as seen from the side, with the photo as its texture, uint8 (h, w, 3)."""
    parts = [Part(shape.mesh, photo.pixels)]
    if shape.background is not None:
        parts.append(Part(shape.background.mesh, shape.background.texture))
    view = orbit_of(shape.mesh.vertices, shape.camera).views([(_ASIDE, _ABOVE)])[0]
    return rendered(parts, view, size, np.full(3, BACKGROUND / 255.0, np.float32))


def sheet(rows: Sequence[tuple[str, Sequence[Pixels]]]) -> Image.Image:
    """Returns the sheet: named rows of pictures with column headings."""
    width = len(_COLUMNS) * (TILE[0] + _GAP) + _GAP
    heights = [max(len(pixels) for pixels in pictures) for _, pictures in rows]
    whole = Image.new("RGB", (width, _HEADING + sum(heights) + (_HEADING + _GAP) * len(rows)), "white")
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(_FONT)
    lefts = [_GAP + number * (TILE[0] + _GAP) for number in range(len(_COLUMNS))]
    for left, heading in zip(lefts, _COLUMNS, strict=True):
        draw.text((left, _GAP // 2), heading, fill="black", font=font)
    top = _HEADING
    for (name, pictures), height in zip(rows, heights, strict=True):
        draw.text((_GAP, top + _GAP // 2), name, fill=(90, 90, 90), font=font)
        top += _HEADING
        for left, pixels in zip(lefts, pictures, strict=True):
            draw.rectangle((left, top, left + TILE[0] - 1, top + height - 1), fill=(BACKGROUND,) * 3)
            whole.paste(Image.fromarray(pixels), (left + (TILE[0] - pixels.shape[1]) // 2, top))
        top += height + _GAP
    return whole


def _photo(name: str) -> Photo:
    """Returns the photo in a file, or NAME@SET from a set. Raises ValueError if the set has no picture of that name."""
    example_name, at, place = name.rpartition("@")
    if not at or Path(name).is_file():
        return read_photo(Path(name))
    found = [example for example in sets.read([Path(place)]) if example.name == example_name]
    if not found:
        raise ValueError(f"there is no '{example_name}' in the set '{place}'")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / example_name
        file.write_bytes(found[0].picture_at.read())
        return read_photo(file)


def _fitted(pixels: Any, size: tuple[int, int]) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m training.contact_sheet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--old", type=Path, required=True, metavar="FILE", help="weights file of the first model")
    parser.add_argument("--new", type=Path, required=True, metavar="FILE", help="weights file of the second model")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="output picture, PNG or JPEG")
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="picture file, or NAME@SET")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
