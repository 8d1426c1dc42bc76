# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos to estimates of their depth with a model, and with less where the memory does not suffice."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.arrays import Bytes, Floats
from ..core.estimate import Estimate
from ..core.stages import Progress
from ..errors import Mono3DError
from . import devices, engine_cache, memory, resize, tiles, timings
from .engines.choice import EngineChoice, Result
from .engines.engine import is_finite
from .model import Model
from .readings import readings

_SMALLEST_SIDE = 128
"""Below this side the results of the networks are of no use."""


@dataclass(frozen=True)
class InferenceOptions:
    """How a model is run on a photo.

    network_size  side of the network's input in pixels; 0: the one it was trained with
    flip          whether to average with the result of the mirror image (test-time augmentation)
    tiles         whether to run it on overlapping tiles of a large photo too, for detail
    """

    network_size: int = 0
    flip: bool = False
    tiles: bool = False


AS_TRAINED = InferenceOptions()


@dataclass(frozen=True)
class Estimator:
    """A model on a device. Make it with `load`, and keep it: loading takes most of the time."""

    model: Model
    engines: EngineChoice
    on_processor: Callable[[], EngineChoice]
    learn: Callable[[str, float], None] = lambda device, seconds: None
    """Called with a device and the seconds that a picture of the usual size took on it."""

    @property
    def gains_by_many(self) -> bool:
        """Whether photos that run together take less time than one after the other."""
        return self.engines.device != "cpu"

    def estimate(
        self, pixels: Bytes, options: InferenceOptions = AS_TRAINED, progress: Progress = lambda words, fraction: None
    ) -> Estimate:
        """Returns the estimate of a photo; `pixels` is uint8 (h, w, 3), sRGB, upright.

        Raises Mono3DError when the weights cannot be read or are another model's, when the memory does not suffice, or
        when the result has numbers that are not finite.
        """
        return self.estimate_all([pixels], options, progress)[0]

    def estimate_all(
        self,
        photos: Sequence[Bytes],
        options: InferenceOptions = AS_TRAINED,
        progress: Progress = lambda words, fraction: None,
    ) -> list[Estimate]:
        """Returns the estimates of several photos in their order; those of one input size run as a batch."""
        sizes = [self._input_size(photo, options) for photo in photos]
        found: dict[int, Estimate] = {}
        for size in dict.fromkeys(sizes):
            alike = [number for number, other in enumerate(sizes) if other == size]
            for number, estimate in zip(
                alike, self._together([photos[n] for n in alike], options, progress), strict=True
            ):
                found[number] = estimate
        whole = [found[number] for number in range(len(photos))]
        return (
            [self._in_detail(*one, options, progress) for one in zip(photos, whole, strict=True)]
            if options.tiles
            else whole
        )

    def _input_size(self, photo: Bytes, options: InferenceOptions) -> tuple[int, int]:
        return resize.input_size(photo.shape[1], photo.shape[0], self.model, options.network_size)

    def _together(self, photos: Sequence[Bytes], options: InferenceOptions, progress: Progress) -> list[Estimate]:
        """Returns the estimates of photos of one input size: as one batch, or as smaller ones that fit the memory."""
        if len(photos) == 1:
            return [self._within_memory(photos[0], options, progress)]
        width, height = self._input_size(photos[0], options)
        if len(photos) <= self.engines.room((height, width)):
            try:
                return self._run(self.engines, photos, options, progress)
            except (RuntimeError, MemoryError) as error:
                if not memory.is_full(error):
                    raise
            self.engines.overflowed((height, width), len(photos))
        half = len(photos) // 2
        return self._together(photos[:half], options, progress) + self._together(photos[half:], options, progress)

    def _within_memory(self, photo: Bytes, options: InferenceOptions, progress: Progress) -> Estimate:
        """Returns the estimate of one photo; if memory does not suffice, on the processor, then at smaller sizes."""
        notes: list[str] = []
        for engines, smaller in self._fallbacks(options):
            width, height = self._input_size(photo, smaller)
            found = self._if_there_is_room(engines, photo, smaller, progress)
            if found is None:
                notes.append(f"The memory of the device '{engines.device}' did not suffice at {width}x{height}.")
                continue
            if notes:
                notes.append(f"'{self.model.name}' ran on '{engines.device}' at {width}x{height} instead.")
            return replace(found, notes=(*notes, *found.notes), is_reduced=smaller != options)
        raise Mono3DError(
            f"The memory of the device '{self.engines.device}' does not suffice for '{self.model.name}': "
            "choose a smaller network size or model, or another device."
        )

    def _if_there_is_room(
        self, engines: EngineChoice, photo: Bytes, options: InferenceOptions, progress: Progress
    ) -> Estimate | None:
        """Returns the estimate; None where the memory does not suffice, or did not earlier."""
        width, height = self._input_size(photo, options)
        if not engines.room((height, width)):
            return None
        try:
            return self._run(engines, [photo], options, progress)[0]
        except (RuntimeError, MemoryError) as error:
            if not memory.is_full(error):
                raise
        engines.overflowed((height, width), 1)
        return None

    def _fallbacks(self, options: InferenceOptions) -> Iterator[tuple[EngineChoice, InferenceOptions]]:
        """Yields engines and options to try: as asked, on the processor, and there at smaller sizes."""
        yield self.engines, options
        engines = self.engines
        if engines.device != "cpu":
            engines = self.on_processor()
            yield engines, options
        side = resize.side_of(self.model, options.network_size)
        while not self.model.square_only and (side := resize.multiple(side * 3 / 4, self.model)) >= _SMALLEST_SIDE:
            yield engines, replace(options, network_size=side)

    def _run(
        self, engines: EngineChoice, photos: Sequence[Bytes], options: InferenceOptions, progress: Progress
    ) -> list[Estimate]:
        width, height = self._input_size(photos[0], options)
        notes: tuple[str, ...] = ()
        if self.model.square_only and options.network_size not in (0, width):
            notes = (f"'{self.model.name}' sees every photo at {width}x{height}; another network size has no effect.",)
        pictures = np.stack([resize.picture(photo, width, height, self.model) for photo in photos])
        if options.flip:
            pictures = np.concatenate((pictures, pictures[..., ::-1]))
        result = engines.run(pictures, lambda words: progress(words, 0.0))
        self._check(result)
        if not options.network_size and result.seconds:
            self.learn(result.device, result.seconds / len(pictures))
        sizes = [(photo.shape[0], photo.shape[1]) for photo in photos]
        return [
            replace(one, engine=result.engine, notes=(*notes, *result.notes), device=result.device)
            for one in readings(result.arrays, self.model, sizes, is_mirrored=options.flip)
        ]

    def _in_detail(self, photo: Bytes, whole: Estimate, options: InferenceOptions, progress: Progress) -> Estimate:
        """Returns the estimate with the detail of tiles; all but the disparity stays that of the whole photo."""
        if whole.is_reduced:
            return replace(whole, notes=(*whole.notes, "There was no memory for fine detail."))
        parts: list[Estimate] = []
        reached = [0.0]

        def seen(part: Bytes) -> Floats:
            found = self._within_memory(part, options, lambda words, fraction: progress(words, reached[0]))
            parts.append(found)
            return found.disparity

        def advanced(words: str, fraction: float) -> None:
            reached[0] = fraction
            progress(words, fraction)

        disparity = tiles.detailed(photo, seen, whole.disparity, advanced)
        notes = dict.fromkeys((*whole.notes, *(note for part in parts for note in part.notes)))
        return replace(whole, disparity=disparity, notes=tuple(notes), is_reduced=any(x.is_reduced for x in parts))

    def _check(self, result: Result) -> None:
        if not is_finite(result.arrays).all():
            raise Mono3DError(
                f"'{self.model.name}' gave no usable depth with {result.engine} (numbers out of range): "
                "choose the device 'cpu', or other weights if that is what was used."
            )


