# SPDX-License-Identifier: GPL-3.0-or-later
"""Small test sets: coloured discs in front of a wall, with their disparity."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 96, 128


def write_set(folder: Path, names: list[str], disparity_divisor: int = 1, *, is_metric: bool = False) -> Path:
    """Writes pictures of SIZE (height, width) with 16-bit disparity to `folder` and returns it.

    With `is_metric`, they are rooms of known size, with sky in the uppermost rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        random = np.random.default_rng(number)
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        disparity = np.full(SIZE, 0.1)
        pixels = np.full((*SIZE, 3), 200, np.uint8)
        for _ in range(4):
            y, x, radius = random.uniform(0, SIZE[0]), random.uniform(0, SIZE[1]), random.uniform(8, 30)
            near = random.uniform(0.2, 1.0)
            inside = ((rows - y) ** 2 + (columns - x) ** 2 < radius**2) & (near > disparity)
            disparity[inside] = near
            pixels[inside] = random.integers(0, 255, 3)
        Image.fromarray(pixels).save(folder / f"{name}.png")
        if is_metric:
            disparity[:16] = 0.0
            facts = {"kind": "room", "inverse_metres": 2.0, "focal": 0.8}
            (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
        small = disparity[::disparity_divisor, ::disparity_divisor]
        Image.fromarray(np.round(small * 65535).astype(np.uint16)).save(folder / f"{name}.disp.png")
    return folder
