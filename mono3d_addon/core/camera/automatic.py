# SPDX-License-Identifier: GPL-3.0-or-later
"""Near, far and field of view where the user leaves them automatic: weighs guesses against what is usual.

The user's value comes first, then the file's, then what a network measures, then a network's guess weighed against the
usual values of such scenes.
All are positive quantities whose errors are factors, so they are weighed as normal distributions of their logarithms:
a guess counts by the inverse of its variance. A guess without certainty changes nothing, a certain one decides.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from ...settings import LEAST_FAR, LEAST_NEAR, Settings
from ..scene_guess import Guess, Measures, SceneGuess
from .camera import DEFAULT_FIELD_OF_VIEW
from .usual_scenes import ANY, KINDS, Usual

Source = Literal["set by you", "from the file", "estimated", "typical"]
BY_USER: Source = "set by you"
BY_FILE: Source = "from the file"
ESTIMATED: Source = "estimated"
TYPICAL: Source = "typical"

_LARGEST_NEAR, _LARGEST_FAR = 100_000.0, 1_000_000.0
"""Metres: the bounds of the settings."""
_DEEP, _DEEPER = 6.0, 0.3
"""Far / near up to which an estimate is used as it is, and the deviation that weighs larger ones against it."""
LEAST_RATIO = 1.05
"""Smallest far / near that guesses and usual values may give, of a wall seen from the front."""
_ROUGH = 0.2
"""Deviation from which a value is called rough: a factor of about 1.2 either way."""
_SHARED = 0.7
"""Share of the smaller variance that the errors of a guessed near and far have in common: a network is less certain of
a scene's size than of its proportions."""
_CERTAIN, _UNCERTAIN = 1e-6, 1e6
"""Smallest deviation, and one that says nothing."""
_PLAUSIBLE_ANGLES = (math.radians(1.0), math.radians(160.0))


_MEASURED, _MEASURED_FOCAL = 0.12, 0.08
"""Deviations of what a network measures: as published, distances are wrong by a tenth and angles by a few degrees."""
FOCAL_DEVIATION = 0.4
"""Deviation of the focal lengths of photos without lens data, from phones' main cameras to portrait lenses."""
USUAL_FOCAL = 0.5 / math.tan(0.5 * DEFAULT_FIELD_OF_VIEW)
"""Focal length relative to the longer side that is assumed where nothing is known."""


