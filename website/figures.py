# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the figures of docs/how_it_works.md from the product's own pipeline.

python3 -m website.figures --data-folder FOLDER

Needs Pillow and the packages that the product's installer puts into --data-folder.
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

from . import pictures
from .photos import ROOT

PHOTO = ROOT / "tests" / "photos" / "coffee.png"
ROW = 0.42
"""Place of the profile, as a fraction of the photo's height."""
_INK, _RED, _BLUE, _GREY = (40, 44, 52), (214, 64, 40), (44, 104, 190), (150, 154, 162)


def main(arguments: Sequence[str]) -> int:
    """Writes the figures and returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m website.figures", description=__doc__)
    parser.add_argument("--data-folder", type=Path, required=True)
    data = parser.parse_args(arguments).data_folder
    with tempfile.TemporaryDirectory() as work:
        filled, torn = (reconstructed(Path(work) / edges, data, edges) for edges in ("fill", "tear"))
        for name, picture in (
            ("steps", steps(filled)),
            ("camera", seen_from_above(filled)),
            ("profile", profile(filled)),
            ("fill", beside(torn, filled)),
        ):
            path = pictures.save(picture, f"figures/{name}", 70)
            print(path, path.stat().st_size)
    return 0


def reconstructed(work: Path, data: Path, edges: str) -> Any:
    """Returns the product's reconstruction of PHOTO with default settings but for `edges`."""
    from mono3d_addon import pipeline
    from mono3d_addon.session import Session
    from mono3d_addon.settings import Settings

    work.mkdir()
    return pipeline.reconstruct(
        PHOTO, Settings(edges=edges), lambda stage, share: None, Session(data), pipeline.Folders(work)
    )


def preview(result: Any, aside: float) -> Image.Image:
    """Returns a result as seen from `aside` degrees to the right, in the photo's colours."""
    from mono3d_addon.core.preview.backdrop import backdrop
    from mono3d_addon.core.preview.rendering import Part, rendered
    from mono3d_addon.core.preview.views import orbit_of

    meshes = [one for one in (result.mesh, result.background) if one is not None]
    view = orbit_of(result.mesh.vertices, result.camera).views([(math.radians(aside), math.radians(6.0))])[0]
    size = 480, round(480 * result.camera.height / result.camera.width)
    return Image.fromarray(rendered([Part(one, None) for one in meshes], view, size, backdrop(result.mesh)))


def steps(result: Any) -> Image.Image:
    """Returns photo, disparity, bare surface, and the textured mesh from the side."""
    shown = [
        pictures.opened(PHOTO),
        pictures.coloured(result.disparity),
        pictures.clay(result.mesh, 480, 14.0),
        preview(result, 14.0),
    ]
    labels = ["1. photo", "2. disparity: near is bright", "3. surface, torn at edges", "4. textured, filled behind"]
    return pictures.column([pictures.row(shown[:2], 210, labels[:2]), pictures.row(shown[2:], 210, labels[2:])])


def seen_from_above(result: Any) -> Image.Image:
    """Returns the vertices of the lower half of the photo from above, with the camera and its field of view."""
    width, height, margin = 760, 440, 40
    picture = Image.new("RGB", (width, height), pictures.PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    points, colors = result.mesh.vertices, result.mesh.colors
    far = float(np.quantile(points[:, 2], 0.999))
    half = math.atan(result.camera.width / 2 / result.camera.fx)
    scale = min((height - 2 * margin) / far, (width - 2 * margin) / (2.0 * far * math.tan(half)))
    eye = width / 2, height - margin
    places = np.stack([eye[0] + points[:, 0] * scale, eye[1] - points[:, 2] * scale], axis=1)
    order = np.argsort(-points[:, 1])
    column, row_ = places[order].round().astype(int).T
    is_inside = (column >= 0) & (column < width) & (row_ >= 0) & (row_ < height)
    canvas = np.asarray(picture).copy()
    canvas[row_[is_inside], column[is_inside]] = colors[order][is_inside]
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture)
    for side in (-1, 1):
        end = eye[0] + side * far * math.tan(half) * scale, eye[1] - far * scale
        pen.line([eye, end], fill=_BLUE, width=2)
    pen.polygon([(eye[0] - 12, eye[1] + 14), (eye[0] + 12, eye[1] + 14), eye], fill=_INK)
    pen.text((eye[0] + 20, eye[1] - 4), "the photo's camera", fill=_INK, font=font)
    near = float(np.quantile(points[:, 2], 0.001))
    for distance, name in ((near, "near"), (far, "far")):
        level = eye[1] - distance * scale
        pen.line([(margin, level), (width - margin, level)], fill=_GREY)
        pen.text((margin, level + 3), f"{name}: {distance:.2f} m", fill=_INK, font=font)
    return picture


def profile(result: Any) -> Image.Image:
    """Returns the distances along one row: what the network says, enlarged, and the vertices of the mesh."""
    from mono3d_addon.core import windows
    from mono3d_addon.core.maps.disparity import normalise, to_depth

    settings = result.resolved.applied_to(result.settings)
    columns, rows = result.camera.width, result.camera.height
    raw = to_depth(
        windows.enlarge(normalise(result.disparity, settings.percentile), columns, rows), settings.near, settings.far
    )[round(ROW * rows)]
    places = result.mesh.uv * (columns, rows)
    is_on_row = np.abs(rows - places[:, 1] - ROW * rows) < 0.5
    mesh = np.stack([places[is_on_row, 0], result.mesh.vertices[is_on_row, 2]], axis=1)
    width, height, margin = 760, 380, 64
    photo = pictures.opened(PHOTO)
    strip = photo.crop((0, round(ROW * rows) - 16, columns, round(ROW * rows) + 16)).resize((width - 2 * margin, 36))
    picture = Image.new("RGB", (width, height), pictures.PAPER)
    picture.paste(strip, (margin, height - 40))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    low, high = float(min(raw.min(), mesh[:, 1].min())), float(max(raw.max(), mesh[:, 1].max()))

    def at(across: NDArray[Any], distance: NDArray[Any]) -> list[tuple[float, float]]:
        x = margin + across / columns * (width - 2 * margin)
        y = height - 60 - (distance - low) / (high - low) * (height - 60 - margin)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    pen.line(at(np.arange(columns) + 0.5, raw), fill=_BLUE, width=2)
    for x, y in at(mesh[:, 0], mesh[:, 1]):
        pen.ellipse((x - 1.6, y - 1.6, x + 1.6, y + 1.6), fill=_RED)
    pen.text((margin, 8), "blue: the network's depth, enlarged", fill=_BLUE, font=font)
    pen.text((margin + 330, 8), "red: vertices of the mesh", fill=_RED, font=font)
    pen.text((4, margin - 8), f"{high:.2f} m", fill=_INK, font=font)
    pen.text((4, height - 78), f"{low:.2f} m", fill=_INK, font=font)
    return picture


def beside(torn: Any, filled: Any) -> Image.Image:
    """Returns the torn and the filled result from the side."""
    shown = [preview(one, 18.0) for one in (torn, filled)]
    return pictures.row(shown, 260, ["Edges: tear", "Edges: fill (the default)"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
