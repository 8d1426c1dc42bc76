# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelling photos with the disparity that a teacher, a network of the catalogue, estimates at several sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.files import atomic_write
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth import align
from mono3d_addon.depth.estimator import Estimator, InferenceOptions
from mono3d_addon.errors import Mono3DError

from .sets import DISPARITY_ENDING, METRIC_ENDING, PICTURE_ENDINGS

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

TOGETHER = 8
"""Number of photos in a batch, on devices that are faster with batches."""
_LARGEST = 65535


def label(
    photos: Path,
    out: Path,
    teacher: Estimator,
    network_sizes: Sequence[int],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Writes each photo of the folder `photos` with its disparity into `out`, a set, and returns how many are new.

    What is known of a photo, NAME.json, goes with it. Photos that `out` has already are kept. `progress` gets the
    numbers of photos done and in total.
    Raises Mono3DError if there is no photo or one cannot be read, and the errors of the teacher.
    """
    out.mkdir(parents=True, exist_ok=True)
    named = {
        file.stem: file
        for file in sorted(photos.iterdir())
        if file.suffix.lower() in PICTURE_ENDINGS
        and not file.name.startswith(".")
        and not file.name.endswith(DISPARITY_ENDING)
    }
    if not named:
        raise Mono3DError(f"There is no .jpg or .png photo in '{photos}': name another folder.")
    wanted = [name for name in named if not (out / f"{name}{DISPARITY_ENDING}").is_file()]
    step = TOGETHER if teacher.gains_by_many else 1
    for start in range(0, len(wanted), step):
        names = wanted[start : start + step]
        pixels = [read_photo(named[name]).pixels for name in names]
        for name, disparity in zip(names, disparities(pixels, teacher, network_sizes), strict=True):
            with atomic_write(out / f"{name}{named[name].suffix.lower()}") as beside:
                beside.write_bytes(named[name].read_bytes())
            known = photos / f"{name}{METRIC_ENDING}"
            if known.is_file():
                with atomic_write(out / known.name) as beside:
                    beside.write_bytes(known.read_bytes())
            # The disparity is written last: it marks the example as complete.
            with atomic_write(out / f"{name}{DISPARITY_ENDING}") as beside:
                Image.fromarray(np.round(disparity * _LARGEST).astype(np.uint16)).save(beside)
        progress(start + len(names), len(wanted))
    return len(wanted)


def disparities(photos: Sequence[Pixels], teacher: Estimator, network_sizes: Sequence[int]) -> list[Floats]:
    """Returns the disparity of each photo, uint8 (h, w, 3), as float32 (h, w) in 0..1, near = large.

    The teacher estimates each photo and its mirror image at every one of `network_sizes`. Finer results are fitted by
    scale and shift to the coarsest one, whose overall shape is the most reliable, and all are averaged.
    """
    at_sizes = [
        teacher.estimate_all(photos, InferenceOptions(network_size=size, flip=True)) for size in sorted(network_sizes)
    ]
    return [
        _stretched(_averaged([_resized(one.disparity, photo.shape[:2]) for one in looks]))
        for photo, *looks in zip(photos, *at_sizes, strict=True)
    ]


def _averaged(disparities: Sequence[Floats]) -> Floats:
    coarsest, *finer = disparities
    aligned = [coarsest]
    for fine in finer:
        scale, shift = align.scale_and_shift(fine, coarsest)
        # A result that contradicts the coarsest one is ignored.
        if scale > 0.0:
            aligned.append(np.float32(scale) * fine + np.float32(shift))
    return np.mean(aligned, axis=0, dtype=np.float32)


def _resized(disparity: Floats, shape: tuple[int, ...]) -> Floats:
    height, width = shape
    return np.asarray(Image.fromarray(disparity).resize((width, height), Image.Resampling.BILINEAR))


def _stretched(disparity: Floats) -> Floats:
    low, high = disparity.min(), disparity.max()
    return (disparity - low) / max(high - low, np.float32(1e-12))