@dataclass(frozen=True)
class Value:
    """A quantity that the program decided on.

    value      metres, or radians for a field of view
    source     where it comes from
    deviation  standard deviation of its natural logarithm (for a field of view: of the focal length's); 0 where it is
               known
    """

    value: float
    source: Source
    deviation: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether the user or the file tells it."""
        return self.source in (BY_USER, BY_FILE)

    @property
    def is_rough(self) -> bool:
        """Whether it may be wrong by more than a fifth."""
        return self.deviation > _ROUGH


@dataclass(frozen=True)
class Resolved:
    """The distances and the field of view of a reconstruction, each with its source.

    near, far      metres: where the network's nearest and farthest parts lie
    field_of_view  radians across the photo's longer side
    """

    near: Value
    far: Value
    field_of_view: Value

    def applied_to(self, settings: Settings) -> Settings:
        """Returns the settings with these distances in numbers; the field of view stays as it is."""
        return dataclasses.replace(settings, near=self.near.value, far=self.far.value)

    def pinned_to(self, settings: Settings) -> Settings:
        """Returns the settings with all in numbers, which give the same result without any guess.

        The field of view stays automatic where the photo tells it: its metadata tell the lens axis too.
        """
        angle = 0.0 if self.field_of_view.source == BY_FILE else float(f"{math.degrees(self.field_of_view.value):.9g}")
        return dataclasses.replace(self.applied_to(settings), field_of_view=angle)

    def decided_by_user(self, settings: Settings, names: Collection[str]) -> Resolved:
        """Returns the values with those of `names` replaced by the user's in `settings`."""
        chosen = {"near": settings.near, "far": settings.far, "field_of_view": math.radians(settings.field_of_view)}
        changes = {name: Value(value, BY_USER) for name, value in chosen.items() if name in names}
        return dataclasses.replace(self, **changes)

    def wishes(self, settings: Settings) -> Settings:
        """Returns the settings with those that the user did not set automatic."""
        return dataclasses.replace(
            settings,
            near=settings.near if self.near.source == BY_USER else 0.0,
            far=settings.far if self.far.source == BY_USER else 0.0,
            field_of_view=settings.field_of_view if self.field_of_view.source == BY_USER else 0.0,
        )

    @property
    def distance_words(self) -> str:
        """Near and far with their source, for the user: "estimated 0.4 to 0.9 m (rough)"."""
        near, far = self.near, self.far
        if near.source == far.source:
            span = f"{_metres(near)} to {_metres(far)} m"
            is_rough = near.is_rough or far.is_rough
            return f"{span}, {near.source}" if near.is_known else f"{near.source} {span}{_rough(is_rough)}"
        return f"near {_words(near)}, far {_words(far)}"

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for the user where near or far had to be guessed."""
        if not self.is_guess:
            return ()
        is_typical = TYPICAL in (self.near.source, self.far.source)
        advice = "; set 'Near' and 'Far' if you know them" if is_typical else ""
        return (f"Distances: {self.distance_words}{advice}.",)

    @property
    def is_guess(self) -> bool:
        """Whether near or far had to be guessed."""
        return not (self.near.is_known and self.far.is_known)

    def to_json(self) -> str:
        """Returns the values as one JSON object, with the words for guessed distances, which panels show."""
        return json.dumps(dataclasses.asdict(self) | {"guess": self.distance_words if self.is_guess else ""})

    @classmethod
    def from_json(cls, text: str) -> Resolved:
        """Returns the values stored by `to_json`. Raises Mono3DError if the text is not valid."""
        try:
            stored = json.loads(text)
            return cls(*(Value(**stored[name]) for name in ("near", "far", "field_of_view")))
        except (ValueError, KeyError, TypeError) as error:
            raise Mono3DError(f"The stored distances cannot be read: {error}.") from error


@dataclass(frozen=True)
class FromFile:
    """What the photo or its depth map tells; 0 where it tells nothing.

    near, far      metres, 1st and 99th percentile of a depth map in metres
    field_of_view  radians across the photo's longer side
    """

    near: float = 0.0
    far: float = 0.0
    field_of_view: float = 0.0


def resolve(settings: Settings, scene: SceneGuess | None = None, file: FromFile | None = None) -> Resolved:
    """Returns near, far and field of view for settings of which any may be 0, automatic.

    Where the user sets only one of near and far, the other follows by the ratio that was found.
    """
    scene, file = scene or SceneGuess(), file or FromFile()
    field_of_view = _field_of_view(settings, scene, file)
    return Resolved(*_distances(settings, scene, file, field_of_view), field_of_view)


def _distances(settings: Settings, scene: SceneGuess, file: FromFile, field_of_view: Value) -> tuple[Value, Value]:
    if settings.near and settings.far:
        return Value(settings.near, BY_USER), Value(settings.far, BY_USER)
    if file.near > 0.0 and file.far > 0.0 and not settings.near and not settings.far:
        return _ordered(Value(file.near, BY_FILE), Value(file.far, BY_FILE))
    if file.near > 0.0 and file.far > 0.0:
        ratio = Value(max(file.far / file.near, LEAST_RATIO), BY_FILE)
        near = far = ratio
    else:
        near, far, ratio = _guessed(scene)
        if scene.measures is not None:
            near, far, ratio = _measured(scene.measures, near, field_of_view)
    if settings.near:
        return _ordered(Value(settings.near, BY_USER), dataclasses.replace(ratio, value=settings.near * ratio.value))
    if settings.far:
        return _ordered(dataclasses.replace(ratio, value=settings.far / ratio.value), Value(settings.far, BY_USER))
    return _ordered(near, far)


def _ordered(near: Value, far: Value) -> tuple[Value, Value]:
    """Returns both within the bounds of the settings, and far behind near; a value of the user's stays."""
    if near.source != BY_USER:
        near = dataclasses.replace(near, value=min(max(near.value, LEAST_NEAR), _LARGEST_NEAR))
    if far.source == BY_USER:
        return dataclasses.replace(near, value=min(near.value, far.value / LEAST_RATIO)), far
    least = max(LEAST_FAR, near.value * LEAST_RATIO)
    return near, dataclasses.replace(far, value=min(max(far.value, least), _LARGEST_FAR))


