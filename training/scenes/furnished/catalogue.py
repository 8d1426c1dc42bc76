# SPDX-License-Identifier: GPL-3.0-or-later
"""Furniture libraries of Sweet Home 3D, `*.sh3f`: zips of OBJ models with their true sizes in centimetres."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROPERTIES = "PluginFurnitureCatalog.properties"
LARGEST_MODEL = 2_500_000
"""Bytes of an OBJ file; larger ones take seconds to read."""
HELD_ONE_IN = 10
"""One asset in this many is held out from training."""
UNPACKED = (".obj", ".mtl", ".jpg", ".jpeg", ".png")
LICENCES = {
    "BlendSwap-CC-0": "CC0-1.0",
    "BlendSwap-CC-BY": "CC-BY-3.0",
    "KatorLegaz": "CC-BY-3.0-US",
    "Reallusion": "CC-BY-3.0-US",
    "Scopia": "CC-BY-3.0",
}
"""Licence of each library that may be used, from the Debian package's copyright file. Others are not read."""

_SURFACE = re.compile("table|desk|stool|bench|cabinet|box|crate|shelves|dresser|chest|counter|island", re.I)


@dataclass(frozen=True)
class Asset:
    """A model; its front faces -y and it stands on the origin, once read by `library`."""

    name: str
    category: str
    library: str
    model: str
    """Path of the OBJ file in the library."""
    creator: str
    width: float
    depth: float
    height: float
    elevation: float = 0.0
    """Metres above the floor at which it usually hangs."""
    top: float = 0.0
    """Height of the surface that things may stand on; 0 for none."""
    is_opening: bool = False
    """Whether it is a door or a window."""
    turn: tuple[float, ...] = ()
    """Rotation of the model, nine numbers row by row, y up; empty for none."""

    @property
    def key(self) -> str:
        """The asset's unique name."""
        return f"{self.library}/{self.model}"

    @property
    def is_held(self) -> bool:
        """Whether it is held out from training, by a hash of its name: the same on every machine."""
        return is_held(self.key)

    @property
    def extent(self) -> float:
        """The largest of its three sizes."""
        return max(self.width, self.depth, self.height)


def is_held(key: str) -> bool:
    """Returns whether an asset of that name is held out from training."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:6], 16) % HELD_ONE_IN == 0


def read(folder: Path) -> list[Asset]:
    """Returns the models of the libraries in a folder whose licence is known, sorted by key.

    Raises FileNotFoundError if there are none.
    """
    found: list[Asset] = []
    for file in sorted(folder.glob("*.sh3f")):
        if file.stem in LICENCES:
            with zipfile.ZipFile(file) as archive:
                sizes = {one.filename: one.file_size for one in archive.infolist()}
                text = archive.read(PROPERTIES).decode("latin-1")
            entries = properties(text)
            found += [_asset(entry, file.stem) for entry in entries if _is_usable(entry, sizes)]
    if not found:
        raise FileNotFoundError(f"There is no furniture library in {folder}: it needs {', '.join(LICENCES)}.sh3f.")
    return sorted(found, key=lambda asset: asset.key)


def unpack(folder: Path, cache: Path) -> None:
    """Unpacks the models of all libraries in a folder into a cache, unless they are there."""
    for file in sorted(folder.glob("*.sh3f")):
        done = cache / file.stem / "done"
        if file.stem in LICENCES and not done.exists():
            with zipfile.ZipFile(file) as archive:
                names = [name for name in archive.namelist() if name.lower().endswith(UNPACKED)]
                archive.extractall(cache / file.stem, names)
            done.touch()


def properties(text: str) -> list[dict[str, str]]:
    """Returns the entries of a catalogue, lines such as `width#12=71.9`, each as a dictionary, in their order."""
    entries: dict[int, dict[str, str]] = {}
    for line in text.splitlines():
        if found := re.match(r"(\w+)#(\d+)=(.*)", line):
            name, number, value = found.groups()
            entries.setdefault(int(number), {})[name] = re.sub(
                r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), value.strip()
            )
    return [entries[number] for number in sorted(entries)]


def table(assets: Iterable[Asset]) -> str:
    """Returns a table of assets in Markdown by library and creator; those held out from training are in italics."""
    groups: dict[tuple[str, str], list[Asset]] = {}
    for one in sorted(assets, key=lambda asset: (asset.library, asset.creator.lower(), asset.key)):
        groups.setdefault((one.library, one.creator), []).append(one)
    lines = ["| library | licence | by | assets |", "|---|---|---|---|"]
    for (library, creator), members in groups.items():
        names = [Path(one.model).stem for one in members]
        marked = [f"*{name}*" if one.is_held else name for name, one in zip(names, members, strict=True)]
        lines.append(f"| {library} | {LICENCES[library]} | {creator or '-'} | {', '.join(marked)} |")
    return "\n".join(lines) + "\n"


def _is_usable(entry: Mapping[str, str], sizes: Mapping[str, int]) -> bool:
    return sizes.get(entry["model"].lstrip("/"), LARGEST_MODEL + 1) <= LARGEST_MODEL


def _asset(entry: Mapping[str, str], library: str) -> Asset:
    def metres(name: str) -> float:
        return float(entry.get(name) or 0) / 100

    top = metres("dropOnTopElevation")
    if top <= 0 and _SURFACE.search(entry["name"]):
        top = metres("height")
    return Asset(
        entry["name"],
        entry["category"],
        library,
        entry["model"].lstrip("/"),
        entry.get("creator", ""),
        metres("width"),
        metres("depth"),
        metres("height"),
        metres("elevation"),
        max(top, 0.0),
        entry.get("doorOrWindow") == "true",
        tuple(float(value) for value in entry["modelRotation"].split()) if "modelRotation" in entry else (),
    )
