# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance

from training import near_duplicates


def _photo(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((480, 320), Image.Resampling.BICUBIC)


def test_size_quality_and_light_keep_a_photo_a_near_duplicate() -> None:
    photo = _photo(1)
    hashed = near_duplicates.difference_hash(photo)
    buffer = io.BytesIO()
    ImageEnhance.Brightness(photo.resize((210, 140))).enhance(0.8).save(buffer, "JPEG", quality=40)
    assert near_duplicates.is_near_duplicate(near_duplicates.difference_hash(Image.open(buffer)), [hashed])
    mirrored = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert near_duplicates.is_near_duplicate(near_duplicates.mirrored_hash(mirrored), [hashed])
    assert not near_duplicates.is_near_duplicate(near_duplicates.difference_hash(mirrored), [hashed])


def test_other_photos_are_no_near_duplicates() -> None:
    hashes = [near_duplicates.difference_hash(_photo(seed)) for seed in range(20)]
    assert all(0 <= one < 1 << 64 for one in hashes)
    assert not any(near_duplicates.is_near_duplicate(one, hashes[:number]) for number, one in enumerate(hashes))
    assert not near_duplicates.is_near_duplicate(hashes[0], [])


def test_eight_bits_are_near_and_nine_are_not() -> None:
    assert near_duplicates.is_near_duplicate(0b11111111, [1 << 40, 0])
    assert not near_duplicates.is_near_duplicate(0b111111111, [0])
