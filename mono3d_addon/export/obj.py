# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes Wavefront OBJ with a material file and the photo as texture; y up.

File names inside the files are plain ASCII without spaces, because readers treat quotes, spaces and encodings in
`mtllib` and `map_Kd` differently.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.mesh.mesh import Mesh
from ..core.plain_name import plain_name
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import y_up

_ROWS = 100_000
"""Rows formatted per block: large enough for speed, small enough to limit memory."""


def write_obj(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes `path`, a material file and, if the material is textured, a copy of the photo.

    Vertex colours follow the positions (`v x y z r g b`, 0..1, sRGB), an extension that most readers support. A normal
    map is written as `norm`, the keyword of the PBR extension that most readers support.
    """
    textured = result.settings.material == "texture"
    base = plain_name(path.stem)
    material = path.with_name(base + ".mtl")
    # The suffix avoids overwriting the photo itself, which may be in this folder.
    picture = path.with_name(f"{base}_texture{result.texture.suffix.lower()}")
    # The OBJ is staged first, so that it is renamed last.
    layers = [("photo", result.scene_mesh, result.texture, picture)]
    if result.scene_background is not None and result.background_texture is not None:
        beside = path.with_name(f"{base}_behind_texture{result.background_texture.suffix.lower()}")
        layers.append(("behind", result.scene_background, result.background_texture, beside))
    with staging.path_for(path).open("wb") as file:
        file.write(f"# Mono3D, metres, y up\nmtllib {material.name}\n".encode("ascii"))
        first = 1
        for name, mesh, _, _ in layers:
            file.write(f"usemtl {name}\n".encode("ascii"))
            _write_mesh(file, mesh, first, with_colors=not textured)
            first += len(mesh.vertices)
    lines = []
    for name, _, _, beside in layers:
        lines += [f"newmtl {name}", "Ka 0 0 0", "Kd 1 1 1", "Ks 0 0 0", "illum 0" if _is_unlit(result) else "illum 1"]
        if textured:
            lines.append(f"map_Kd {beside.name}")
        if result.normal_map is not None and name == "photo":
            relief = path.with_name(f"{base}_normal_texture.png")
            lines.append(f"norm {relief.name}")
            shutil.copyfile(result.normal_map, staging.path_for(relief))
    staging.path_for(material).write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    if textured:
        for _, _, texture, beside in layers:
            shutil.copyfile(texture, staging.path_for(beside))


def _is_unlit(result: Reconstruction) -> bool:
    return result.settings.shading == "emission"


def _write_mesh(file: Any, mesh: Mesh, first: int, with_colors: bool) -> None:
    places = y_up(mesh.vertices)
    if with_colors:
        _write_rows(file, b"v %.7g %.7g %.7g %.4f %.4f %.4f\n", np.hstack([places, np.asarray(mesh.colors) / 255.0]))
    else:
        _write_rows(file, b"v %.7g %.7g %.7g\n", places)
    _write_rows(file, b"vt %.6f %.6f\n", mesh.uv)
    _write_rows(file, b"vn %.4f %.4f %.4f\n", y_up(mesh.normals))
    for faces in (mesh.quads, mesh.loose_triangles):
        form = b"f" + b" %d/%d/%d" * faces.shape[1] + b"\n"
        _write_rows(file, form, np.repeat(np.asarray(faces) + first, 3, axis=1))


def _write_rows(file: Any, form: bytes, table: NDArray[Any]) -> None:
    for start in range(0, len(table), _ROWS):
        rows = table[start : start + _ROWS]
        file.write(form * len(rows) % tuple(rows.ravel().tolist()))
