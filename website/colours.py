# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of docs/materials.md: a photo, and renders of its mesh with the view transforms AgX and Standard.

python3 website/colours.py [--output docs/pictures/colours]

Needs a Python with Blender as a module (`pip install bpy`). The photo becomes a mesh with the bundled model, which is
rendered by Cycles through the photo's camera. The mean errors are printed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mono3d_addon  # noqa: E402

PHOTO = ROOT / "tests" / "photos" / "coffee.png"
"""CC0."""
VIEWS = ("AgX", "Standard")
FILTERS = (0.01, 1.5)
"""Widths of Blender's pixel filter: samples in the middle of each pixel, and the default, which blurs a little."""
QUALITY = 88
SAMPLES = 16


def main(arguments: Sequence[str]) -> int:
    """Makes the pictures and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "pictures" / "colours", help="folder")
    folder = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    context: Any = bpy.context
    with tempfile.TemporaryDirectory() as work:
        os.environ["MONO3D_DATA"] = work
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        mono3d_addon.register()
        context.scene.mono3d.photo = str(PHOTO)
        context.scene.mono3d.detail = 1920
        operators: Any = bpy.ops
        operators.mono3d.generate()
        photo = pixels_of(PHOTO)
        for view, width in itertools.product(VIEWS, FILTERS):
            scene = context.scene
            scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", SAMPLES
            scene.cycles.use_denoising, scene.cycles.filter_width = False, width
            scene.view_settings.view_transform = view
            scene.render.filepath = str(Path(work) / f"{view}.png")
            bpy.ops.render.render(write_still=True)
            error = 255 * np.abs(pixels_of(Path(scene.render.filepath)) - photo).mean()
            print(f"{view}, filter of {width} pixels: mean error {error:.2f} of 255")
            save(Path(scene.render.filepath), folder / f"{view.lower()}.jpg")
        save(PHOTO, folder / "photo.jpg")
    return 0


def pixels_of(path: Path) -> Any:
    """Returns a picture as Blender reads it, float32 (height, width, 3), sRGB 0..1."""
    image: Any = bpy.data.images.load(str(path))
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[:, :, :3]


def save(path: Path, target: Path) -> None:
    """Writes a picture as JPEG at half its size."""
    image: Any = bpy.data.images.load(str(path))
    image.scale(image.size[0] // 2, image.size[1] // 2)
    image.file_format = "JPEG"
    image.save(filepath=str(target), quality=QUALITY)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Some versions of the module crash when the interpreter ends.
    os._exit(code)
