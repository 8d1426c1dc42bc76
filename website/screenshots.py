# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the screenshots of the documents from those that the window and browser tests take.

python3 -m website.screenshots FOLDER [--blender debian-trixie]

FOLDER is the one that MONO3D_SCREENSHOTS named when `tests/run.py --thorough browser blender-4.3` ran.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .photos import ROOT
from .pictures import opened

QUALITY = 88
_SIDEBAR = (866, 84, 1131, 812)
_VIEW = (0, 28, 1155, 815)
_SHEET = (0, 0, 1806, 1500)


@dataclass(frozen=True)
class Screenshot:
    """A picture of the documents.

    name   its file in the folder docs
    shot   the screenshot, without its suffix; `{blender}` stands for the folder of Blender's window
    box    left, upper, right and lower pixel of the part that is used
    width  pixels that it is reduced to; 0: as it is
    """

    name: str
    shot: str
    box: tuple[int, int, int, int]
    width: int = 0


SCREENSHOTS = (
    Screenshot("panel-install.jpg", "{blender}/bare-full/1 fresh", (866, 84, 1131, 320)),
    Screenshot("panel-photo.jpg", "{blender}/4 photo chosen", (866, 84, 1131, 676)),
    Screenshot("panel-running.jpg", "{blender}/5 running", (0, 28, 1155, 700), 920),
    Screenshot("panel-depth.jpg", "{blender}/13 depth", _SIDEBAR),
    Screenshot("panel-states.jpg", "{blender}/states/contact sheet en_US", _SHEET, 1500),
    Screenshot("panel-german.jpg", "{blender}/states/contact sheet de_DE", (0, 0, 1806, 750), 1200),
    Screenshot("sidebar.jpg", "{blender}/7 camera", _VIEW, 1080),
    Screenshot("web.jpg", "web/desktop 4 measuring", (0, 0, 1366, 820), 1280),
    Screenshot("web-phone.jpg", "web/phone shaping", (0, 0, 750, 1624), 390),
)


def cut(one: Screenshot, folder: Path, blender: str) -> Image.Image:
    """Returns a picture of the documents. Raises FileNotFoundError if the screenshot is missing."""
    part = opened(folder / f"{one.shot.format(blender=blender)}.png").crop(one.box)
    if not one.width:
        return part
    return part.resize((one.width, round(part.height * one.width / part.width)), Image.Resampling.LANCZOS)


def main(arguments: Sequence[str]) -> int:
    """Writes the pictures whose screenshots are there, names the others, and returns 1 if there are such."""
    parser = argparse.ArgumentParser(
        prog="python3 -m website.screenshots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blender", default="debian-trixie", help="folder of Blender's window (debian-trixie)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder for the pictures (docs)")
    options = parser.parse_args(arguments)
    missing = []
    for one in SCREENSHOTS:
        try:
            cut(one, options.folder, options.blender).save(options.out / one.name, quality=QUALITY)
        except FileNotFoundError as error:
            missing.append(str(error.filename))
    for name in missing:
        print(f"There is no screenshot {name}.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
