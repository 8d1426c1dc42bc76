# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of one photo, stored on disk as a folder of arrays and one JSON file."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Mono3DError
from ..settings import Settings
from . import scene_guess
from .arrays import Bytes
from .camera.automatic import Resolved
from .camera.camera import Camera
from .camera.depth_strength import strengthened
from .camera.lens import Lens
from .maps.depth_values import DepthValues
from .mesh.given_normals import are_used
from .mesh.mesh import Mesh, PointCloud, joined
from .resolved import resolved
from .scene_guess import SceneGuess

DESCRIPTION = "reconstruction.json"

_MAPS = ("mask", "sky", "holds", "normals", "replaced")
"""Fields that are arrays, each in a file of its own if it is not None."""


@dataclass(frozen=True)
class Reconstruction:
    """The complete result of one photo.

    name       the photo's file name without its suffix
    photo      path of the photo as the user gave it
    texture    path of an upright 8-bit sRGB picture of the photo (JPEG or PNG), for materials and viewers
    camera     the camera of the upright photo and its pose in the scene
    settings   the user's settings, in which distances and field of view may be automatic, see `resolved`
    disparity  float32 (h, w) at the network's size, relative inverse depth, near = large
    depth      float32 (rows, columns) at the mesh's detail, metres along z (for a panorama: from the camera); NaN
               where the photo is transparent or masked
    mesh       the surface, camera frame
    cloud      the cleaned point cloud of the surface, camera frame; None for the grid surface
    engine     description of the engine that ran the network
    seconds    duration of each stage
    notes      notes for the user ("3 small islands were dropped")
    photo_notes  those notes that concern the photo and its disparity, and so apply to every mesh
    background  the mesh that continues the far side behind near things, seen by the same camera; None: not made
    background_texture  path of the texture of `background`: the photo with the background painted in
    mask       bool (height, width), True where the photo's alpha channel keeps the pixel; None without transparency
    lens       focal length and sensor data from EXIF
    own        the depth map supplied by the user; None if the network estimated the depth
    scene      what the network guesses of distances, lens and kind of scene; None where it guesses nothing
    sky        what the network says of the sky: its probability, float32 (h, w), 0..1; None where it says nothing
    holds      where the disparity holds, bool (h, w); None: everywhere
    normals    what the network says of the normals: unit vectors in the camera frame, float32 (h, w, 3); None where it
               says nothing
    replaced   where the background takes the place of the grid, bool (rows, columns), for nodes that make the grid
               again from the depth; None: nowhere
    photo_digest  SHA-256 of the photo's file, hexadecimal
    normal_map path of the normal map, an 8-bit picture over the whole photo in tangent space; None if not requested
    pixels     what `texture` shows, uint8 (h, w, 3); None in a result that was loaded, since `save` leaves it out
    background_pixels  the same for `background_texture`
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
    background: Mesh | None = None
    background_texture: Path | None = None
    mask: NDArray[np.bool_] | None = None
    lens: Lens = field(default_factory=Lens)
    own: DepthValues | None = None
    scene: SceneGuess | None = None
    sky: NDArray[np.float32] | None = None
    holds: NDArray[np.bool_] | None = None
    normals: NDArray[np.float32] | None = None
    replaced: NDArray[np.bool_] | None = None
    normal_map: Path | None = None
    photo_digest: str = ""
    photo_notes: tuple[str, ...] = ()
    pixels: Bytes | None = None
    background_pixels: Bytes | None = None

    @property
    def photo_key(self) -> str:
        """The key of the photo and its disparity, see the function `photo_key`."""
        return photo_key(self.photo_digest, self.disparity, self.mask, self.lens, self.own)

    @functools.cached_property
    def resolved(self) -> Resolved:
        """Near, far and field of view of this reconstruction, each with its source."""
        size, is_panorama = (self.camera.width, self.camera.height), self.camera.is_panorama
        return resolved(self.settings, size, self.lens, self.own, self.scene, is_panorama=is_panorama)

    @property
    def near_and_far(self) -> tuple[float, float]:
        """The near and far of the depth, metres: those of `resolved`, changed by the depth strength."""
        settings = strengthened(self.resolved.applied_to(self.settings))
        return settings.near, settings.far

    @property
    def has_given_normals(self) -> bool:
        """Whether the normals of `mesh` are, where they suit it, those of the network and not of its triangles."""
        return not self.camera.is_panorama and are_used(self.normals, self.scene, self.settings)

    @functools.cached_property
    def scene_mesh(self) -> Mesh:
        """The surface in the scene frame, for all exports (see `Camera`)."""
        return in_scene(self.mesh, self.camera)

    @functools.cached_property
    def scene_background(self) -> Mesh | None:
        """The background in the scene frame."""
        return None if self.background is None else in_scene(self.background, self.camera)

    @property
    def scene_layers(self) -> tuple[tuple[Mesh, Path], ...]:
        """The surface and, where there is one, the background in the scene frame, each with its texture."""
        surface = (self.scene_mesh, self.texture)
        if self.scene_background is None or self.background_texture is None:
            return (surface,)
        return surface, (self.scene_background, self.background_texture)

    @functools.cached_property
    def scene_whole(self) -> Mesh:
        """The surface and, after it, the background as one mesh in the scene frame."""
        return self.scene_mesh if self.scene_background is None else joined(self.scene_mesh, self.scene_background)

    @functools.cached_property
    def scene_cloud(self) -> PointCloud | None:
        """The cloud in the scene frame."""
        if self.cloud is None or not self.camera.has_pose:
            return self.cloud
        points, normals = self.camera.to_scene(self.cloud.points), self.camera.directions_to_scene(self.cloud.normals)
        return dataclasses.replace(self.cloud, points=points, normals=normals)

    @functools.cached_property
    def shown_depth(self) -> NDArray[np.float32]:
        """`depth`, negative in the cells whose place the background takes."""
        return shown_depth(self.depth, self.replaced)

    def counts(self) -> dict[str, int]:
        """Returns the numbers of vertices, triangles and cloud points."""
        meshes = [one for one in (self.mesh, self.background) if one is not None]
        return {
            "vertices": sum(len(one.vertices) for one in meshes),
            "triangles": sum(len(one.triangles) for one in meshes),
            "points": len(self.cloud.points) if self.cloud else 0,
        }


def shown_depth(depth: NDArray[np.float32], replaced: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Returns `Reconstruction.shown_depth`."""
    return depth if replaced is None else np.where(replaced, -depth, depth)


