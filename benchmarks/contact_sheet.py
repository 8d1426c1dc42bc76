# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows photos beside what checkouts make of them, seen from the side.

python3 -m benchmarks.contact_sheet PHOTOS --row NAME=CHECKOUT ... --data-folder FOLDER --out FOLDER

PHOTOS is a folder with the photos of `contact_sheet.csv` as NAME.png or NAME.jpg; that table says where they are from.
Each checkout's command line runs on all of them with its defaults; what is in its GLB files is drawn from 12 degrees to
the right, in the photo's own colours. Pictures of a row that are already in --out are kept, so that a row can be added
later. Needs trimesh beside the packages that the checkouts' installers put into --data-folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.preview.backdrop import backdrop
from mono3d_addon.core.preview.rendering import Part, rendered
from mono3d_addon.core.preview.views import orbit_of

ASIDE, ABOVE = math.radians(12.0), math.radians(2.0)
SIDE = 480
_ROWS = 6
_CAPTION, _FONT = 24, 15


def main(arguments: Sequence[str]) -> int:
    """Writes the pictures, the sheets and `captions.json`; returns 0."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.contact_sheet", description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--row", action="append", required=True, metavar="NAME=CHECKOUT")
    parser.add_argument("--data-folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", help="names of the photos to use (all)")
    options = parser.parse_args(arguments)
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8") as table:
        names = [one["name"] for one in csv.DictReader(table)]
    found = {path.stem: path for path in sorted(options.photos.iterdir())}
    photos = [found[name] for name in names if name in found and (not options.only or name in options.only)]
    options.out.mkdir(parents=True, exist_ok=True)
    store = options.out / "captions.json"
    captions: dict[str, str] = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    rows = dict(row.split("=", 1) for row in options.row)
    for row, checkout in rows.items():
        lacking = [photo for photo in photos if not (options.out / f"{photo.stem}_{row}.png").exists()]
        if lacking:
            captions |= draw_row(lacking, row, Path(checkout), options.data_folder, options.out)
            store.write_text(json.dumps(captions, indent=1), encoding="utf-8")
    for start in range(0, len(photos), _ROWS):
        sheet(photos[start : start + _ROWS], list(rows), options.out, captions).save(
            options.out / f"sheet_{'_'.join(rows)}_{start // _ROWS + 1}.png"
        )
    return 0


def draw_row(photos: Sequence[Path], row: str, checkout: Path, data: Path, out: Path) -> dict[str, str]:
    """Runs a checkout on photos, draws its results into `out`, and returns their captions."""
    captions = {}
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.json"
        command = [sys.executable, "-m", "mono3d_addon", *map(str, photos), "-o", f"{work}/", "--no-preview"]
        command += ["--format", "glb,camera", "--data-folder", str(data), "--report", str(report)]
        subprocess.run(command, cwd=checkout, check=True)
        records = {Path(one["photo"]).stem: one for one in json.loads(report.read_text(encoding="utf-8"))["photos"]}
        for photo in photos:
            key = f"{photo.stem}_{row}"
            if records[photo.stem]["status"] != "done":
                captions[key] = records[photo.stem]["message"]
                continue
            parts, camera = read(Path(work) / f"{photo.stem}.glb", Path(work) / f"{photo.stem}_camera.json")
            Image.fromarray(picture(parts, camera)).save(out / f"{key}.png")
            depth = np.quantile(parts[0].mesh.vertices[:, 2], [0.01, 0.99])
            # Older checkouts do not report distances.
            told = records[photo.stem].get("distances", {}).get("words", "")
            distances = told or f"{depth[0]:.2g} to {depth[1]:.2g} m"
            captions[key] = f"{row}: {distances}; {camera.source}"
    return captions


def read(glb: Path, description: Path) -> tuple[list[Part], Camera]:
    """Returns the meshes of a GLB file in the frame of its camera, and the camera of a JSON file."""
    facts = json.loads(description.read_text(encoding="utf-8"))
    camera = Camera(
        facts["width"], facts["height"], facts["fx"], facts["fy"], facts["cx"], facts["cy"], facts["source"]
    )
    parts = []
    for one in trimesh.load_scene(glb).dump():
        vertices = (np.asarray(one.vertices) * (1.0, -1.0, -1.0)).astype(np.float32)
        material: Any = one.visual.material
        texture = np.asarray((material.baseColorTexture or material.emissiveTexture).convert("RGB"))
        uv = np.asarray(one.visual.uv, np.float32)
        row, column = ((1.0 - uv[:, 1]) * len(texture)).astype(int), (uv[:, 0] * texture.shape[1]).astype(int)
        colors = texture[row.clip(0, len(texture) - 1), column.clip(0, texture.shape[1] - 1)]
        normals = np.zeros_like(vertices)
        parts.append(Part(Mesh(vertices, np.asarray(one.faces, np.int32), uv, colors, normals), texture))
    return sorted(parts, key=lambda part: -len(part.mesh.triangles)), camera


def picture(parts: Sequence[Part], camera: Camera) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Returns the parts as seen from 12 degrees to the right, uint8 (h, w, 3)."""
    scale = SIDE / max(camera.width, camera.height)
    size = round(camera.width * scale), round(camera.height * scale)
    view = orbit_of(parts[0].mesh.vertices, camera).views([(ASIDE, ABOVE)])[0]
    return rendered(parts, view, size, backdrop(parts[0].mesh))


def sheet(photos: Sequence[Path], rows: Sequence[str], out: Path, captions: dict[str, str]) -> Image.Image:
    """Returns a picture with one line for each photo: the photo and each row's picture of it."""
    font = ImageFont.load_default(_FONT)
    lines = []
    for photo in photos:
        cells = [(photo, photo.stem), *((out / f"{photo.stem}_{row}.png", f"{photo.stem}_{row}") for row in rows)]
        lines.append([(_small(path), captions.get(key, key)) for path, key in cells])
    heights = [max(shown.height for shown, _ in line) + _CAPTION for line in lines]
    made = Image.new("RGB", ((len(rows) + 1) * (SIDE + 8), sum(heights)), "white")
    pen = ImageDraw.Draw(made)
    for number, line in enumerate(lines):
        for column, (shown, caption) in enumerate(line):
            left, top = column * (SIDE + 8), sum(heights[:number])
            made.paste(shown, (left, top))
            pen.text((left, top + heights[number] - _CAPTION + 2), caption, fill="black", font=font)
    return made


def _small(path: Path) -> Image.Image:
    """Returns a picture at the size of the sheet; a grey one if it could not be made."""
    if not path.exists():
        return Image.new("RGB", (SIDE, SIDE // 2), "grey")
    with Image.open(path) as stored:
        shown = stored.convert("RGB")
    shown.thumbnail((SIDE, SIDE))
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
