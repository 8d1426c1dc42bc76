# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the task "reshape" reads, and those that it writes for Blender."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import scene_guess
from ..core.arrays import Floats, Ints
from ..core.mesh.mesh import BACKGROUND_TEXTURE, Mesh
from ..core.mesh.normal_map import NAME as NORMAL_MAP
from ..core.mesh.triangle_edges import edges_of_faces
from ..core.reconstruction import Reconstruction

_MESH = ("vertices", "triangles", "uv", "colors", "quads")
_EDGES = ("edges", "corner_edges")
_BACKGROUND = "background_triangles.txt"


@dataclass(frozen=True)
class Source:
    """The files of a photo and its depth. Paths are relative to the job's folder, or absolute.

    name         the photo's file name, for messages
    photo        the photo, or an upright picture of it
    disparity    .npy, float32 (h, w); the user's own depth map where `own_kind` is set
    mask         .npy, bool (height, width); empty without transparency
    lens         the fields of `core.camera.lens.Lens`
    own_kind     see `core.maps.depth_values.DepthValues`; empty where the network estimated the disparity
    is_panorama  whether the photo shows all directions
    scene        what the network guesses of the scene, see `core.scene_guess.to_json`
    sky          .npy, float32 (h, w), probability of sky; empty where the network does not give it
    holds        .npy, bool (h, w), where the disparity holds; empty: everywhere
    normals      .npy, float32 (h, w, 3), the network's normals; empty where it gives none
    """

    name: str
    photo: str
    disparity: str
    mask: str
    lens: Mapping[str, Any]
    own_kind: str = ""
    is_panorama: bool = False
    scene: Mapping[str, Any] | None = None
    sky: str = ""
    holds: str = ""
    normals: str = ""


def source_of(saved: Reconstruction, folder: Path, photo: Path) -> Source:
    """Returns the files of a reconstruction that `core.reconstruction.save` wrote into `folder`, and of its `photo`."""
    return Source(
        saved.photo.name,
        str(photo.absolute()),
        str(folder.absolute() / ("disparity.npy" if saved.own is None else "own.npy")),
        "" if saved.mask is None else str(folder.absolute() / "mask.npy"),
        dataclasses.asdict(saved.lens),
        "" if saved.own is None else saved.own.kind,
        saved.camera.is_panorama,
        scene_guess.to_json(saved.scene),
        "" if saved.sky is None else str(folder.absolute() / "sky.npy"),
        "" if saved.holds is None else str(folder.absolute() / "holds.npy"),
        "" if saved.normals is None else str(folder.absolute() / "normals.npy"),
    )


@dataclass(frozen=True)
class ReshapedMesh:
    """A mesh in the scene frame, with its edges. Without normals, (0, 3), Blender computes them.

    edges                 see `core.mesh.triangle_edges.edges_of_faces`
    background_triangles  number of triangles at the end that are the background (see `core.mesh.background_fill`)
    background_texture    path of its texture; None without a background
    normal_map            path of the normal map; None without one
    depth                 `Reconstruction.shown_depth`, float32 (rows, columns), for an object that nodes make: `mesh`
                          is the background alone then, in the camera frame; None for other objects
    """

    mesh: Mesh
    edges: tuple[Ints, Ints]
    background_triangles: int = 0
    background_texture: Path | None = None
    normal_map: Path | None = None
    depth: Floats | None = None


def save(
    mesh: Mesh,
    folder: Path,
    background_triangles: int = 0,
    *,
    with_normals: bool = False,
    depth: Floats | None = None,
) -> None:
    """Writes a mesh and its edges, which would take Blender's main thread longer to find.

    Its last `background_triangles` triangles are the background. Its texture must already be in the folder, and
    so must the normal map, which needs the normals. `depth` is that of `ReshapedMesh`.
    """
    arrays = {name: getattr(mesh, name) for name in _MESH}
    arrays |= zip(_EDGES, edges_of_faces((mesh.quads, mesh.loose_triangles), len(mesh.vertices)), strict=True)
    if with_normals:
        arrays["normals"] = mesh.normals
    if depth is not None:
        arrays["depth"] = depth
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / _BACKGROUND).write_text(str(background_triangles), encoding="ascii")


def load(folder: Path) -> ReshapedMesh:
    """Returns what `save` wrote, memory-mapped."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in (*_MESH, *_EDGES)}
    pairs, of_corner = (arrays.pop(name) for name in _EDGES)
    background_triangles = int((folder / _BACKGROUND).read_text(encoding="ascii"))
    normals, normal_map = np.empty((0, 3), np.float32), folder / NORMAL_MAP
    if (folder / "normals.npy").exists():
        normals = np.load(folder / "normals.npy", mmap_mode="r", allow_pickle=False)
    depth = folder / "depth.npy"
    return ReshapedMesh(
        Mesh(**arrays, normals=normals),
        (pairs, of_corner),
        background_triangles,
        next(folder.glob(f"{BACKGROUND_TEXTURE}.*")) if background_triangles else None,
        normal_map if normal_map.exists() else None,
        np.load(depth, allow_pickle=False) if depth.exists() else None,
    )