def _measured(measures: Measures, guess: Value, field_of_view: Value) -> tuple[Value, Value, Value]:
    """Returns near, far and far / near as measured; where the unit is unknown, near is the `guess`."""
    near = Value(measures.near, ESTIMATED, _MEASURED)
    if measures.unit == "unknown":
        near = guess
    elif measures.unit == "metres by focal length":
        focal = 0.5 / math.tan(0.5 * field_of_view.value)
        near = Value(measures.near * focal, ESTIMATED, math.hypot(_MEASURED, field_of_view.deviation))
    far = dataclasses.replace(near, value=near.value * measures.ratio)
    return near, far, Value(measures.ratio, ESTIMATED, _MEASURED)


def _guessed(scene: SceneGuess) -> tuple[Value, Value, Value]:
    """Returns near, far and far / near from the guesses and the usual values of such scenes.

    With a = ln near and b = ln far, the usual values say that a and b - a are normal and independent. The guesses are
    measurements of a and b whose errors share a part. Both together are solved as one step of a Kalman filter: a guess
    of one of them moves the other too, as far as their usual ratio demands.
    """
    usual = _usual(scene.kinds)
    near, ratio = usual.near_deviation**2, usual.ratio_deviation**2
    mean = math.log(usual.near) + np.array([0.0, math.log(usual.ratio)])
    spread = np.array([[near, near], [near, near + ratio]])
    guesses, deviations = np.array([_log_of(scene.near, mean[0]), _log_of(scene.far, mean[1])]).T
    errors = np.diag(deviations**2)
    errors[0, 1] = errors[1, 0] = _SHARED * deviations.min() ** 2
    gain = spread @ np.linalg.inv(spread + errors)
    found = mean + gain @ (guesses - mean)
    left = spread - gain @ spread
    ratio_left = left[0, 0] + left[1, 1] - left[0, 1] - left[1, 0]
    used = _restrained(found, left)
    moved = used - found
    of_ratio = _judged(used[1] - used[0], ratio_left, ratio, moved[1] - moved[0])
    return (
        _judged(used[0], left[0, 0], spread[0, 0], moved[0]),
        _judged(used[1], left[1, 1], spread[1, 1], moved[1]),
        dataclasses.replace(of_ratio, value=max(of_ratio.value, LEAST_RATIO)),
    )


