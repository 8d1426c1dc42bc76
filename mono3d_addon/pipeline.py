# SPDX-License-Identifier: GPL-3.0-or-later
"""The story in one function: photo, camera, disparity, depth, surface."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .core.arrays import Bytes, Floats
from .core.files import atomic_write
from .core.maps.own_depth import own_disparity
from .core.mesh.normal_map import write_normal_map
from .core.photo.mask import masked
from .core.photo.panorama import is_panorama
from .core.photo.photo import Photo, read_photo
from .core.reconstruction import Reconstruction, photo_key
from .core.stages import ESTIMATING, Progress, Stages
from .depth import catalogue, panorama, threads, weights
from .depth.engine_cache import cache_for, stamp
from .depth.estimate import Estimate, Estimator, InferenceOptions, load
from .depth_source import OwnDepth, own_depth
from .errors import Mono3DError
from .reshape import KEPT, Reshaped, Reshaper, shares_of
from .settings import Settings

READING, DISPARITY = "Reading the photo", ESTIMATING
_SHARES = {READING: 0.2, DISPARITY: 2.5}

_MOST_PIXELS_AHEAD = 100_000_000


@dataclass
class _Ahead:
    """What is known of photos that will come next: read, by their paths, and estimated, by where that is kept."""

    photos: dict[Path, Photo] = field(default_factory=dict)
    estimates: dict[Path, Estimate] = field(default_factory=dict)


_AHEAD = _Ahead()

_CACHE_BYTES = 512 * 2**20
_CACHE_VERSION = 3
"""To be raised when the same photo, model and size give another disparity than before."""


@dataclass(frozen=True)
class Folders:
    """Where a reconstruction reads and leaves files.

    work       existing folder that receives the texture; belongs to this job
    data       data folder with the subfolders `weights` and `cache`
    estimates  folder in which disparities are kept for another time; None: in the cache
    """

    work: Path
    data: Path
    estimates: Path | None = None

    @property
    def kept(self) -> Path:
        """The folder with disparities of earlier photos."""
        return self.estimates or self.data / "cache" / "disparity"


def reconstruct(
    path: Path,
    settings: Settings,
    progress: Progress,
    folders: Folders,
    ahead: Sequence[Path] = (),
    *,
    keep: bool = False,
    key: str = "",
) -> Reconstruction:
    """Returns the reconstruction of the photo at `path`. Raises Mono3DError with a sentence for the user.

    `ahead` are photos that will come next: where the network runs faster on several, it sees some of them now.
    With `keep` the photo stays in memory to be shaped again (see `reshape`): as `key`, else by its own key.
    """
    stages = Stages(progress, _SHARES | shares_of(settings))
    with stages.stage(READING):
        photo = _read(path, settings)
        own = own_depth(photo, settings)
        texture = photo.write_texture(folders.work)
    reshaper, estimate = _seen(photo, own, settings, stages, folders, ahead)
    if keep:
        KEPT.put(key or photo_key(photo.digest, estimate.disparity, photo.mask, photo.lens, reshaper.own), reshaper)
    shape = reshaper.reshape(settings, stages)
    notes = (*photo.notes, *estimate.notes)
    return assembled(reshaper, shape, settings, texture, folders.work, estimate.engine, stages.seconds, notes)


def assembled(
    reshaper: Reshaper,
    shape: Reshaped,
    settings: Settings,
    texture: Path,
    folder: Path,
    engine: str,
    seconds: Mapping[str, float],
    photo_notes: tuple[str, ...],
) -> Reconstruction:
    """Returns what was found out about a photo and one shape of it as a whole; `folder` receives further textures."""
    photo = reshaper.photo
    return Reconstruction(
        name=photo.name,
        photo=photo.path,
        texture=texture,
        camera=shape.camera,
        settings=settings,
        disparity=reshaper.disparity,
        depth=shape.depth,
        mesh=shape.mesh,
        cloud=shape.cloud,
        background=None if shape.background is None else shape.background.mesh,
        background_texture=None if shape.background is None else shape.background.write_texture(folder),
        mask=photo.mask,
        lens=photo.lens,
        own=reshaper.own,
        engine=engine,
        seconds=seconds,
        notes=(*photo_notes, *shape.notes),
        normal_map=None if shape.normal_map is None else write_normal_map(shape.normal_map, folder),
        photo_notes=photo_notes,
        photo_digest=photo.digest,
    )


def _read(path: Path, settings: Settings) -> Photo:
    photo = _AHEAD.photos.pop(path, None) or read_photo(path, settings.max_pixels)
    if photo.mask is not None and not photo.mask.any():
        raise Mono3DError(f"'{path.name}' is transparent everywhere; remove its transparency.")
    # A mask that cannot be used is to be told before the network runs.
    masked(photo, settings.mask, settings.max_pixels)
    return photo


def _seen(
    photo: Photo, own: OwnDepth | None, settings: Settings, stages: Stages, folders: Folders, ahead: Sequence[Path]
) -> tuple[Reshaper, Estimate]:
    """Returns what shapes the photo, and what the network or the user's own map tells of it."""
    is_all_around = is_panorama(photo, settings.projection)
    if own is None:
        estimate = _estimate(photo, settings, stages, folders, ahead, is_all_around=is_all_around)
        return Reshaper(photo, estimate.disparity, is_panorama=is_all_around), estimate
    estimate = Estimate(own_disparity(own.values), own.source, own.notes)
    return Reshaper(photo, estimate.disparity, own.values, is_panorama=is_all_around), estimate


