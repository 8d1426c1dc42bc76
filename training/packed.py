# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded pictures in one file that is mapped into memory: decoding takes longer than everything else in a batch.

A pack can be added to while it is read, so that training can use renders as they are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .sets import Example, Metric

LONGEST_SIDE = 384
_PIXELS, _INDEX = "pixels.bin", "index.jsonl"
_LARGEST = 65535


@dataclass(frozen=True)
class Entry:
    """Where a picture is in a pack, and what is known of it.

    offset          of the picture, uint8 (h, w, 3); the disparity, uint16 (rows, columns), follows
    shape           height and width of the picture, and of the disparity
    """

    name: str
    offset: int
    shape: tuple[int, int]
    disparity_shape: tuple[int, int]
    metric: Metric | None


@dataclass(frozen=True)
class Packed:
    """An entry with its arrays, which are views of the file."""

    entry: Entry
    picture: NDArray[np.uint8]
    disparity: NDArray[np.uint16]


class Pack:
    """The folder of a pack. One process adds, any number read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.entries: list[Entry] = []
        self._read = 0
        self._bytes = np.zeros(0, np.uint8)
        self.refresh()

    def refresh(self) -> None:
        """Reads the entries that were added since the last time."""
        index = self.folder / _INDEX
        if not index.is_file():
            return
        with index.open("rb") as stream:
            stream.seek(self._read)
            new = stream.read()
        # A line that another process has not finished is read the next time.
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self.entries += [_entry(line) for line in whole.splitlines()]
        if whole:
            self._bytes = np.memmap(self.folder / _PIXELS, np.uint8, mode="r")

    def add(self, examples: Iterable[Example]) -> int:
        """Adds the examples whose names are new, and returns how many; those that cannot be read are left out."""
        known = {entry.name for entry in self.entries}
        count = 0
        with (self.folder / _PIXELS).open("ab") as pixels, (self.folder / _INDEX).open("ab") as index:
            for example in examples:
                if example.name in known:
                    continue
                try:
                    picture, disparity, metric = _decoded(example)
                except (OSError, ValueError, KeyError):
                    continue
                entry = Entry(example.name, pixels.tell(), picture.shape[:2], disparity.shape, metric)
                pixels.write(picture.tobytes() + disparity.tobytes())
                pixels.flush()
                index.write(json.dumps(asdict(entry)).encode() + b"\n")
                count += 1
        self.refresh()
        return count

    def read(self, entry: Entry) -> Packed:
        """Returns an entry's arrays."""
        (height, width), (rows, columns) = entry.shape, entry.disparity_shape
        middle = entry.offset + 3 * height * width
        return Packed(
            entry,
            self._bytes[entry.offset : middle].reshape(height, width, 3),
            self._bytes[middle : middle + 2 * rows * columns].view(np.uint16).reshape(rows, columns),
        )


def _entry(line: bytes) -> Entry:
    found = json.loads(line)
    metric = found["metric"]
    return Entry(
        found["name"],
        found["offset"],
        tuple(found["shape"]),
        tuple(found["disparity_shape"]),
        None if metric is None else Metric(**metric),
    )


def _decoded(example: Example) -> tuple[NDArray[np.uint8], NDArray[np.uint16], Metric | None]:
    picture, disparity, metric = example.picture(), example.disparity(), example.metric()
    scale = min(1.0, LONGEST_SIDE / max(picture.size))
    if scale < 1.0:
        is_sharp = disparity.shape == picture.size[::-1]
        picture = picture.resize(_scaled(picture.size, scale), Image.Resampling.BICUBIC)
        if is_sharp:
            disparity = np.asarray(Image.fromarray(disparity).resize(picture.size, Image.Resampling.NEAREST))
    pixels = np.asarray(picture, np.uint8)
    # Two bytes for each number: the disparity then starts at an even place.
    if pixels.size % 2:
        pixels = pixels[:-1] if pixels.shape[0] > 1 and pixels.shape[0] % 2 else pixels[:, :-1]
    return np.ascontiguousarray(pixels), np.round(disparity * _LARGEST).astype(np.uint16), metric


def _scaled(size: Sequence[int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
