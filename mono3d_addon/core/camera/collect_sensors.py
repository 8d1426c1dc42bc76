# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes `sensors.txt` anew: `python3 -m mono3d_addon.core.camera.collect_sensors LENSFUN_FOLDER CAMERA_SPECS_CC`.

The first argument is the folder with lensfun's XML files (in the wheel of `lensfunpy`, or Debian's
`liblensfun-data-v1`), the second COLMAP's `camera_specs.cc` (in Debian's source package `colmap`). See `sensors.md`.
"""

from __future__ import annotations

import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from .camera import FULL_FRAME_MM
from .sensors import TABLE, maker_and_model

_LEFT_OUT = {"apple", "gopro", ""}
"""Several cameras under one name, fisheyes, and makers of phones or of no cameras."""
_FROM_DATA_SHEETS = {"iphone": 3.58, "iphone3g": 3.58, "iphone3gs": 3.58, "iphone4": 4.54}
"""Phones with one camera, width in millimetres."""
_FOUR_THIRDS_MOUNTS = {"4/3 System", "Micro 4/3 System", "Fujifilm G", "Mamiya 645", "Hasselblad H"}
_SMALL_SENSOR = 1.9
"""Crop factor from which sensors are 4:3, but for those of one inch."""
_ONE_INCH = (2.6, 2.8)
_PRODUCT_LINES = (
    *("coolpix", "cybershot", "lumix", "exilim", "easyshare", "powershot", "finepix", "camedia", "optio", "caplio"),
    *("alpha", "dimage", "digimax", "photosmart", "stylus", "revio"),
)
_SAME = 0.03
"""Share by which two widths may differ and still be those of one camera."""
_DOUBTFUL = 0.15
"""Share from which two widths of one name are two cameras, or a sensor with several shapes."""
_SPEC = re.compile(r'specs\["([^"]+)"\]|emplace_back\("([^"]+)", ([0-9.]+)f\)')


def main(arguments: Sequence[str]) -> int:
    """Writes the table and returns the exit code."""
    lensfun, colmap = map(Path, arguments)
    found: dict[tuple[str, str], float] = {}
    doubtful: set[tuple[str, str]] = set()
    for key, width in (*_of_colmap(colmap), *_of_lensfun(lensfun)):
        if abs(found.setdefault(key, width) / width - 1.0) > _DOUBTFUL:
            print(f"Left out: {' '.join(key)}, {found[key]:g} or {width:g} mm wide")
            doubtful.add(key)
    for key in doubtful:
        del found[key]
    found |= {("apple", model): width for model, width in _FROM_DATA_SHEETS.items()}
    found |= _short_names(found)
    rows: defaultdict[tuple[str, float], list[str]] = defaultdict(list)
    for (maker, model), width in found.items():
        rows[maker, width].append(model)
    lines = [f"{maker} {width:.4g} {' '.join(sorted(models))}\n" for (maker, width), models in sorted(rows.items())]
    TABLE.write_text("".join(lines), encoding="ascii")
    print(f"{len(found)} names of cameras in {TABLE}")
    return 0


def _of_colmap(path: Path) -> Iterator[tuple[tuple[str, str], float]]:
    """Yields maker, model and width of each of COLMAP's entries; `a/b` are two names of one camera."""
    maker = ""
    for started, names, width in _SPEC.findall(path.read_text(encoding="utf-8")):
        if started:
            maker = re.sub(r"[^a-z]", "", started)
            continue
        first, *others = names.split("/")
        line = next((word for word in ("eos", "elph", "lumixdmc") if first.startswith(word)), "")
        for name in (first, *others, *(line + other for other in others)):
            model = re.sub(r"[^a-z0-9]", "", name)
            yield (maker, model.removesuffix("zoom")), float(width)


def _of_lensfun(folder: Path) -> Iterator[tuple[tuple[str, str], float]]:
    """Yields maker, model and width of each of lensfun's cameras, the width from its crop factor by the diagonal."""
    for path in sorted(folder.glob("*.xml")):
        for camera in ElementTree.parse(path).getroot().iter("camera"):
            maker, model = (camera.findtext(name) or "" for name in ("maker", "model"))
            crop = float(camera.findtext("cropfactor") or 0.0)
            key = maker_and_model(f"{maker} {model}")
            if not crop or not key[1] or key[0] in _LEFT_OUT or "(" in model:
                continue
            mount = camera.findtext("mount") or ""
            is_small = crop > _SMALL_SENSOR and not _ONE_INCH[0] < crop < _ONE_INCH[1]
            aspect = 4 / 3 if mount in _FOUR_THIRDS_MOUNTS or is_small else 3 / 2
            width = math.hypot(*FULL_FRAME_MM) / crop * aspect / math.hypot(aspect, 1.0)
            yield key, round(width, 2)


def _short_names(found: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Returns the names without their product line, as EXIF has many of them, where they mean one width."""
    short: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for (maker, model), width in found.items():
        for line in _PRODUCT_LINES:
            rest = model.removeprefix(line)
            if rest not in (model, "") and not rest.isdigit():
                short[maker, rest].append(width)
    return {
        key: widths[0]
        for key, widths in short.items()
        if key not in found and max(widths) <= min(widths) * (1.0 + _SAME)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
