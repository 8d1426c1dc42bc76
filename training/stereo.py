# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos with measured depth, from pairs of photos: `python3 -m training.stereo --out FOLDER`.

Downloads the packages of `stereo.csv` and matches the two photos of each pair, whose cameras are calibrated. FOLDER
gets NAME_left.png, NAME_disp.npz (inverse depth, inf: unknown) and NAME.json with the lens, metres and the kind of
scene, as far as they are known: what `training.evaluate --measured FOLDER` takes. So networks are scored on photos
instead of renders. None is trained on them.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.files import atomic_write
from mono3d_addon.depth.transfer import TransferError

from . import gathering, packages, photo_table
from .comparison import GROUND_TRUTH_DISPARITY, GROUND_TRUTH_PICTURE
from .sets import METRIC_ENDING

TABLE = Path(__file__).with_name("stereo.csv")
BLOCK = 5
"""Side of the blocks that are compared, in pixels."""
LEAST = 1.0
"""Smallest disparity in pixels that is kept: below, an error of half a pixel is half of the depth. So nothing
is known beyond the focal length times the baseline, 32 m for the smallest camera."""
AGREEMENT = 1.0
"""Largest difference in pixels between matching left to right and right to left."""
SPECKLE = 0.002
"""Smallest region of one surface that is kept, as a share of the picture."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Two photos of a package, rectified: each point lies on the same row in both.

    left, right  their paths in the package
    reach        disparities to search, in pixels
    focal        focal length in pixels; None if unknown
    baseline     metres between the cameras; None if unknown
    shift        added to a disparity to get that of parallel optical axes, in pixels
    used         part of the left photo with a picture: left, top, right, bottom as shares
    scene        kind of scene; None if it is none of them or several
    """

    name: str
    package: photo_table.Package
    left: str
    right: str
    reach: int
    focal: float | None
    baseline: float | None
    shift: float
    used: tuple[float, ...]
    scene: str | None


def read(table: Path = TABLE) -> list[Pair]:
    """Returns the pairs of a table, a CSV file with a column for each field of Pair and of its package."""
    with table.open(encoding="utf-8", newline="") as stream:
        return [_pair(line) for line in csv.DictReader(stream)]


def _pair(line: Mapping[str, str]) -> Pair:
    def number(column: str) -> float | None:
        return float(line[column]) if line[column] else None

    return Pair(
        line["name"],
        photo_table.Package(line["kind"], line["file"], int(line["size"]), line["sha256"]),
        line["left"],
        line["right"],
        int(line["reach"]),
        number("focal"),
        number("baseline"),
        float(line["shift"]),
        tuple(float(share) for share in line["used"].split()),
        line["scene"] or None,
    )


def disparity(left: Pixels, right: Pixels, reach: int) -> Floats:
    """Returns by how many pixels each point lies farther left in the right photo, float32 (h, w), NaN if unknown.

    Both photos are uint8 (h, w, 3) and rectified; disparities up to `reach` are found. Semi-global matching
    (Hirschmüller 2008, doi:10.1109/TPAMI.2007.1166), kept where matching from right to left agrees and where a region
    is larger than SPECKLE.
    """
    import cv2

    # Without a margin, columns within `reach` of a side would not be searched at all.
    margin = ((0, 0), (reach, reach))
    grey = [np.pad(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), margin, mode="edge") for one in (left, right)]
    there = _matched(grey[0], grey[1], reach)
    mirrored = [np.ascontiguousarray(one[:, ::-1]) for one in grey]
    back = _matched(mirrored[1], mirrored[0], reach)[:, ::-1]
    other = np.arange(there.shape[1]) - there
    column = np.clip(np.rint(other), 0, there.shape[1] - 1).astype(np.intp)
    agrees = np.abs(np.take_along_axis(back, column, axis=1) - there) <= AGREEMENT
    known = np.where(agrees & (there >= LEAST) & (other >= reach), there, np.float32(0.0))[:, reach:-reach]
    scaled = np.ascontiguousarray(known * 16.0, np.float32).astype(np.int16)
    cv2.filterSpeckles(scaled, 0, round(SPECKLE * scaled.size), 32)
    return np.where(scaled > 0, known, np.float32(np.nan)).astype(np.float32)


