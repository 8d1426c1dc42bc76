# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of what a network says about scenes: by which factor distances and lens are off, and what its deviations hold.

All logarithms are natural; a factor off is at least 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.scene_guess import Guess, SceneGuess

from .sets import FLAT, Metric

Doubles = NDArray[np.float64]
NAMES = ("near", "far", "far / near", "lens")
_DEGREES, _KIND, _NOTHING = "lens, degrees", "kind right", "–"
CONSTANT = "constants"
"""Name of a baseline: 1 m, 6 m and 55 degrees for every photo."""
LEVELS = (0.5, 0.68, 0.9)
"""Shares of pictures that the deviations of a Laplace distribution promise to lie within a range."""


class Truth(NamedTuple):
    """Near and far in metres, focal length per longer side, and kind of a picture; NaN for what is unknown."""

    near: float
    far: float
    focal: float
    kind: str | None


def constant() -> SceneGuess:
    """Returns what the add-on assumes where nothing is known."""
    return SceneGuess(Guess(1.0, 1.0), Guess(6.0, 1.0), Guess(0.5 / math.tan(math.radians(27.5)), 0.3))


def truth_of(disparity: NDArray[np.float32], metric: Metric) -> Truth:
    """Returns what is true of a picture with `disparity`, float32 (h, w), 0: sky, NaN: unknown."""
    focal = math.nan if metric.focal is None else metric.focal
    seen = disparity[disparity > 0.0]
    if metric.inverse_metres is None or metric.kind == FLAT or not seen.size:
        return Truth(math.nan, math.nan, focal, metric.kind)
    least, largest = np.percentile(seen, (1.0, 99.0)) * metric.inverse_metres
    return Truth(float(1.0 / largest), float(1.0 / least), focal, metric.kind)


def errors(guesses: Sequence[SceneGuess], truths: Sequence[Truth]) -> Mapping[str, Doubles]:
    """Returns the errors of logarithms by quantity, float64 (n,) each, NaN where something is unknown."""
    rows = []
    for guess, truth in zip(guesses, truths, strict=True):
        pairs = ((guess.near, truth.near), (guess.far, truth.far), (guess.focal, truth.focal))
        near, far, focal = (
            math.nan if one is None or not math.isfinite(known) else math.log(one.value / known) for one, known in pairs
        )
        rows.append((near, far, far - near, focal))
    return dict(zip(NAMES, np.array(rows, np.float64).reshape(-1, len(NAMES)).T, strict=True))


def degrees_off(guesses: Sequence[SceneGuess], truths: Sequence[Truth]) -> Doubles:
    """Returns the errors of the field of view along the longer side in degrees, float64 (n,)."""

    def angle(focal: float) -> float:
        return math.degrees(2.0 * math.atan(0.5 / focal))

    return np.array(
        [
            math.nan if guess.focal is None else abs(angle(guess.focal.value) - angle(truth.focal))
            for guess, truth in zip(guesses, truths, strict=True)
        ]
    )


def reliability(guesses: Sequence[SceneGuess], truths: Sequence[Truth]) -> Mapping[str, tuple[float, ...]]:
    """Returns, by quantity, the share of pictures whose error lies within what the deviation promises at LEVELS."""
    found = {}
    away = errors(guesses, truths)
    for name, of in (("near", "near"), ("far", "far"), ("lens", "focal")):
        deviations = np.array([math.nan if (one := getattr(g, of)) is None else one.deviation for g in guesses])
        share = np.abs(away[name]) / deviations
        known = share[np.isfinite(share)]
        # Laplace's distribution with standard deviation s: |error| < -ln(1 - level) s / sqrt 2 for a share `level`.
        found[name] = tuple(
            float((known < -math.log(1.0 - level) / math.sqrt(2.0)).mean()) if known.size else math.nan
            for level in LEVELS
        )
    return found


def table(by_model: Mapping[str, Sequence[SceneGuess]], truths: Sequence[Truth]) -> str:
    """Returns a Markdown table of factors off, median (90 %), and of the kinds that are right.

    What is not known of any picture has no column.
    """
    rows = {model: _cells(guesses, truths) for model, guesses in by_model.items()}
    names = [name for name in (*NAMES, _DEGREES, _KIND) if any(cells[name] != _NOTHING for cells in rows.values())]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {model} | " + " | ".join(cells[name] for name in names) + " |" for model, cells in rows.items()]
    return "\n".join(lines)


def _cells(guesses: Sequence[SceneGuess], truths: Sequence[Truth]) -> dict[str, str]:
    away = errors(guesses, truths)
    cells = {name: _spread(np.exp(np.abs(away[name])), 2) for name in NAMES}
    cells[_DEGREES] = _spread(degrees_off(guesses, truths), 1)
    named = [(guess.kinds, truth.kind) for guess, truth in zip(guesses, truths, strict=True) if truth.kind]
    right = [max(kinds, key=kinds.__getitem__) == kind for kinds, kind in named if kinds]
    cells[_KIND] = f"{np.mean(right):.0%}" if right else _NOTHING
    return cells


def reliability_table(by_model: Mapping[str, Sequence[SceneGuess]], truths: Sequence[Truth]) -> str:
    """Returns a Markdown table of how many pictures lie within what the deviations promise; NaN has no row."""
    lines = ["| | " + " | ".join(f"{level:.0%}" for level in LEVELS) + " |", "|---" * (len(LEVELS) + 1) + "|"]
    for model, guesses in by_model.items():
        for name, shares in reliability(guesses, truths).items():
            if all(map(math.isnan, shares)):
                continue
            lines.append(f"| {model}: {name} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
    return "\n".join(lines)


def _spread(values: Doubles, digits: int) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return _NOTHING
    # The standard error of a median, by that of a normal distribution.
    error = 1.2533 * known.std(ddof=1) / math.sqrt(known.size) if known.size > 1 else math.nan
    middle, most = np.percentile(known, (50.0, 90.0))
    return f"{middle:.{digits}f} ± {error:.{digits}f} ({most:.{digits}f})"
