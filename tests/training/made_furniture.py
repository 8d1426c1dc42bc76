# SPDX-License-Identifier: GPL-3.0-or-later
"""A small furniture library as of Sweet Home 3D: boxes of the sizes of common things."""

from __future__ import annotations

import zipfile
from pathlib import Path

ENTRIES = (
    # name, category, width, depth, height, further lines
    ("Sofa", "Living room", 190, 80, 85, ""),
    ("Table", "Living room", 140, 80, 75, ""),
    ("Chair", "Living room", 45, 50, 90, ""),
    ("Bookcase", "Living room", 100, 35, 180, ""),
    ("Bed", "Bedroom", 140, 200, 60, ""),
    ("Wardrobe", "Bedroom", 120, 60, 200, ""),
    ("Lower cabinet", "Kitchen", 60, 60, 88, ""),
    ("Cup", "Kitchen", 9, 9, 10, ""),
    ("Bottle", "Kitchen", 8, 8, 30, ""),
    ("Washbasin", "Bathroom", 60, 45, 40, "elevation#{n}=45\ndropOnTopElevation#{n}=34\n"),
    ("Desk", "Office", 140, 70, 72, ""),
    ("Laptop", "Office", 34, 25, 26, ""),
    ("Vase", "Miscellaneous", 20, 20, 30, ""),
    ("Switch", "Miscellaneous", 8, 1, 8, "elevation#{n}=115\n"),
    ("Desk lamp", "Lights", 20, 20, 40, ""),
    ("Pendant lamp", "Lights", 40, 40, 60, "elevation#{n}=190\n"),
    ("Door", "Doors and windows", 90, 15, 205, "doorOrWindow#{n}=true\n"),
    ("Window", "Doors and windows", 110, 20, 120, "doorOrWindow#{n}=true\nelevation#{n}=90\n"),
    ("Standing male", "Characters", 50, 40, 180, ""),
    ("Beetle", "Vehicles", 190, 410, 150, ""),
    ("Pine", "Exterior", 300, 300, 550, ""),
    ("Bench", "Exterior", 150, 60, 80, ""),
    ("Hedge", "Exterior", 150, 60, 100, ""),
)
CREATOR = "Somebody"


def obj(shape: tuple[float, float, float]) -> str:
    """Returns an OBJ file of a box, y up, with a material, not standing on the origin."""
    width, height, depth = shape
    corners = [(x, y, z) for y in (1, 1 + height) for z in (-depth / 2, depth / 2) for x in (2, 2 + width)]
    faces = ("1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4")
    lines = ["mtllib box.mtl", *(f"v {x} {y} {z}" for x, y, z in corners), "usemtl paint"]
    return "\n".join([*lines, *(f"f {face}" for face in faces)]) + "\n"


def library(folder: Path, name: str = "Scopia") -> Path:
    """Writes a library into a folder and returns the file."""
    file = folder / f"{name}.sh3f"
    properties = ["# a catalogue", f"id={name}", ""]
    with zipfile.ZipFile(file, "w") as archive:
        for number, (title, category, width, depth, height, more) in enumerate(ENTRIES, 1):
            model = f"made/{number}/box{number}.obj"
            archive.writestr(model, obj((1, 2, 3)))
            archive.writestr(f"made/{number}/box.mtl", "newmtl paint\nKd 0.6 0.5 0.4\nmap_Kd absent.jpg\n")
            values = {"name": title, "category": category, "width": width, "depth": depth, "height": height}
            values |= {"model": f"/{model}", "creator": CREATOR}
            properties += [f"{key}#{number}={value}" for key, value in values.items()]
            properties.append(more.format(n=number))
        archive.writestr("PluginFurnitureCatalog.properties", "\n".join(properties).encode("latin-1"))
    return file
