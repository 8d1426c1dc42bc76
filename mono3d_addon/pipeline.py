# SPDX-License-Identifier: GPL-3.0-or-later
"""The story in one function: photo, camera, disparity, depth, surface."""

from __future__ import annotations

import contextlib
import functools
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .core.depth_map import depth_map
from .core.files import written_beside
from .core.grid import build_grid
from .core.lens import camera_of
from .core.mesh import Floats
from .core.photo import Photo, read_photo
from .core.reconstruction import Reconstruction
from .core.stages import ESTIMATING, Progress, Stages
from .depth import catalogue, threads, weights
from .depth.estimate import Estimate, Estimator, Look, Pixels, load
from .depth.kept import kept_for, stamp
from .errors import Mono3DError
from .settings import Settings

READING, DISPARITY, MESH, SURFACE = (
    "Reading the photo",
    ESTIMATING,
    "Building the mesh",
    "Meshing the surface",
)
_SHARES = {READING: 0.2, DISPARITY: 2.5, MESH: 1.0}
_SURFACE_SHARE = 6.0

_MOST_PIXELS_AHEAD = 100_000_000


@dataclass
class _Ahead:
    """What is known of photos that will come next: read, by their paths, and estimated, by where that is kept."""

    photos: dict[Path, Photo] = field(default_factory=dict)
    estimates: dict[Path, Estimate] = field(default_factory=dict)


_AHEAD = _Ahead()

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
        photo = _AHEAD.photos.pop(path, None) or read_photo(path, settings.max_pixels)
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


def estimate_depth(path: Path, settings: Settings, progress: Progress, data: Path) -> tuple[Floats, Floats]:
    """Returns the disparity and the depth of the photo at `path` as `Reconstruction` describes them, without a mesh.

    `data` is the data folder. Raises Mono3DError with a sentence for the user.
    """
    stages = Stages(progress, _SHARES)
    with stages.stage(READING):
        photo = read_photo(path, settings.max_pixels)
    estimate = _estimate(photo, settings, stages, data, ())
    depth, valid = depth_map(estimate.disparity, photo, settings)
    return estimate.disparity, depth if valid is None else np.where(valid, depth, np.float32(np.nan))


def _estimate(photo: Photo, settings: Settings, stages: Stages, data: Path, ahead: Sequence[Path]) -> Estimate:
    """Returns what the model tells of the photo: from the cache, else from the network."""
    model = catalogue.model_named(settings.model)
    file = weights.find(model, data, Path(settings.weights) if settings.weights else None)
    place = _cache_file(photo, file, settings, data)
    known = _AHEAD.estimates.pop(place, None) or _cached(place)
    if known is not None:
        return known
    with stages.stage(DISPARITY) as within:
        # Before torch is imported, which an engine does only where it must.
        threads.prepare()
        estimator = _estimator(model, file, stamp(file), settings.device, settings.engine, data)
        look = Look(settings.network_size, settings.flip, settings.tiles)
        others = _read_ahead(ahead, settings, file, data) if estimator.gains_by_many else {}
        others.pop(place, None)
        try:
            first, *rest = estimator.estimate_all([photo.pixels, *others.values()], look, within)
        except Mono3DError:
            if not others:
                raise
            # One of the others may be to blame; it is told so in its turn.
            first, rest = estimator.estimate(photo.pixels, look, within), []
        _AHEAD.estimates = dict(zip(others, rest, strict=False))
        for where, estimate in ((place, first), *_AHEAD.estimates.items()):
            if not estimate.is_reduced:
                _keep(estimate, where)
    return first


def _read_ahead(paths: Sequence[Path], settings: Settings, file: Path, data: Path) -> dict[Path, Pixels]:
    """Returns pixels of photos that will come next and are not known, by where their estimates are kept.

    The photos are kept too, so that each is read once, up to so many pixels together; bad ones wait for their turn.
    """
    found: dict[Path, Pixels] = {}
    _AHEAD.photos = {}
    room = _MOST_PIXELS_AHEAD
    for path in paths:
        try:
            photo = read_photo(path, settings.max_pixels)
        # Whatever is wrong with it is told when it comes.
        except Exception:
            continue
        room -= photo.pixels[..., 0].size
        if room < 0:
            break
        _AHEAD.photos[path] = photo
        place = _cache_file(photo, file, settings, data)
        if not place.is_file():
            found[place] = photo.pixels
    return found


@functools.lru_cache(maxsize=1)
def _estimator(model: catalogue.Model, file: Path, stamp: str, device: str, engine: str, data: Path) -> Estimator:
    """Keeps the last used network ready, so that a warm worker loads nothing; another `stamp` is another file."""
    return load(model, file, device, data, is_plain=engine == "plain")


def _cache_file(photo: Photo, file: Path, settings: Settings, data: Path) -> Path:
    """Returns where the estimate of a photo with this weights file is kept: the name holds all it depends on."""
    look = f"{settings.network_size}{'f' * settings.flip}{'t' * settings.tiles}{'p' * (settings.engine == 'plain')}"
    name = f"{photo.digest[:32]}-{look}-{kept_for(settings.model, file, data).folder.name}-{_CACHE_VERSION}.npz"
    return data / "cache" / "disparity" / name


def _cached(place: Path) -> Estimate | None:
    """Returns the estimate kept at `place`; None where there is none, or one that a crash cut off."""
    try:
        with np.load(place, allow_pickle=False) as stored:
            estimate = Estimate(stored["disparity"], str(stored["engine"]), tuple(map(str, stored["notes"])))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    with contextlib.suppress(OSError):
        place.touch()
    return estimate


def _keep(estimate: Estimate, place: Path) -> None:
    """Writes an estimate to the cache; a cache that cannot be written costs time the next time, not the photo."""
    with contextlib.suppress(OSError, Mono3DError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(place) as beside:
            words = {"engine": np.array(estimate.engine), "notes": np.array(estimate.notes, dtype=np.str_)}
            np.savez(beside, disparity=estimate.disparity, allow_pickle=False, **words)
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
