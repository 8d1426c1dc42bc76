# SPDX-License-Identifier: GPL-3.0-or-later
"""Widths of the sensors of known cameras, from `sensors.txt`; its sources and licences are in `sensors.md`."""

from __future__ import annotations

import functools
import re
from pathlib import Path

TABLE = Path(__file__).with_name("sensors.txt")
"""Lines of maker, width in millimetres, and names of models, all in lower case without spaces and punctuation."""

_MAKERS = frozenset(
    {
        *(
            "acer",
            "agfaphoto",
            "apple",
            "benq",
            "canon",
            "casio",
            "concord",
            "contax",
            "dji",
            "epson",
            "fujifilm",
            "ge",
        ),
        *(
            "gopro",
            "hasselblad",
            "hp",
            "jenoptik",
            "jvc",
            "kodak",
            "konica",
            "konicaminolta",
            "kyocera",
            "leica",
            "mamiya",
            "minolta",
        ),
        *("minox", "nikon", "nokia", "olympus", "panasonic", "pentax", "praktica", "ricoh", "rollei", "samsung"),
        *("sanyo", "sigma", "sony", "toshiba", "vivitar", "yakumo"),
    }
)
_OTHER_NAMES = {
    "hewlett-packard": "hp",
    "asahi": "pentax",
    "fuji": "fujifilm",
    "eastman": "kodak",
    "om digital solutions": "olympus",
    "general imaging": "ge",
}
_COMPANY_WORDS = frozenset(
    {
        *("corporation", "corp", "co", "company", "ltd", "limited", "inc", "ag", "gmbh", "electric", "electronics"),
        *("imaging", "optical", "computer", "techwin", "photo", "film", "camera", "seiko", "jk", "international"),
    }
)
_ENDINGS = ("camera", "digital", "zoom")
_COOLPIX = re.compile(r"e(\d{3,4})")
_MJU = re.compile(r"^u(\d+)")


def sensor_width(camera_name: str) -> float:
    """Returns the longer side of a camera's sensor in millimetres; 0 if it is not in the table.

    `camera_name` is make and model from EXIF; case, punctuation and generic company words are ignored.
    """
    table = _table()
    maker, model = maker_and_model(camera_name)
    names = [model]
    for ending in _ENDINGS:
        names.append(names[-1].removesuffix(ending))
    if maker == "nikon":
        # Its first compact cameras call themselves by the letter and the number alone.
        names += [f"coolpix{number}" for number in _COOLPIX.findall(model)]
    if maker == "olympus":
        # "C2000Z" is the C-2000 Zoom, "C40Z,D40Z" the C-40 alias D-40, and "u760,S760" the mju 760 alias Stylus 760.
        for name in (model, _plain(camera_name.lower().rpartition(",")[2])):
            names.append(name.removesuffix("z"))
            names += [line + number for number in _MJU.findall(name) for line in ("mju", "stylus")]
    return next((table[maker, name] for name in names if (maker, name) in table), 0.0)


def maker_and_model(camera_name: str) -> tuple[str, str]:
    """Returns maker and model in lower case without spaces and punctuation, as the table has them.

    Makers repeat their names ("NIKON CORPORATION NIKON D100"), and brands change hands ("RICOH IMAGING COMPANY, LTD.
    PENTAX K-3"): the last name before the model counts.
    """
    text = re.sub(r"\(.*?\)", "", camera_name.lower())
    for other, maker in _OTHER_NAMES.items():
        text = re.sub(rf"\b{other}\b", maker, text)
    words = re.findall(r"[^\s,()<>]+", text)
    makers: list[str] = []
    while words:
        word = _plain(words[0])
        if word in _MAKERS:
            makers.append(word)
        elif word not in _COMPANY_WORDS:
            break
        words = words[1:]
    maker = "konicaminolta" if makers[-2:] == ["konica", "minolta"] else makers[-1] if makers else ""
    return maker, _plain("".join(words))


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text)


@functools.cache
def _table() -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for line in TABLE.read_text(encoding="ascii").splitlines():
        maker, width, *models = line.split(" ")
        found |= {(maker, model): float(width) for model in models}
    return found
