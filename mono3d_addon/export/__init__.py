# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a reconstruction in each format but Blender's own, which needs Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from .camera_file import write_camera
from .depth_image import write_exr, write_npy, write_png16
from .files import Staging
from .gltf import write_glb
from .obj import write_obj
from .ply import write_cloud, write_ply
from .stl import write_stl
from .vtp import write_vtp


@dataclass(frozen=True)
class Format:
    """How one format is written: what follows the photo's name in a file name, and the function that writes it."""

    ending: str
    write: Callable[[Reconstruction, Path, Staging], None]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "glb": Format(".glb", write_glb),
        "ply": Format(".ply", write_ply),
        "obj": Format(".obj", write_obj),
        "stl": Format(".stl", write_stl),
        "cloud": Format("_cloud.ply", write_cloud),
        "vtp": Format(".vtp", write_vtp),
        "npy": Format("_depth.npy", write_npy),
        "png16": Format("_depth.png", write_png16),
        "exr": Format("_depth.exr", write_exr),
        "camera": Format("_camera.json", write_camera),
    }
)
"""Every format of `settings.FORMATS` but 'blend'; a test holds the two together."""


def write(result: Reconstruction, format: str, path: Path) -> tuple[Path, ...]:
    """Writes `result` as `format` to `path`, in an existing folder, and returns all files written, `path` first.

    All of a format's files appear whole and together, or none; what was there before stays when writing fails.
    Raises Mono3DError when the format is unknown, a library is missing or the folder does not take the files.
    """
    if format not in FORMATS:
        raise Mono3DError(f"There is no format '{format}'; choose one of {', '.join(FORMATS)}.")
    try:
        with Staging() as staging:
            FORMATS[format].write(result, path, staging)
            return staging.commit()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mono3DError(
            f"{path.name} cannot be written to {path.parent} ({reason}); check the folder and its free space."
        ) from error
