# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of a photo or panorama by a model: from the cache, else by running the network."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..core.camera.field_of_view import angle_of, photo_camera
from ..core.estimate import Estimate
from ..core.photo.hand_over import NOTHING, HandedOver
from ..core.photo.photo import Photo
from ..core.photo.straighten import straightened
from ..core.stages import ESTIMATING, Progress, Stages
from ..errors import Mono3DError
from ..settings import Settings
from . import catalogue, engine_cache, panorama, threads, weights
from .disparity_cache import DisparityCache
from .engines.choice import is_bare, require_packages
from .estimator import Estimator, EstimatorCache, InferenceOptions
from .read_ahead import ReadAhead
from .readings import through_lens


@dataclass(frozen=True)
class NetworkSource:
    """Estimates photos with the model and the options that `settings` name.

    data_folder  has the weights, and what is made of them
    cache        estimates of earlier photos
    estimators   keeps the network loaded
    read_ahead   receives what is found out about the photos that come next
    next_photos  their paths: where the network is faster on several photos, it runs on some of them too
    handed       pixels of those that are not decoded here
    """

    settings: Settings
    data_folder: Path
    cache: DisparityCache
    estimators: EstimatorCache
    read_ahead: ReadAhead
    next_photos: Sequence[Path] = ()
    handed: HandedOver = NOTHING
    mark: ClassVar[str] = ""

    def estimate(self, photo: Photo, stages: Stages) -> Estimate:
        """Returns the depth of a photo; `stages` must know `ESTIMATING`.

        Raises Mono3DError when the weights are missing or wrong, when the model needs packages that are not installed,
        and as `Estimator.estimate` does.
        """
        settings = self.settings
        model = catalogue.model_named(settings.model)
        # Before weights are asked for, which would have to be downloaded in vain.
        require_packages(model)
        file = weights.find(model, self.data_folder, Path(settings.weights) if settings.weights else None)
        key = self._key(photo, file)
        known = self.read_ahead.estimates.pop(key, None) or self.cache.get(key)
        if known is not None:
            return self._seen(photo, _with_device_note(known, settings.device))
        with stages.stage(ESTIMATING) as within:
            # Before torch is imported, which an engine does only where it must.
            threads.prepare()
            estimator = self.estimators.get(
                model, file, settings.device, self.data_folder, is_plain=settings.engine == "plain"
            )
            return self._seen(photo, self._run(photo, file, estimator, within))

    def _seen(self, photo: Photo, estimate: Estimate) -> Estimate:
        """Returns the estimate of a photo for its lens, where the user or the file tells the field of view."""
        angle = math.radians(self.settings.field_of_view) or angle_of(photo.size, photo.lens)
        if not angle:
            return estimate
        return through_lens(estimate, 0.5 / math.tan(0.5 * angle), photo.size[0] / photo.size[1])

    def _key(self, photo: Photo, file: Path) -> str:
        """Returns a name of all that the estimate of a photo with this weights file depends on."""
        settings = self.settings
        options = f"{settings.network_size}{'f' * settings.flip}{'t' * self._has_tiles}"
        # Estimates without packages have no detail of tiles. Neither kind may stand in for the other: a photo looks the
        # same before an installation and after a removal, and better after an installation.
        options += f"{'p' * (settings.engine == 'plain')}{'n' * is_bare()}{self.mark}"
        cache = engine_cache.cache_for(settings.model, file, self.data_folder)
        return f"{photo.digest[:32]}-{options}-{cache.folder.name}"

    def _run(self, photo: Photo, file: Path, estimator: Estimator, progress: Progress) -> Estimate:
        """Returns the estimate of a photo; those of the next photos, where they ran with it, go into `read_ahead`."""
        key = self._key(photo, file)
        others = self._others(file, key) if estimator.gains_by_many else {}
        options = self._options()
        try:
            first, *rest = estimator.estimate_all(
                [photo.pixels, *(other.pixels for other in others.values())], options, progress
            )
        except Mono3DError:
            if not others:
                raise
            # One of the others may be the cause; that is reported in its turn.
            first, rest = estimator.estimate(photo.pixels, options, progress), []
        self.read_ahead.estimates = dict(zip(others, rest, strict=False))
        for name, estimate in ((key, first), *self.read_ahead.estimates.items()):
            self._store(name, estimate)
        return first

    def _others(self, file: Path, key: str) -> dict[str, Photo]:
        """Returns the next photos that are not estimated yet, by their keys; `key` is that of the present one."""
        self.read_ahead.fill(self.next_photos, self.settings.max_pixels, self.handed)
        photos = (straightened(photo, self.settings) for photo in self.read_ahead.photos.values())
        found = {self._key(photo, file): photo for photo in photos}
        return {name: photo for name, photo in found.items() if name != key and name not in self.cache}

    @property
    def _has_tiles(self) -> bool:
        """Whether the network runs on tiles too; automatically where a fast engine runs a quick model.

        numpy is no fast engine: it takes seconds for all tiles.
        """
        settings = self.settings
        if settings.tiles == "auto":
            is_quick = catalogue.model_named(settings.model).is_quick
            return is_quick and settings.engine == "auto" and not is_bare()
        return settings.tiles == "on"

    def _options(self) -> InferenceOptions:
        return InferenceOptions(self.settings.network_size, self.settings.flip, self._has_tiles)

    def _store(self, key: str, estimate: Estimate) -> None:
        # With more memory the next time, a reduced one would be a pity.
        if not estimate.is_reduced:
            self.cache.put(key, estimate)


class PanoramaSource(NetworkSource):
    """Estimates photos of all directions from ordinary views of them."""

    mark: ClassVar[str] = "a"

    def _seen(self, photo: Photo, estimate: Estimate) -> Estimate:
        return estimate

    def _run(self, photo: Photo, file: Path, estimator: Estimator, progress: Progress) -> Estimate:
        part = photo_camera(photo.size, photo.lens, self.settings, is_panorama=True).sphere_part
        # The views are small parts of the panorama already.
        options = dataclasses.replace(self._options(), tiles=False)
        estimate = panorama.estimate(photo.pixels, part, estimator, options, progress)
        self._store(self._key(photo, file), estimate)
        return estimate


def _with_device_note(known: Estimate, device: str) -> Estimate:
    """Returns an earlier estimate, with a note where it was made on another device than the one asked for now."""
    if device in ("auto", known.device):
        return known
    note = f"The depth comes from the cache, made by {known.engine}; the device '{device}' was not used."
    return dataclasses.replace(known, notes=(*known.notes, note))
