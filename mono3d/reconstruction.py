# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python gets of a photo: arrays, files, objects of other libraries, and a picture for notebooks."""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import math
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mono3d_addon import environment, export
from mono3d_addon.core import reconstruction
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.claimed_folder import ClaimedFolder
from mono3d_addon.core.mesh.mesh import Mesh, joined
from mono3d_addon.core.user_path import user_path
from mono3d_addon.errors import Mono3DError
from mono3d_addon.formats import FORMATS, PREVIEWS
from mono3d_addon.run.outputs import BY_ENDING
from mono3d_addon.run.photos import PhotoTask
from mono3d_addon.run.placement import PARTIAL, STAGING, move_into_place, photo_keys, prepare
from mono3d_addon.run.scenes import RunnerSceneWriter
from mono3d_addon.run.target import Target
from mono3d_addon.settings import Settings
from mono3d_addon.worker.local import LocalRunners

from . import conversions
from .keywords import Compress, Format

if TYPE_CHECKING:
    import open3d
    import pyvista
    import trimesh

_PREVIEW = "picture"


class Reconstruction:
    """The result of one photo; `reconstruct` and `Worker.reconstruct` return it.

    Arrays are read-only and memory-mapped from temporary files, which are removed with this object.
    """

    def __init__(self, result: reconstruction.Reconstruction, folder: ClaimedFolder, runners: LocalRunners) -> None:
        self._result = result
        self._folder = folder
        self._runners = runners
        weakref.finalize(self, folder.remove)

    @property
    def name(self) -> str:
        """The photo's file name without its ending."""
        return self._result.name

    @property
    def photo(self) -> Path:
        """The photo's path."""
        return self._result.photo

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The surface and, behind it, what *Fill* continues, in the camera frame: x right, y down, z forward, metres.

        `camera.project(mesh.vertices)` are pixels of the photo. `Mesh` describes the arrays.
        """
        background = self._result.background
        return self._result.mesh if background is None else joined(self._result.mesh, background)

    @property
    def depth(self) -> NDArray[np.float32]:
        """Depth in metres along the camera's axis (of a panorama: distance), float32 (rows, columns); NaN: masked."""
        return np.asarray(self._result.depth)

    @property
    def disparity(self) -> NDArray[np.float32]:
        """Relative inverse depth as the network gave it, near is large, float32 (h, w) at the network's size."""
        return np.asarray(self._result.disparity)

    @property
    def camera(self) -> Camera:
        """The camera of the upright photo: intrinsics in pixels, where they come from, and its pose."""
        return self._result.camera

    @property
    def settings(self) -> Settings:
        """The settings it was made with."""
        return self._result.settings

    @property
    def near(self) -> float:
        """Distance to the nearest parts at depth strength 1, metres."""
        return self._result.resolved.near.value

    @property
    def far(self) -> float:
        """Distance to the farthest parts at depth strength 1, metres."""
        return self._result.resolved.far.value

    @property
    def engine(self) -> str:
        """What ran the network."""
        return self._result.engine

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is special about this result."""
        return self._result.notes

    def save(
        self, path: str | os.PathLike[str], format: Format | None = None, *, compress: Compress = "none"
    ) -> tuple[Path, ...]:
        """Writes a file, replacing one of that name, and returns all paths written, `path` first.

        The ending chooses the format, such as .glb, .ply or .blend, unless `format` names it. The folder is created if
        it is missing. `compress` is for GLB: 'quantize', 'meshopt' or 'draco' make smaller files (docs/formats.md).
        Raises Mono3DError, and leaves what was there, when the ending is unknown, the file would replace the photo, a
        package is missing, or it cannot be written.
        """
        target = user_path(os.fspath(path)).absolute()
        form = format or BY_ENDING.get(target.suffix.lower())
        if form is None:
            raise Mono3DError(f"'{target.name}' cannot be written: supported endings are {' '.join(BY_ENDING)}.")
        prepare(Target(target.parent, (form,), target.name))
        staging = ClaimedFolder(STAGING, PARTIAL, target.parent)
        try:
            self._write(form, staging.path / target.name, compress)
            files = move_into_place(staging.path, target.parent, photo_keys([PhotoTask(self.photo, self.name)]))
        except OSError as error:
            raise Mono3DError(f"'{target.name}' cannot be written ({error.strerror or error}).") from error
        finally:
            staging.remove()
        return tuple(sorted(files, key=lambda file: file.name != target.name))

    def _write(self, form: str, path: Path, compress: str) -> None:
        row = FORMATS.get(form) or PREVIEWS.get(form)
        if row is not None and row.needs:
            environment.require_available(row.needs, self._runners.data_folder)
        if row is not None and not row.writer:
            with contextlib.closing(RunnerSceneWriter(self._runners.for_scenes())) as scenes:
                scenes.write(self._folder.path, path)
        elif row is not None and row.extra:
            # Its package belongs into a worker, not into this process.
            runner = self._runners.for_photos("python-export")
            try:
                request = {"task": "export", "folder": str(self._folder.path), "format": form, "path": str(path)}
                runner.submit(request).wait()
            finally:
                runner.stop()
        else:
            export.write(self._result, form, path, compress)

    def to_open3d(self) -> open3d.geometry.TriangleMesh:
        """Returns an Open3D mesh with vertex colours and normals; z is up, as in a .ply file."""
        return conversions.to_open3d(self._result.scene_whole)

    def to_trimesh(self) -> trimesh.Trimesh:
        """Returns a trimesh mesh with vertex colours and normals; y is up, as in a .glb file."""
        return conversions.to_trimesh(self._result.scene_whole)

    def to_pyvista(self) -> pyvista.PolyData:
        """Returns a PyVista mesh with the point arrays `RGB` and `Normals`; z is up, as in a .vtp file."""
        return conversions.to_pyvista(self._result.scene_whole)

    def __repr__(self) -> str:
        return f"<mono3d.Reconstruction of {self.photo.name}: {self._facts()}>"

    def _repr_png_(self) -> bytes:
        return self._preview

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self._preview).decode("ascii")
        text = html.escape(f"{self.photo.name}: {self._facts()}")
        return (
            f'<figure style="margin: 0"><img alt="Preview of the mesh" style="max-width: 100%" '
            f'src="data:image/png;base64,{picture}"><figcaption>{text}</figcaption></figure>'
        )

    def _facts(self) -> str:
        counts = self._result.counts()
        angle = math.degrees(self.camera.field_of_view)
        return (
            f"{counts['vertices']:,} vertices, {counts['triangles']:,} triangles, "
            f"{self.near:.3g} to {self.far:.3g} m, {angle:.0f}\N{DEGREE SIGN} field of view"
        )

    @functools.cached_property
    def _preview(self) -> bytes:
        (path,) = export.write(self._result, _PREVIEW, self._folder.path / "preview.png")
        return path.read_bytes()