def estimate_depth(path: Path, settings: Settings, progress: Progress, data: Path) -> tuple[Floats, Floats]:
    """Returns the disparity and the depth of the photo at `path` as `Reconstruction` describes them, without a mesh.

    `data` is the data folder. Raises Mono3DError with a sentence for the user.
    """
    stages = Stages(progress, _SHARES)
    with stages.stage(READING):
        photo = _read(path, settings)
        own = own_depth(photo, settings)
    reshaper = _seen(photo, own, settings, stages, Folders(work=data, data=data), ())[0]
    return reshaper.disparity, reshaper.depth(settings)


def _estimate(
    photo: Photo, settings: Settings, stages: Stages, folders: Folders, ahead: Sequence[Path], *, is_all_around: bool
) -> Estimate:
    """Returns what the model tells of the photo: from the cache, else from the network."""
    model = catalogue.model_named(settings.model)
    data = folders.data
    file = weights.find(model, data, Path(settings.weights) if settings.weights else None)
    place = _cache_file(photo, file, settings, folders, is_panorama=is_all_around)
    known = _AHEAD.estimates.pop(place, None) or _cached(place)
    if known is not None:
        return _told_of_device(known, settings.device)
    with stages.stage(DISPARITY) as within:
        # Before torch is imported, which an engine does only where it must.
        threads.prepare()
        estimator = _estimator(model, file, stamp(file), settings.device, settings.engine, data)
        options = InferenceOptions(settings.network_size, settings.flip, settings.tiles)
        if is_all_around:
            estimate = _all_around(photo, estimator, options, within)
            if not estimate.is_reduced:
                _keep(estimate, place)
            return estimate
        others = _read_ahead(ahead, settings, file, folders) if estimator.gains_by_many else {}
        others.pop(place, None)
        try:
            first, *rest = estimator.estimate_all([photo.pixels, *others.values()], options, within)
        except Mono3DError:
            if not others:
                raise
            # One of the others may be to blame; it is told so in its turn.
            first, rest = estimator.estimate(photo.pixels, options, within), []
        _AHEAD.estimates = dict(zip(others, rest, strict=False))
        for where, estimate in ((place, first), *_AHEAD.estimates.items()):
            if not estimate.is_reduced:
                _keep(estimate, where)
    return first


def _told_of_device(known: Estimate, device: str) -> Estimate:
    """Returns an earlier estimate; a note says so where it was made on another device than is asked for now."""
    if device == "auto" or f" on {device}" in known.engine:
        return known
    note = f"The depth is known from an earlier time, by {known.engine}; the device '{device}' was not used."
    return dataclasses.replace(known, notes=(*known.notes, note))


def _all_around(photo: Photo, estimator: Estimator, options: InferenceOptions, progress: Progress) -> Estimate:
    """Returns the estimate of a panorama from ordinary views of it; its disparity is inverse distance."""
    # The views are small parts of it already.
    options = dataclasses.replace(options, tiles=False)
    seen: list[Estimate] = []

    def network(views: Sequence[Bytes]) -> list[Floats]:
        if estimator.gains_by_many:
            seen.extend(estimator.estimate_all(views, options, progress))
            return [estimate.disparity for estimate in seen]
        for number, view in enumerate(views):
            progress(f"view {number + 1} of {len(views)}", number / len(views))
            seen.append(estimator.estimate(view, options))
        return [estimate.disparity for estimate in seen]

    disparity = panorama.disparity_of(photo.pixels, network, options.network_size)
    notes = tuple(dict.fromkeys(note for estimate in seen for note in estimate.notes))
    return Estimate(disparity, seen[0].engine, notes, any(estimate.is_reduced for estimate in seen))


def _read_ahead(paths: Sequence[Path], settings: Settings, file: Path, folders: Folders) -> dict[Path, Bytes]:
    """Returns pixels of photos that will come next and are not known, by where their estimates are kept.

    The photos are kept too, so that each is read once, up to so many pixels together; bad ones wait for their turn.
    """
    found: dict[Path, Bytes] = {}
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
        place = _cache_file(photo, file, settings, folders)
        if not place.is_file():
            found[place] = photo.pixels
    return found


@functools.lru_cache(maxsize=1)
def _estimator(model: catalogue.Model, file: Path, stamp: str, device: str, engine: str, data: Path) -> Estimator:
    """Keeps the last used network ready, so that a warm worker loads nothing; another `stamp` is another file."""
    return load(model, file, device, data, is_plain=engine == "plain")


def _cache_file(photo: Photo, file: Path, settings: Settings, folders: Folders, *, is_panorama: bool = False) -> Path:
    """Returns where the estimate of a photo with this weights file is kept: the name holds all it depends on."""
    key = f"{settings.network_size}{'f' * settings.flip}{'t' * settings.tiles}{'p' * (settings.engine == 'plain')}"
    key += "a" * is_panorama
    name = f"{photo.digest[:32]}-{key}-{cache_for(settings.model, file, folders.data).folder.name}-{_CACHE_VERSION}.npz"
    return folders.kept / name


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
        with atomic_write(place) as beside:
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
