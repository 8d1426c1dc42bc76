# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the ray-cast scenes with exact depth as a set that `training.evaluate --exact` reads.

python3 benchmarks/truth_set.py FOLDER [--width 960] [--height 720]

Writes NAME.png and NAME.disp.png, 16 bits: inverse depth, scaled so that its maximum is 65535. The default size is more
than twice the network's, so the truth is finer than the measured steps. Takes some minutes. Needs numpy and Pillow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the set")
    parser.add_argument("--width", type=int, default=960, help="width in pixels (default: 960)")
    parser.add_argument("--height", type=int, default=720, help="height in pixels (default: 720)")
    options = parser.parse_args(arguments)
    import numpy as np
    from PIL import Image

    from tests.core import truth_scenes

    options.folder.mkdir(parents=True, exist_ok=True)
    for name in truth_scenes.SCENES:
        truth = truth_scenes.truth(name, options.width, options.height)
        inverse = 1.0 / truth.depth.astype(np.float64)
        stem = name.replace(" ", "-")
        Image.fromarray(truth.pixels).save(options.folder / f"{stem}.png")
        stored = np.rint(inverse / inverse.max() * 65535.0).astype(np.uint16)
        Image.fromarray(stored).save(options.folder / f"{stem}.disp.png")
        print(options.folder / f"{stem}.png", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
