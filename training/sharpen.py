# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligns the edges of a teacher's labels with those of the photos.

`python3 -m training.sharpen --photos SET... --out SET`

A teacher's label is soft and small. The add-on aligns the edges of a soft disparity with those of the photo
(`mono3d_addon/core/maps/edges.py`), and a network that learns from such labels learns where edges are. An interrupted
run continues where it stopped.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mono3d_addon.core.maps.disparity import to_depth
from mono3d_addon.core.maps.edges import sharpen_edges
from mono3d_addon.settings import Settings

from . import sets

INTERLEAVED = 16


def sharpened(label: NDArray[np.float32], picture: Image.Image) -> NDArray[np.float32]:
    """Returns a label, float32 (h, w) in 0..1, at the picture's size, float32 (H, W) in 0..1, with sharp edges."""
    settings = Settings(near=1.0, far=6.0)
    near, far = 1.0 / settings.near, 1.0 / settings.far
    guide = np.asarray(picture, np.float32) / np.float32(255.0)
    inverse_depth = (1.0 / to_depth(label, settings.near, settings.far)).astype(np.float32)
    sharp = sharpen_edges(inverse_depth, guide, settings.tear)
    return np.clip((sharp - far) / (near - far), 0.0, 1.0).astype(np.float32)


def write(example: sets.Example, folder: Path) -> None:
    """Writes the sharpened label in 16 bits, then the unchanged picture, so that no picture lacks its label."""
    disparity = np.round(sharpened(example.disparity(), example.picture()) * 65535.0).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(disparity).save(buffer, "PNG", compress_level=1)
    ending = ".png" if example.picture_at.read()[:4] == b"\x89PNG" else ".jpg"
    for name, content in (
        (example.name + sets.DISPARITY_ENDING, buffer.getvalue()),
        (example.name + ending, example.picture_at.read()),
    ):
        beside = folder / f"{name}.partial"
        beside.write_bytes(content)
        beside.replace(folder / name)


def main() -> None:
    """Reads the command line and writes the set."""
    parser = argparse.ArgumentParser(prog="python3 -m training.sharpen", description=__doc__)
    parser.add_argument("--photos", nargs="+", type=Path, required=True, help="sets of photos with a teacher's labels")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new set")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    done = {file.stem for file in options.out.iterdir() if file.suffix in sets.PICTURE_ENDINGS}
    found = sets.read(options.photos)
    # Interleaved, so that an interrupted run has photos of every source.
    ordered = [example for first in range(INTERLEAVED) for example in found[first::INTERLEAVED]]
    for example in tqdm(ordered, unit="photo"):
        if example.name not in done:
            write(example, options.out)


if __name__ == "__main__":
    main()
