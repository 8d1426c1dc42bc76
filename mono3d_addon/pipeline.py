# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo to its reconstruction: photo, depth, mesh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import depth_source
from .core.arrays import Floats
from .core.estimate import Estimate
from .core.mesh.normal_map import write_normal_map
from .core.photo.hand_over import NOTHING, HandedOver
from .core.photo.mask import masked
from .core.photo.panorama import is_panorama
from .core.photo.photo import Photo
from .core.photo.straighten import straightened
from .core.reconstruction import Reconstruction, photo_key
from .core.stages import ESTIMATING, Progress, Stages
from .depth.disparity_cache import DisparityCache
from .errors import Mono3DError
from .reshape import Reshaped, Reshaper, make_reshaper, shares_of
from .session import Session
from .settings import Settings
from .surface import requirements

READING, DISPARITY = "Reading the photo", ESTIMATING
_SHARES = {READING: 0.2, DISPARITY: 2.5}


@dataclass(frozen=True)
class Folders:
    """Where a reconstruction writes files.

    work             existing folder that receives the textures; belongs to this job
    disparity_cache  folder for the disparities of this job instead of the session's
    """

    work: Path
    disparity_cache: Path | None = None


def reconstruct(
    path: Path,
    settings: Settings,
    progress: Progress,
    session: Session,
    folders: Folders,
    next_photos: Sequence[Path] = (),
    *,
    handed: HandedOver = NOTHING,
    keep: bool = False,
    key: str = "",
) -> Reconstruction:
    """Returns the reconstruction of the photo at `path`. Raises Mono3DError with a sentence for the user.

    `next_photos` are those that come next: a network that is faster on several photos runs on some of them too.
    `handed` has the pixels of files that are not decoded here.
    With `keep` the photo stays in the session, so that it can be reshaped: as `key`, else by its own key.
    """
    stages = Stages(progress, _SHARES | shares_of(settings))
    with stages.stage(READING):
        photo = _read(path, settings, session, handed)
        is_all_around = is_panorama(photo, settings.projection)
        cache = DisparityCache(folders.disparity_cache or session.disparity_folder)
        source = depth_source.source_of(photo, settings, session, cache, next_photos, handed, is_panorama=is_all_around)
        if not is_all_around:
            requirements.require(settings)
        texture = photo.write_texture(folders.work, keep_metadata=settings.keep_metadata)
    estimate = source(stages)
    reshaper = make_reshaper(photo, estimate, is_panorama=is_all_around)
    if keep:
        session.reshapers.put(key or _key(photo, estimate), reshaper)
    reshaped = reshaper.reshape(settings, stages, handed)
    notes = (*photo.notes, *estimate.notes)
    return assembled(reshaper, reshaped, settings, texture, folders.work, estimate.engine, stages.seconds, notes)


def estimate_depth(
    path: Path, settings: Settings, progress: Progress, session: Session, handed: HandedOver = NOTHING
) -> tuple[Floats, Floats]:
    """Returns disparity and depth of the photo at `path` as `Reconstruction` describes them, without a mesh.

    `handed` has the pixels of files that are not decoded here. Raises Mono3DError with a sentence for the user.
    """
    stages = Stages(progress, _SHARES)
    with stages.stage(READING):
        photo = _read(path, settings, session, handed)
        is_all_around = is_panorama(photo, settings.projection)
        cache = DisparityCache(session.disparity_folder)
        source = depth_source.source_of(photo, settings, session, cache, handed=handed, is_panorama=is_all_around)
    reshaper = make_reshaper(photo, source(stages), is_panorama=is_all_around)
    return reshaper.disparity, reshaper.depth(settings, handed)


def assembled(
    reshaper: Reshaper,
    reshaped: Reshaped,
    settings: Settings,
    texture: Path,
    folder: Path,
    engine: str,
    seconds: Mapping[str, float],
    photo_notes: tuple[str, ...],
) -> Reconstruction:
    """Returns the reconstruction of a photo with one of its meshes; `folder` receives the textures of the mesh."""
    photo = reshaper.photo
    return Reconstruction(
        name=photo.name,
        photo=photo.path,
        texture=texture,
        camera=reshaped.camera,
        settings=settings,
        disparity=reshaper.disparity,
        depth=reshaped.depth,
        mesh=reshaped.mesh,
        cloud=reshaped.cloud,
        background=None if reshaped.background is None else reshaped.background.mesh,
        background_texture=None if reshaped.background is None else reshaped.background.write_texture(folder),
        mask=photo.mask,
        lens=photo.lens,
        own=reshaper.own,
        scene=reshaper.scene,
        sky=reshaper.sky,
        holds=reshaper.holds,
        normals=reshaper.normals,
        replaced=reshaped.replaced if settings.build_as == "nodes" else None,
        engine=engine,
        seconds=seconds,
        notes=(*photo_notes, *reshaped.notes),
        normal_map=None if reshaped.normal_map is None else write_normal_map(reshaped.normal_map, folder),
        photo_notes=photo_notes,
        photo_digest=photo.digest,
        pixels=photo.pixels,
        background_pixels=None if reshaped.background is None else reshaped.background.texture,
    )


def _read(path: Path, settings: Settings, session: Session, handed: HandedOver) -> Photo:
    photo = straightened(session.read_ahead.photo(path, settings.max_pixels, handed), settings)
    if photo.mask is not None and not photo.mask.any():
        raise Mono3DError(f"'{path.name}' is transparent everywhere; remove its transparency.")
    # Report a mask that cannot be used before the network runs.
    masked(photo, settings.mask, settings.max_pixels, handed)
    return photo


def _key(photo: Photo, estimate: Estimate) -> str:
    return photo_key(photo.digest, estimate.disparity, photo.mask, photo.lens, estimate.values)
