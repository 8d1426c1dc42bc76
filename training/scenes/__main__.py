# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders pictures with exact disparity: `python3 -m training.scenes --out FOLDER --count N --seed S`.

Needs a Python with `bpy`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from training.scenes import metric_file, plan
from training.scenes.kinds import KINDS


def main(arguments: Sequence[str]) -> int:
    """Renders the requested pictures that do not exist yet; returns 0."""
    options = _options(arguments)
    from training.scenes.make import make

    options.out.mkdir(parents=True, exist_ok=True)
    shares = {name: share for name, (_, share) in KINDS.items() if name in options.kinds}
    numbers = range(options.first, options.first + options.count * options.step, options.step)
    began, rendered = time.monotonic(), 0
    for done, index in enumerate(numbers, 1):
        picture = plan.picture(options.seed, index, options.size, shares)
        if (options.out / f"{picture.name}{metric_file.ENDING}").exists():
            continue
        rejected = make(picture, options.out)
        rendered += 1
        pace = (time.monotonic() - began) / rendered
        note = f", rejected before: {', '.join(rejected)}" if rejected else ""
        print(f"{done}/{options.count} {picture.name}, {pace:.2f} s per picture{note}", file=sys.stderr, flush=True)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m training.scenes", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.jpg, NAME.disp.png and NAME.json")
    parser.add_argument("--count", type=int, default=100, help="number of pictures (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random scenes (default: 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first picture (default: 0)")
    parser.add_argument(
        "--step", type=int, default=1, help="increment of the picture numbers, such as 2 for two processes (default: 1)"
    )
    parser.add_argument("--size", type=int, default=384, help="longer side in pixels (default: 384)")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="kinds of scenes (default: all)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Some versions of bpy crash or hang when the interpreter ends.
    sys.stderr.flush()
    os._exit(code)
