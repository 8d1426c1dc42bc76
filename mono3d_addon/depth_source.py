# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of a photo's depth: a depth map of the user's, one inside the photo, or a network.

Beside it, straight edges of the photo tell its lens where the file does not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from .core.camera.field_of_view import angle_of
from .core.camera.vanishing_points import lens_of_lines
from .core.estimate import Estimate, estimate_from
from .core.maps.depth_file import as_metres, read_array, read_bytes, read_handed, read_pfm, read_picture, unusable
from .core.maps.depth_values import DepthValues, Kind
from .core.maps.embedded_depth import read_embedded
from .core.photo.companions import DEPTH_MAP, companion
from .core.photo.hand_over import NOTHING, HandedOver, needs_hand_over
from .core.photo.photo import Photo
from .core.photo.tiff_tags import is_tiff
from .core.scene_guess import Guess, SceneGuess
from .core.side_by_side import both
from .core.stages import Stages
from .depth.disparity_cache import DisparityCache
from .depth.network_source import NetworkSource, PanoramaSource
from .errors import Mono3DError
from .session import Session
from .settings import Settings

_ASPECT = 1.05
"""Aspect ratios that differ by more than this factor get a note."""


Source = Callable[[Stages], Estimate]
"""Returns the depth of a photo. A network runs in the stage `ESTIMATING`, which the stages must know."""


def source_of(
    photo: Photo,
    settings: Settings,
    session: Session,
    cache: DisparityCache,
    next_photos: Sequence[Path] = (),
    handed: HandedOver = NOTHING,
    *,
    is_panorama: bool,
) -> Source:
    """Returns the source that `settings` choose for the depth of a photo. A depth map is read here.

    `cache` and `next_photos` are for a network, see `NetworkSource`. `handed` has the pixels of files that are not
    decoded here.
    Raises Mono3DError when the depth map is missing or cannot be read.
    """
    source: Source
    if settings.depth_file:
        source = _known(depth_from_file(photo, settings, handed))
    elif settings.embedded_depth:
        source = _known(depth_inside(photo, settings))
    else:
        kind = PanoramaSource if is_panorama else NetworkSource
        network = kind(
            settings, session.data_folder, cache, session.estimators, session.read_ahead, next_photos, handed
        )
        source = partial(network.estimate, photo)
    if is_panorama or angle_of(photo.size, photo.lens) > 0.0:
        return source
    return lambda stages: _with_lens(*both(lambda: source(stages), lambda: lens_of_lines(photo.pixels)))


def _known(estimate: Estimate) -> Source:
    return lambda stages: estimate


def _with_lens(estimate: Estimate, lens: Guess | None) -> Estimate:
    """Returns an estimate with what the photo's straight edges say of the lens; one that a network measures stays."""
    scene = estimate.scene or SceneGuess()
    if lens is None or (scene.measures is not None and scene.measures.focal > 0.0):
        return estimate
    focal = lens if scene.focal is None else scene.focal.with_other(lens)
    return dataclasses.replace(estimate, scene=dataclasses.replace(scene, focal=focal))


def depth_from_file(photo: Photo, settings: Settings, handed: HandedOver = NOTHING) -> Estimate:
    """Returns the depth of a photo from the file, or the folder of files, in `settings.depth_file`.

    Raises Mono3DError when it is missing or cannot be read.
    """
    path = companion(settings.depth_file, photo.path, *DEPTH_MAP)
    found = read_depth(path, settings.max_pixels, _kind_of(settings), handed)
    return _estimate(found, f"'{path.name}'", photo, settings)


def depth_inside(photo: Photo, settings: Settings) -> Estimate:
    """Returns the depth map that a phone stored in the photo. Raises Mono3DError when there is none."""
    return _estimate(read_embedded(photo.path, settings.max_pixels), "inside the photo", photo, settings)


def _estimate(found: DepthValues, name: str, photo: Photo, settings: Settings) -> Estimate:
    values = as_metres(found)
    if problem := unusable(found, values):
        raise Mono3DError(f"The depth {name} {problem}")
    notes = [_note(found.kind, name, is_guess=settings.depth_kind == "auto")]
    rows, columns = values.values.shape
    stretch = columns / rows * photo.size[1] / photo.size[0]
    if not 1.0 / _ASPECT < stretch < _ASPECT:
        notes.append(
            f"The depth map has other proportions ({columns} x {rows}) than the photo and was stretched over it."
        )
    return estimate_from(values, name.strip("'"), tuple(notes))


def read_depth(path: Path, max_pixels: float, kind: Kind | None = None, handed: HandedOver = NOTHING) -> DepthValues:
    """Returns the depth map at `path`; `kind` is the meaning of its values, None: as the file states it.

    `handed` has the pixels of files that are not decoded here. The format is recognised by the content. Raises
    Mono3DError when it cannot be read.
    """
    start = read_bytes(path, 8)
    is_exr = start.startswith(b"\x76\x2f\x31\x01")
    values = handed.values(path) if (is_exr or is_tiff(start)) and needs_hand_over(path) else None
    if values is not None:
        found = read_handed(values, path, max_pixels, "metres" if is_exr else "disparity")
    elif start.startswith(b"\x93NUMPY"):
        found = read_array(path, max_pixels)
    elif start.startswith((b"Pf", b"PF")):
        found = read_pfm(path, max_pixels)
    elif is_exr:
        # Imported here: few depth maps are EXR files.
        from .core.maps.exr_file import read_exr

        found = read_exr(path, max_pixels)
    elif start.startswith(b"\x89PNG") or is_tiff(start):
        found = read_picture(path, max_pixels, raw=kind in ("disparity", "millimetres"))
    else:
        raise Mono3DError(f"'{path.name}' is no depth map that can be read; use PNG, TIFF, EXR, NPY or PFM.")
    return found if kind is None else dataclasses.replace(found, kind=kind)


def _kind_of(settings: Settings) -> Kind | None:
    kinds: dict[str, Kind] = {"disparity": "disparity", "metres": "metres", "millimetres": "millimetres"}
    return kinds.get(settings.depth_kind)


def _note(kind: Kind, name: str, *, is_guess: bool) -> str:
    if kind == "disparity":
        note = f"The depth {name} is disparity, near = large; near and far give it its scale."
    else:
        note = f"The depth {name} is in {kind}; near and far have no effect."
    return f"{note} If that is wrong, set 'Depth values'." if is_guess else note
