# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of output formats. A new format is one module in `export`, one row here and its name in `settings.FORMATS`.

It imports nothing heavy: the command line reads it on a bare Python, and the web server's process has no numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

from . import settings
from .environment import SCENE, VTP


@dataclass(frozen=True)
class Format:
    """One output format.

    ending      suffix of the file name after the photo's name, such as "_depth.npy"
    writer      "module.function" in the package `export`; empty for .blend files, which Blender writes
    label       text for the web page
    media_type  MIME type of the download
    needs       component (see `environment`) that must be installed; empty for none beyond the worker's packages
    archive     suffix of the download where the format has several files, which are sent as one zip; else empty
    extra       top-level module of the extra (see `core.extras`) that the writer imports; empty for none
    compresses  whether the writer takes one of `settings.COMPRESS`
    """

    ending: str
    writer: str
    label: str
    media_type: str
    needs: str = ""
    archive: str = ""
    extra: str = ""
    compresses: bool = False

    @property
    def files(self) -> str:
        """What its files are called in a sentence, such as "EXR files"."""
        return f"{self.label.partition(':')[0]} files"


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "glb": Format(
            ".glb",
            "gltf.write_glb",
            "GLB: mesh with texture and camera, for viewers and engines",
            "model/gltf-binary",
            compresses=True,
        ),
        "usdz": Format(
            ".usdz",
            "usdz.write_usdz",
            "USDZ: mesh with texture and camera, for AR and film tools",
            "model/vnd.usdz+zip",
        ),
        "ply": Format(".ply", "ply.write_ply", "PLY: mesh with colours", "application/octet-stream"),
        "obj": Format(
            ".obj", "obj.write_obj", "OBJ: mesh, material and texture in a zip", "application/zip", archive="_obj.zip"
        ),
        "stl": Format(".stl", "stl.write_stl", "STL: bare mesh, for printing", "model/stl"),
        "vtp": Format(
            ".vtp", "vtp.write_vtp", "VTP: mesh for ParaView and VTK", "application/xml", VTP, extra="pyvista"
        ),
        "cloud": Format("_cloud.ply", "ply.write_cloud", "PLY: point cloud", "application/octet-stream"),
        "npy": Format(
            "_depth.npy", "depth_image.write_npy", "NPY: depth in metres, for NumPy", "application/octet-stream"
        ),
        "png16": Format("_depth.png", "depth_image.write_png16", "PNG: depth in 16 bits", "image/png"),
        "exr": Format("_depth.exr", "depth_image.write_exr", "EXR: depth in metres", "image/x-exr"),
        "normals": Format("_normals.png", "normals.write_normals", "PNG: normals in 16 bits", "image/png"),
        "normals_exr": Format("_normals.exr", "normals.write_normals_exr", "EXR: normals, -1 to 1", "image/x-exr"),
        "camera": Format("_camera.json", "camera_file.write_camera", "JSON: camera", "application/json"),
        "blend": Format(".blend", "", "BLEND: scene for Blender", "application/x-blender", SCENE),
    }
)
"""Every format of `settings.FORMATS`, in the order of the web page. A test compares the two."""

PREVIEWS: Mapping[str, Format] = MappingProxyType(
    {
        "picture": Format("_preview.png", "preview.write_preview", "PNG: preview", "image/png"),
        "turntable": Format(
            "_turntable.webp", "preview.write_turntable", "WebP: preview that moves", "image/webp", extra="PIL"
        ),
    }
)
"""What `settings.PREVIEWS` adds to a run, besides the formats; each includes those before it."""


def previews_of(choice: str) -> tuple[str, ...]:
    """Returns the names in `PREVIEWS` that a choice of `settings.PREVIEWS` asks for."""
    names = tuple(PREVIEWS)
    return names[: names.index(choice) + 1] if choice in names else ()


def by_suffix() -> dict[str, str]:
    """Returns the format that each file suffix asks for: the first one of `settings.FORMATS` that has it."""
    found: dict[str, str] = {}
    for name in settings.FORMATS:
        found.setdefault(PurePath(f"photo{FORMATS[name].ending}").suffix, name)
    return found
