# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a batch that come next, read early so that the network can run on several at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..core.estimate import Estimate
from ..core.photo.hand_over import NOTHING, HandedOver
from ..core.photo.photo import Photo, read_photo

_MOST_PIXELS = 100_000_000


@dataclass
class ReadAhead:
    """What is known of the next photos: those that were read, by path, and estimates, by their key in the cache."""

    photos: dict[Path, Photo] = field(default_factory=dict)
    estimates: dict[str, Estimate] = field(default_factory=dict)

    def photo(self, path: Path, max_pixels: float, handed: HandedOver = NOTHING) -> Photo:
        """Returns the photo at `path`, which is read unless it was read ahead. Raises Mono3DError for a bad one."""
        return self.photos.pop(path, None) or read_photo(path, max_pixels, handed=handed)

    def fill(self, paths: Iterable[Path], max_pixels: float, handed: HandedOver = NOTHING) -> None:
        """Reads photos, up to a number of pixels together. A bad one is left out; it fails when its turn comes."""
        self.photos = {}
        room = _MOST_PIXELS
        for path in paths:
            try:
                photo = read_photo(path, max_pixels, handed=handed)
            # Whatever is wrong with it is reported in its turn.
            except Exception:
                continue
            room -= photo.pixels[..., 0].size
            if room < 0:
                break
            self.photos[path] = photo