def _restrained(found: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithms of near and far, float64 (2,), with the covariance `left`, less far from each other.

    An error of the disparity, as a fraction of its range, is an error of far of (far / near - 1) times that fraction:
    a street that is estimated far too deep falls apart as soon as the camera moves. So a ratio beyond `_DEEP` is
    weighed against it; the less certain distance moves more.
    """
    excess = found[1] - found[0] - math.log(_DEEP)
    if excess <= 0.0:
        return found
    towards = np.array([-1.0, 1.0])
    covariances = left @ towards
    return np.asarray(found - covariances * (excess / (towards @ covariances + _DEEPER**2)))


def _judged(logarithm: float, variance: float, usual_variance: float, moved: float = 0.0) -> Value:
    """Returns the value; it counts as estimated where guesses have at least halved the usual variance.

    `moved` is how far the logarithm was moved away from the most likely one.
    """
    source = ESTIMATED if variance <= 0.5 * usual_variance else TYPICAL
    # Nine digits, so that 1 m times 3 is 3 m.
    value = float(f"{math.exp(min(max(logarithm, -50.0), 50.0)):.9g}")
    return Value(value, source, math.sqrt(max(variance, 0.0) + moved**2))


def _usual(kinds: Mapping[str, float]) -> Usual:
    """Returns the usual values of a scene whose kind is known with these probabilities.

    That is the mean of all kinds and the spread of their mixture. The less certain the kind is (by the entropy of the
    probabilities), the more any scene's values count: many kinds at once are no street of medium depth.
    """
    known = {name: share for name, share in kinds.items() if name in KINDS and share > 0.0 and math.isfinite(share)}
    total = sum(known.values())
    if total <= 0.0:
        return ANY
    known = {name: share / total for name, share in known.items()}
    unsure = -sum(share * math.log(share) for share in known.values()) / math.log(len(KINDS))
    parts = [(share * (1.0 - unsure), KINDS[name]) for name, share in known.items()] + [(unsure, ANY)]
    near, near_deviation = _mixture([(share, one.near, one.near_deviation) for share, one in parts])
    ratio, ratio_deviation = _mixture([(share, one.ratio, one.ratio_deviation) for share, one in parts])
    return Usual(near, near_deviation, ratio, ratio_deviation)


def _mixture(parts: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Returns value and deviation of a mixture of (share, value, deviation), by the moments of the logarithms."""
    mean = sum(share * math.log(value) for share, value, _ in parts)
    variance = sum(share * (deviation**2 + (math.log(value) - mean) ** 2) for share, value, deviation in parts)
    return math.exp(mean), math.sqrt(variance)


def _field_of_view(settings: Settings, scene: SceneGuess, file: FromFile) -> Value:
    if settings.field_of_view:
        return Value(math.radians(settings.field_of_view), BY_USER)
    if file.field_of_view > 0.0:
        return Value(file.field_of_view, BY_FILE)
    if scene.measures is not None and scene.measures.focal > 0.0:
        return Value(_plausible(2.0 * math.atan(0.5 / scene.measures.focal)), ESTIMATED, _MEASURED_FOCAL)
    usual = math.log(USUAL_FOCAL)
    guess, deviation = _log_of(scene.focal, usual)
    if deviation >= _UNCERTAIN:
        return Value(DEFAULT_FIELD_OF_VIEW, TYPICAL, FOCAL_DEVIATION)
    gain = FOCAL_DEVIATION**2 / (FOCAL_DEVIATION**2 + deviation**2)
    focal = _judged(usual + gain * (guess - usual), gain * deviation**2, FOCAL_DEVIATION**2)
    return dataclasses.replace(focal, value=_plausible(2.0 * math.atan(0.5 / focal.value)))


def _plausible(angle: float) -> float:
    low, high = _PLAUSIBLE_ANGLES
    return min(max(angle, low), high)


def _log_of(guess: Guess | None, usual: float) -> tuple[float, float]:
    """Returns the logarithm of a guess and its deviation; no guess counts as the usual one, without weight."""
    if guess is None or not (math.isfinite(guess.value) and guess.value > 0.0) or not guess.deviation < _UNCERTAIN:
        return usual, _UNCERTAIN
    return math.log(guess.value), max(guess.deviation, _CERTAIN)


def angle_words(angle: Value) -> str:
    """Returns a field of view that neither the user nor the file tells: "estimated 48 degrees (rough)"."""
    degrees = math.degrees(angle.value)
    return (
        f"estimated {degrees:.0f} degrees{_rough(angle.is_rough)}"
        if angle.source == ESTIMATED
        else (f"assumed {degrees:.0f} degrees")
    )


def _words(one: Value) -> str:
    return (
        f"{_metres(one)} m, {one.source}{_rough(one.is_rough)}"
        if one.is_known
        else (f"{one.source} {_metres(one)} m{_rough(one.is_rough)}")
    )


def _rough(is_rough: bool) -> str:
    return " (rough)" if is_rough else ""


def _metres(one: Value) -> str:
    """Returns metres with as many digits as the value deserves."""
    if one.source == BY_USER:
        # A slider leaves all digits of a float; a typed number has few.
        return f"{one.value:,.0f}" if one.value >= 1000.0 else f"{one.value:.4g}"
    text = f"{one.value:.{3 if one.is_known else 2}g}"
    return f"{float(text):,.0f}" if "e" in text else text
