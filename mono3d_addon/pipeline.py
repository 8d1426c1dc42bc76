# SPDX-License-Identifier: GPL-3.0-or-later
"""The story in one function: photo, camera, disparity, depth, surface."""

from __future__ import annotations

import contextlib
import functools
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .core.depth_map import depth_map
from .core.files import written_beside
from .core.grid import build_grid
from .core.lens import camera_of
from .core.photo import Photo, read_photo
from .core.reconstruction import Reconstruction
from .core.stages import Progress, Stages
from .depth import catalogue, threads, weights
from .depth.estimate import Estimate, Estimator, Look, load
from .depth.kept import stamp
from .errors import Mono3DError
from .settings import Settings

READING, DISPARITY, MESH, SURFACE = (
    "Reading the photo",
    "Estimating depth",
    "Building the mesh",
    "Meshing the surface",
)
_SHARES = {READING: 0.2, DISPARITY: 2.5, MESH: 1.0}
_SURFACE_SHARE = 6.0

_MOST_AHEAD = 7
"""Photos that the network sees together with one: more in one batch are hardly faster, and all lie in the memory."""

_READ_AHEAD: dict[Path, Photo] = {}

_CACHE_BYTES = 512 * 2**20
_CACHE_VERSION = 2
"""To be raised when the same photo, model and size give another disparity than before."""


@dataclass(frozen=True)
class Folders:
    """Where a reconstruction reads and leaves files.

    work  existing folder that receives the texture; belongs to this job
    data  data folder with the subfolders `weights` and `cache`
    """

    work: Path
    data: Path


def reconstruct(
    path: Path, settings: Settings, progress: Progress, folders: Folders, ahead: Sequence[Path] = ()
) -> Reconstruction:
    """Returns the reconstruction of the photo at `path`. Raises Mono3DError with a sentence for the user.

    `ahead` are photos that will come next: where the network runs faster on several, it sees some of them now.
    """
    needs_surface = settings.surface != "grid" or settings.target_triangles > 0 or settings.smooth > 0
    stages = Stages(progress, _SHARES | ({SURFACE: _SURFACE_SHARE} if needs_surface else {}))
    with stages.stage(READING):
        photo = _READ_AHEAD.pop(path, None) or read_photo(path, settings.max_pixels)
        if photo.mask is not None and not photo.mask.any():
            raise Mono3DError(f"'{path.name}' is transparent everywhere; remove its transparency.")
        texture = photo.write_texture(folders.work)
    camera = camera_of(*photo.size, math.radians(settings.field_of_view), photo.lens)
    estimate = _estimate(photo, settings, stages, folders.data, ahead)
    with stages.stage(MESH):
        depth, valid = depth_map(estimate.disparity, photo, settings)
        grid = build_grid(depth, camera, photo.pixels, settings.tear, settings.min_island / 100.0, valid)
        mesh = grid.mesh(camera)
    cloud = None
    if needs_surface:
        with stages.stage(SURFACE) as within:
            # Open3D takes half a second to import, which the grid need not wait for.
            from .surface import build

            if settings.surface == "grid":
                mesh = build.refine(mesh, camera, photo.pixels, settings, within)
            else:
                mesh, cloud = build.surface_mesh(grid, camera, photo.pixels, settings, within)
    if len(mesh.triangles) == 0:
        raise Mono3DError(f"'{path.name}' gave an empty mesh; raise 'Tear' or lower 'Smallest island'.")
    return Reconstruction(
        name=photo.name,
        photo=path,
        texture=texture,
        camera=camera,
        settings=settings,
        disparity=estimate.disparity,
        depth=depth if valid is None else np.where(valid, depth, np.float32(np.nan)),
        mesh=mesh,
        cloud=cloud,
        engine=estimate.engine,
        seconds=stages.seconds,
        notes=(*photo.notes, *estimate.notes),
    )


def _estimate(photo: Photo, settings: Settings, stages: Stages, data: Path, ahead: Sequence[Path]) -> Estimate:
    """Returns what the model tells of the photo: from the cache, else from the network."""
    model = catalogue.model_named(settings.model)
    file = weights.find(model, data, Path(settings.weights) if settings.weights else None)
    place = _cache_file(photo, file, settings, data)
    cached = _cached(place)
    if cached is not None:
        return cached
    with stages.stage(DISPARITY) as within:
        # Before torch is imported, which an engine does only where it must.
        threads.prepare()
        estimator = _estimator(model, file, stamp(file), settings.device, settings.engine, data)
        places = {place: photo}
        if estimator.gains_by_many:
            places |= {_cache_file(other, file, settings, data): other for other in _read_ahead(ahead, settings)}
        look = Look(settings.network_size, settings.flip, settings.tiles)
        estimates = estimator.estimate_all([other.pixels for other in places.values()], look, within)
        for where, estimate in zip(places, estimates, strict=True):
            if not estimate.is_reduced:
                _keep(estimate, where)
    return estimates[0]


def _read_ahead(paths: Sequence[Path], settings: Settings) -> Iterator[Photo]:
    """Yields photos that will come next, and keeps them to be read once only; bad ones wait for their turn."""
    _READ_AHEAD.clear()
    for path in paths[:_MOST_AHEAD]:
        with contextlib.suppress(Mono3DError):
            _READ_AHEAD[path] = read_photo(path, settings.max_pixels)
            yield _READ_AHEAD[path]


@functools.lru_cache(maxsize=1)
def _estimator(model: catalogue.Model, file: Path, stamp: str, device: str, engine: str, data: Path) -> Estimator:
    """Keeps the last used network ready, so that a warm worker loads nothing; another `stamp` is another file."""
    return load(model, file, device, data, is_plain=engine == "plain")


def _cache_file(photo: Photo, file: Path, settings: Settings, data: Path) -> Path:
    """Returns where the estimate of a photo with this weights file is kept: the name holds all it depends on."""
    look = f"{settings.network_size}{'f' * settings.flip}{'t' * settings.tiles}{'p' * (settings.engine == 'plain')}"
    name = f"{photo.digest[:32]}-{settings.model}-{look}-{stamp(file)}-{_CACHE_VERSION}.npz"
    return data / "cache" / "disparity" / name


def _cached(place: Path) -> Estimate | None:
    """Returns the estimate kept at `place`; None where there is none, or one that a crash cut off."""
    try:
        with np.load(place, allow_pickle=False) as stored:
            estimate = Estimate(stored["disparity"], str(stored["engine"]))
        place.touch()
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return estimate


def _keep(estimate: Estimate, place: Path) -> None:
    """Writes an estimate to the cache; a cache that cannot be written costs time the next time, not the photo."""
    with contextlib.suppress(OSError, Mono3DError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(place) as beside:
            np.savez(beside, disparity=estimate.disparity, engine=np.array(estimate.engine), allow_pickle=False)
        _prune(place.parent)


def _prune(folder: Path) -> None:
    """Removes the longest unused disparities beyond the cache's size; other workers may do so at the same time."""
    files: list[tuple[float, int, Path]] = []
    for item in folder.glob("*.np[yz]"):
        with contextlib.suppress(OSError):
            found = item.stat()
            files.append((found.st_mtime, found.st_size, item))
    total = 0
    for _, size, item in sorted(files, reverse=True):
        total += size
        if total > _CACHE_BYTES:
            item.unlink(missing_ok=True)
