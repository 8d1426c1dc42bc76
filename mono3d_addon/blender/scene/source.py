# SPDX-License-Identifier: GPL-3.0-or-later
"""The data stored on the image of a photo for reshaping its mesh: disparity, mask and lens.

Image and disparity are stored in the .blend file and follow an object that is appended or linked: neither the photo's
file nor the network is needed again.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core import scene_guess
from ...core.camera.automatic import Resolved
from ...core.camera.camera import Camera
from ...core.camera.lens import Lens
from ...core.maps.depth_values import DepthValues
from ...core.reconstruction import Reconstruction
from ...core.resolved import resolved
from ...errors import Mono3DError
from ...settings import Settings
from ...worker.reshape_files import Source
from .. import names
from . import reshaped

_DESCRIPTION, _DISPARITY, _SKY = "mono3d_source", "mono3d_disparity", "mono3d_sky"
_MASK, _HOLDS, _NORMALS = "mono3d_mask", "mono3d_holds", "mono3d_normals"

_UNIT = 32767
"""Steps from 0 to 1 in which normals are stored."""


def store(image: bpy.types.Image, result: Reconstruction) -> None:
    """Stores the disparity, mask, lens, sky and normals of `result` on the photo's `image`, as custom properties."""
    description = {
        "key": result.photo_key,
        "name": result.photo.name.encode("utf-8", "replace").decode(),
        "disparity": (result.own.values if result.own else result.disparity).shape,
        "own_kind": result.own.kind if result.own else "",
        "is_panorama": result.camera.is_panorama,
        "mask": None if result.mask is None else result.mask.shape,
        "lens": dataclasses.asdict(result.lens),
        "scene": scene_guess.to_json(result.scene),
        "sky": None if result.sky is None else result.sky.shape,
        "holds": None if result.holds is None else result.holds.shape,
        "normals": None if result.normals is None else result.normals.shape,
    }
    image[_DESCRIPTION] = json.dumps(description)
    for name in (_DISPARITY, _MASK, _SKY, _HOLDS, _NORMALS):
        # Blender truncates bytes at the first zero when they replace others.
        image.pop(name, None)
    values = result.own.values if result.own else result.disparity
    image[_DISPARITY] = np.ascontiguousarray(values, np.float32).tobytes()
    for name, cells in ((_MASK, result.mask), (_HOLDS, result.holds)):
        if cells is not None:
            image[name] = np.packbits(cells).tobytes()
    if result.normals is not None:
        image[_NORMALS] = np.round(result.normals * _UNIT).astype(np.int16).tobytes()
    if result.sky is not None:
        image[_SKY] = np.ascontiguousarray(result.sky, np.float32).tobytes()


def image_of(owner: bpy.types.Object) -> bpy.types.Image:
    """Returns the image with the disparity of a mesh object. Raises Mono3DError if it is gone."""
    image: Any = owner.get(names.IMAGE)
    if image is None or _DESCRIPTION not in image:
        raise Mono3DError(reshaped.without_photo(owner))
    return image


def key(owner: bpy.types.Object) -> str:
    """Returns the key of the photo in the worker's cache. Raises Mono3DError if the photo is gone."""
    return str(_description(owner)["key"])


def name(owner: bpy.types.Object) -> str:
    """Returns the name of the photo's file without its suffix. Raises Mono3DError if the photo is gone."""
    return str(_description(owner)["name"])


def lens(owner: bpy.types.Object) -> Lens:
    """Returns the lens data from EXIF. Raises Mono3DError if the photo is gone."""
    return Lens(**_description(owner)["lens"])


def is_exact(owner: bpy.types.Object) -> bool:
    """Returns whether an object's depth is the user's own. Raises Mono3DError if the photo is gone."""
    return bool(_description(owner)["own_kind"])


def is_metric(owner: bpy.types.Object) -> bool:
    """Returns whether an object's depth is the user's own in metres, to which near and far do not apply."""
    return str(_description(owner)["own_kind"]) == "metres"


def is_measured(owner: bpy.types.Object) -> bool:
    """Returns whether a network measures an object's depth at least up to a scale."""
    guess = scene_guess.from_json(_description(owner).get("scene"))
    return guess is not None and guess.measures is not None


def resolve(owner: bpy.types.Object, camera: Camera, settings: Settings) -> Resolved:
    """Returns near, far and field of view that settings come to for the photo of an object seen by `camera`.

    Raises Mono3DError if the photo is gone.
    """
    image: Any = image_of(owner)
    description = _description(owner)
    own = None
    if description["own_kind"]:
        values = np.frombuffer(image[_DISPARITY], np.float32).reshape(description["disparity"])
        own = DepthValues(values, description["own_kind"])
    guess = scene_guess.from_json(description.get("scene"))
    size = (camera.width, camera.height)
    return resolved(settings, size, Lens(**description["lens"]), own, guess, is_panorama=camera.is_panorama)


def write(owner: bpy.types.Object, folder: Path) -> Source:
    """Writes photo, disparity, mask, sky and normals to `folder` for the worker.

    Raises Mono3DError if the photo is gone.
    """
    image: Any = image_of(owner)
    description = _description(owner)
    texture = folder / "texture"
    texture.write_bytes(_picture(owner, image))
    disparity = np.frombuffer(image[_DISPARITY], np.float32).reshape(description["disparity"])
    np.save(folder / "disparity.npy", disparity, allow_pickle=False)
    mask = _write_cells(image, _MASK, description["mask"], folder / "mask.npy")
    holds = _write_cells(image, _HOLDS, description.get("holds"), folder / "holds.npy")
    sky = normals = ""
    # Photos stored by earlier versions have none.
    if description.get("sky"):
        sky = "sky.npy"
        found = np.frombuffer(image[_SKY], np.float32).reshape(description["sky"])
        np.save(folder / sky, found, allow_pickle=False)
    if description.get("normals"):
        # Not "normals.npy", which is the result's.
        normals = "given_normals.npy"
        steps = np.frombuffer(image[_NORMALS], np.int16).reshape(description["normals"])
        np.save(folder / normals, steps.astype(np.float32) / np.float32(_UNIT), allow_pickle=False)
    return Source(
        description["name"],
        texture.name,
        "disparity.npy",
        mask,
        description["lens"],
        description["own_kind"],
        description["is_panorama"],
        description.get("scene"),
        sky,
        holds,
        normals,
    )


def _write_cells(image: Any, name: str, shape: Sequence[int] | None, path: Path) -> str:
    """Writes cells that the image stores as bits to a file and returns the file's name; empty if it stores none."""
    if not shape:
        return ""
    bits = np.unpackbits(np.frombuffer(image[name], np.uint8), count=math.prod(shape))
    np.save(path, bits.reshape(shape).astype(bool), allow_pickle=False)
    return path.name


def _description(owner: bpy.types.Object) -> dict[str, Any]:
    try:
        return json.loads(image_of(owner)[_DESCRIPTION])
    except ValueError as error:
        raise Mono3DError(f"The photo of '{owner.name}' cannot be read: {error}.") from error


def _picture(owner: bpy.types.Object, image: Any) -> bytes:
    """Returns the content of the image file: packed, else beside the .blend file."""
    if image.packed_file is not None:
        return image.packed_file.data
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    try:
        return path.read_bytes()
    except OSError as error:
        raise Mono3DError(
            f"The photo of '{owner.name}' is gone: '{path}' cannot be read; put it there or generate again."
        ) from error
