# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of pictures with their disparity: a folder or a tar archive with `NAME.jpg` (or .png) and `NAME.disp.png`.

The disparity has one channel of 8 or 16 bits, near = large, and the picture's size or a smaller one of the same shape.
Rendered scenes have `NAME.json` too, with their metres, lens and kind; their disparity is 0 where there is sky. So have
photos whose lens is known; that is all their file has.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

DISPARITY_ENDING = ".disp.png"
METRIC_ENDING = ".json"
PICTURE_ENDINGS = (".jpg", ".png")
FLAT = "flat"
"""Kind of scenes that show a picture, whose distances are neither learnt nor scored."""
HELD_OUT_ONE_IN = 35
"""One picture in this many is held out from training."""


Item = TypeVar("Item")


@dataclass(frozen=True)
class Place:
    """Position of a file's bytes: `size` bytes at `offset` of `file`, which may be a tar archive."""

    file: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Returns the bytes."""
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


@dataclass(frozen=True)
class Metric:
    """What is known of the scene; None for what is not.

    kind            kind of scene, one of `scene_vector.KINDS`
    inverse_metres  inverse depth, 1/m, for which the largest disparity stands
    focal           focal length relative to the picture's longer side
    """

    kind: str | None = None
    inverse_metres: float | None = None
    focal: float | None = None


@dataclass(frozen=True)
class Example:
    """A picture and its disparity, read on demand; `metric_at` is None where only the order of depths is known."""

    name: str
    picture_at: Place
    disparity_at: Place
    metric_at: Place | None = None

    def metric(self) -> Metric | None:
        """Returns metres, lens and kind, if they are known. Raises ValueError if the file is damaged."""
        return None if self.metric_at is None else metric_in(self.metric_at.read(), self.name)

    def picture(self) -> Image.Image:
        """Returns the picture, RGB, oriented like its disparity."""
        return ImageOps.exif_transpose(Image.open(io.BytesIO(self.picture_at.read()))).convert("RGB")

    def disparity(self) -> NDArray[np.float32]:
        """Returns the disparity, float32 (h, w) in 0..1, near = large."""
        stored = np.asarray(Image.open(io.BytesIO(self.disparity_at.read())))
        if stored.ndim != 2 or stored.dtype.kind not in "ui":
            raise ValueError(
                f"The disparity of {self.name} is no picture of one channel of whole numbers: write a grey PNG."
            )
        return stored.astype(np.float32) / (255.0 if stored.dtype == np.uint8 else 65535.0)


def metric_in(content: bytes, name: str) -> Metric:
    """Returns what a file NAME.json says. Raises ValueError if it is damaged."""
    found = json.loads(content)
    metric = Metric(found.get("kind"), found.get("inverse_metres"), found.get("focal"))
    if (metric.inverse_metres is not None and not metric.inverse_metres > 0.0) or (
        metric.focal is not None and not metric.focal > 0.0
    ):
        raise ValueError(f"The metres or the lens of {name} are not positive: write its file again.")
    return metric


def read(places: Iterable[Path]) -> list[Example]:
    """Returns the examples in folders and tar archives, sorted by name; pictures without a disparity are skipped.

    Raises ValueError if a folder or archive has none.
    """
    found: dict[str, Example] = {}
    for place in places:
        files = _in_archive(place) if place.is_file() else _in_folder(place)
        here = {
            stem: (picture, files[name], files.get(stem + METRIC_ENDING))
            for name in files
            if (stem := name.removesuffix(DISPARITY_ENDING)) != name
            and (picture := _picture_of(name, files)) is not None
        }
        if not here:
            raise ValueError(
                f"There is no picture with its disparity in {place}: it needs NAME.jpg or NAME.png with NAME.disp.png."
            )
        found |= {name: Example(name, *parts) for name, parts in here.items()}
    return [found[name] for name in sorted(found)]


def is_held_out(name: str) -> bool:
    """Returns whether a picture is held out from training, by a hash of its name: the same on every machine."""
    return int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:6], 16) % HELD_OUT_ONE_IN == 0


def halves(examples: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Returns every other example, for a calibration, and the rest, for scores."""
    return examples[::2], examples[1::2]


def _picture_of(disparity: str, files: dict[str, Place]) -> Place | None:
    name = disparity.removesuffix(DISPARITY_ENDING)
    return next((files[name + ending] for ending in PICTURE_ENDINGS if name + ending in files), None)


def _in_folder(folder: Path) -> dict[str, Place]:
    return {file.name: Place(file, 0, file.stat().st_size) for file in sorted(folder.iterdir()) if file.is_file()}


def _in_archive(archive: Path) -> dict[str, Place]:
    with tarfile.open(archive, "r:") as stream:
        return {
            Path(member.name).name: Place(archive, member.offset_data, member.size)
            for member in stream
            if member.isfile()
        }