def in_scene(mesh: Mesh, camera: Camera) -> Mesh:
    """Returns the mesh of the camera frame in the scene frame (see `Camera`)."""
    if not camera.has_pose:
        return mesh
    vertices, normals = camera.to_scene(mesh.vertices), camera.directions_to_scene(mesh.normals)
    return dataclasses.replace(mesh, vertices=vertices, normals=normals)


def photo_key(
    photo_digest: str,
    disparity: NDArray[np.float32],
    mask: NDArray[np.bool_] | None,
    lens: Lens,
    own: DepthValues | None = None,
) -> str:
    """Returns a hash that identifies the photo with its disparity, mask, lens and own depth, 32 hexadecimal digits."""
    digest = hashlib.sha256(np.ascontiguousarray(disparity).tobytes())
    digest.update(repr((photo_digest, disparity.shape, None if mask is None else mask.shape, lens)).encode())
    if mask is not None:
        digest.update(np.packbits(mask).tobytes())
    if own is not None:
        digest.update(repr((own.kind, own.values.shape)).encode() + np.ascontiguousarray(own.values).tobytes())
    return digest.hexdigest()[:32]


def save(result: Reconstruction, folder: Path) -> None:
    """Writes `result` into the existing `folder`. The description comes last, so an interrupted save does not load."""
    for name, array in _arrays(result).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    description = {
        "name": result.name,
        "photo": str(result.photo),
        "texture": str(result.texture),
        "behind_texture": None if result.background_texture is None else str(result.background_texture),
        "camera": dataclasses.asdict(result.camera),
        "settings": dataclasses.asdict(result.settings),
        "lens": dataclasses.asdict(result.lens),
        "own_kind": result.own.kind if result.own else None,
        "scene": scene_guess.to_json(result.scene),
        "engine": result.engine,
        "photo_digest": result.photo_digest,
        "seconds": dict(result.seconds),
        "notes": list(result.notes),
        "photo_notes": list(result.photo_notes),
        "normal_map": str(result.normal_map) if result.normal_map else None,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")


def load(folder: Path) -> Reconstruction:
    """Returns the result that `save` wrote, with memory-mapped arrays. Raises Mono3DError if it cannot be read."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}
        mesh = _part(Mesh, "mesh", arrays)
        background = _part(Mesh, "behind", arrays) if "behind_vertices" in arrays else None
        background_texture = description["behind_texture"]
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
            lens=Lens(**description["lens"]),
            own=DepthValues(arrays["own"], description["own_kind"]) if "own" in arrays else None,
            scene=scene_guess.from_json(description["scene"]),
            **{name: arrays.get(name) for name in _MAPS},
            background=background,
            background_texture=None if background_texture is None else Path(background_texture),
            engine=description["engine"],
            photo_digest=description["photo_digest"],
            seconds=description["seconds"],
            notes=tuple(description["notes"]),
            photo_notes=tuple(description["photo_notes"]),
            normal_map=Path(description["normal_map"]) if description["normal_map"] else None,
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Mono3DError(f"The result in {folder} cannot be read: {error}.") from error


def save_depth(disparity: NDArray[np.float32], depth: NDArray[np.float32], folder: Path) -> None:
    """Writes disparity and depth, as in `Reconstruction`, of a photo without a mesh into the existing `folder`."""
    np.save(folder / "disparity.npy", disparity, allow_pickle=False)
    np.save(folder / "depth.npy", depth, allow_pickle=False)


def load_depth(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the disparity and the depth that `save_depth` wrote. Raises Mono3DError if they cannot be read."""
    try:
        disparity, depth = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("disparity", "depth"))
    except (OSError, ValueError) as error:
        raise Mono3DError(f"The depth in {folder} cannot be read: {error}.") from error
    return disparity, depth


def _arrays(result: Reconstruction) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"disparity": result.disparity, "depth": result.depth}
    for name in _MAPS:
        if (found := getattr(result, name)) is not None:
            arrays[name] = found
    if result.own is not None:
        arrays["own"] = result.own.values
    for prefix, part in (("mesh", result.mesh), ("cloud", result.cloud), ("behind", result.background)):
        if part is not None:
            arrays |= {f"{prefix}_{item.name}": getattr(part, item.name) for item in dataclasses.fields(part)}
    return arrays


def _part(cls: type, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    return cls(**{item.name: arrays[f"{prefix}_{item.name}"] for item in dataclasses.fields(cls)})
