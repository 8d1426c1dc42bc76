# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance

from training import alike


def _photo(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((480, 320), Image.Resampling.BICUBIC)


def test_a_photo_stays_the_same_through_size_quality_and_light() -> None:
    photo = _photo(1)
    hashed = alike.difference_hash(photo)
    buffer = io.BytesIO()
    ImageEnhance.Brightness(photo.resize((210, 140))).enhance(0.8).save(buffer, "JPEG", quality=40)
    assert alike.is_near(alike.difference_hash(Image.open(buffer)), [hashed])
    mirrored = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert alike.is_near(alike.mirrored_hash(mirrored), [hashed])
    assert not alike.is_near(alike.difference_hash(mirrored), [hashed])


def test_other_photos_are_others() -> None:
    hashes = [alike.difference_hash(_photo(seed)) for seed in range(20)]
    assert all(0 <= one < 1 << 64 for one in hashes)
    assert not any(alike.is_near(one, hashes[:number]) for number, one in enumerate(hashes))
    assert not alike.is_near(hashes[0], [])


def test_eight_bits_are_near_and_nine_are_not() -> None:
    assert alike.is_near(0b11111111, [1 << 40, 0])
    assert not alike.is_near(0b111111111, [0])