def _matched(one: Pixels, other: Pixels, reach: int) -> Floats:
    import cv2

    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=-(-reach // 16) * 16,
        blockSize=BLOCK,
        P1=8 * BLOCK**2,
        P2=32 * BLOCK**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=7,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    return np.asarray(matcher.compute(one, other), np.float32) / np.float32(16.0)


def measured(pair: Pair, left: Pixels, right: Pixels) -> tuple[Pixels, Floats, dict[str, Any]]:
    """Returns the used part of the left photo, its inverse depth, inf if unknown, and what is known as JSON values.

    Inverse depth is float32 (h, w), in 1/m if the lens and the baseline are known, else in pixels of disparity.
    """
    height, width = left.shape[:2]
    first, top, last, bottom = (
        round(share * side) for share, side in zip(pair.used, (width, height, width, height), strict=True)
    )
    part = slice(top, bottom), slice(first, last)
    away = disparity(left, right, pair.reach)[part] + np.float32(pair.shift)
    picture = np.ascontiguousarray(left[part])
    known: dict[str, Any] = {"kind": pair.scene}
    if pair.focal is not None:
        known["focal"] = round(pair.focal / max(picture.shape[:2]), 5)
        if pair.baseline is not None:
            away = away / np.float32(pair.focal * pair.baseline)
            known["inverse_metres"] = 1.0
    return picture, np.where(np.isfinite(away), away, np.float32(np.inf)).astype(np.float32), known


def write(pairs: Sequence[Pair], folder: Path, downloads: Path, registries: Mapping[str, str]) -> int:
    """Writes the pairs that `folder` does not have yet; returns how many. Raises as `gathering.gather` does."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    new = [pair for pair in pairs if not (folder / f"{pair.name}{GROUND_TRUTH_PICTURE}").is_file()]
    for package in dict.fromkeys(pair.package for pair in new):
        ours = [pair for pair in new if pair.package == package]
        wanted = {path for pair in ours for path in (pair.left, pair.right)}
        found = dict(packages.read(gathering.fetched(package, downloads, registries), wanted))
        for pair in ours:
            photos = [_decoded(found[path]) for path in (pair.left, pair.right)]
            picture, away, known = measured(pair, photos[0], photos[1])
            with atomic_write(folder / f"{pair.name}{METRIC_ENDING}") as beside:
                beside.write_text(json.dumps(known), encoding="utf-8")
            with atomic_write(folder / f"{pair.name}{GROUND_TRUTH_DISPARITY}") as beside, beside.open("wb") as stream:
                np.savez_compressed(stream, away)
            # The picture is written last: it marks all three as complete.
            with atomic_write(folder / f"{pair.name}{GROUND_TRUTH_PICTURE}") as beside:
                beside.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    return len(new)


def _decoded(content: bytes) -> Pixels:
    import cv2

    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError("A photo of a pair cannot be read: the package is damaged.")
    return np.ascontiguousarray(found[..., ::-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and writes the folder. Returns the exit code: 0 done, 1 failed with a message."""
    parser = argparse.ArgumentParser(prog="python3 -m training.stereo", description=__doc__)
    parser.add_argument("--list", type=Path, default=TABLE, metavar="CSV", help="the table (training/stereo.csv)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder for photos and depths")
    parser.add_argument("--downloads", type=Path, metavar="FOLDER", help="folder for the packages (OUT/packages)")
    parser.add_argument(
        "--pypi", default=photo_table.REGISTRIES["pypi"], metavar="ADDRESS", help="mirror for packages (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        pairs = read(options.list)
        new = write(pairs, options.out, options.downloads or options.out / "packages", {"pypi": options.pypi})
    except (TransferError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{new} of {len(pairs)} photos are new in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