def load(
    model: Model, weights: Path, device: str = "auto", data_folder: Path | None = None, *, is_plain: bool = False
) -> Estimator:
    """Returns `model` with its `weights` file (see `weights.find`) on a device; 'auto' takes the best one.

    Converted weights and graphs are cached in the data folder; without it a processor runs plain float32. `is_plain`
    asks for plain float32 on every device. Raises Mono3DError when the device is not available.
    """
    cache = engine_cache.cache_for(model.name, weights, data_folder) if data_folder else None

    @functools.cache
    def engines(where: str) -> EngineChoice:
        return EngineChoice(model, weights, where, cache, is_plain=is_plain)

    chosen, on_processor = engines(devices.choose(device)), lambda: engines("cpu")
    if data_folder is None:
        return Estimator(model, chosen, on_processor)
    return Estimator(model, chosen, on_processor, timings.Timer(model.name, data_folder))


Load = Callable[..., Estimator]


class EstimatorCache:
    """Keeps the network used last, so that a warm process loads nothing."""

    def __init__(self, load: Load = load) -> None:
        self._load = load
        self._key: tuple[object, ...] = ()
        self._estimator: Estimator | None = None

    def get(self, model: Model, weights: Path, device: str, data_folder: Path, *, is_plain: bool) -> Estimator:
        """Returns what `load` returns for the same arguments, once for each state of the `weights` file."""
        key = (model, weights, engine_cache.stamp(weights), device, data_folder, is_plain)
        if self._estimator is None or key != self._key:
            self._estimator = self._load(model, weights, device, data_folder, is_plain=is_plain)
            self._key = key
        return self._estimator
