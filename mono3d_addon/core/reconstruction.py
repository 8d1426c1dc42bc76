# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of one photo, and its form on disk: a folder of arrays and one JSON file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Mono3DError
from ..settings import Settings
from .camera import Camera
from .mesh import Mesh, PointCloud

DESCRIPTION = "reconstruction.json"


@dataclass(frozen=True)
class Reconstruction:
    """All that came out of one photo.

    name       the photo's file name without its ending
    photo      path of the photo as the user gave it
    texture    path of an upright 8-bit sRGB picture of the photo (JPEG or PNG), for materials and viewers
    camera     the camera of the upright photo
    settings   what the user chose
    disparity  float32 (h, w) at the network's size, relative inverse depth, near = large
    depth      float32 (rows, columns) at the mesh's detail, metres along z; NaN where the photo is transparent
    mesh       the surface
    cloud      the cleaned points behind the surface; None for the grid surface
    engine     what ran the network, in words
    seconds    time of each stage
    notes      sentences for the user ("3 small islands were dropped")
    """

    name: str
    photo: Path
    texture: Path
    camera: Camera
    settings: Settings
    disparity: NDArray[np.float32]
    depth: NDArray[np.float32]
    mesh: Mesh
    cloud: PointCloud | None = None
    engine: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Returns the numbers of vertices, triangles and cloud points."""
        return {
            "vertices": len(self.mesh.vertices),
            "triangles": len(self.mesh.triangles),
            "points": len(self.cloud.points) if self.cloud else 0,
        }


def save(result: Reconstruction, folder: Path) -> None:
    """Writes `result` into the existing `folder`; the description last, so that a cut leaves nothing that loads."""
    for name, array in _arrays(result).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    description = {
        "name": result.name,
        "photo": str(result.photo),
        "texture": str(result.texture),
        "camera": dataclasses.asdict(result.camera),
        "settings": dataclasses.asdict(result.settings),
        "engine": result.engine,
        "seconds": dict(result.seconds),
        "notes": list(result.notes),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")


def load(folder: Path) -> Reconstruction:
    """Returns what `save` wrote, its arrays memory-mapped. Raises Mono3DError when the folder holds no result."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}
        mesh = _part(Mesh, "mesh", arrays)
        cloud = _part(PointCloud, "cloud", arrays) if "cloud_points" in arrays else None
        return Reconstruction(
            name=description["name"],
            photo=Path(description["photo"]),
            texture=Path(description["texture"]),
            camera=Camera(**description["camera"]),
            settings=Settings.from_json(json.dumps(description["settings"])),
            disparity=arrays["disparity"],
            depth=arrays["depth"],
            mesh=mesh,
            cloud=cloud,
            engine=description["engine"],
            seconds=description["seconds"],
            notes=tuple(description["notes"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Mono3DError(f"The result in {folder} cannot be read: {error}.") from error


def save_depth(disparity: NDArray[np.float32], depth: NDArray[np.float32], folder: Path) -> None:
    """Writes the two maps of a photo that has no mesh into the existing `folder`; see `Reconstruction`."""
    np.save(folder / "disparity.npy", disparity, allow_pickle=False)
    np.save(folder / "depth.npy", depth, allow_pickle=False)


def load_depth(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the disparity and the depth that `save_depth` wrote. Raises Mono3DError when they cannot be read."""
    try:
        disparity, depth = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("disparity", "depth"))
    except (OSError, ValueError) as error:
        raise Mono3DError(f"The depth in {folder} cannot be read: {error}.") from error
    return disparity, depth


def _arrays(result: Reconstruction) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"disparity": result.disparity, "depth": result.depth}
    for prefix, part in (("mesh", result.mesh), ("cloud", result.cloud)):
        if part is not None:
            arrays |= {f"{prefix}_{item.name}": getattr(part, item.name) for item in dataclasses.fields(part)}
    return arrays


def _part(cls: type, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    return cls(**{item.name: arrays[f"{prefix}_{item.name}"] for item in dataclasses.fields(cls)})
