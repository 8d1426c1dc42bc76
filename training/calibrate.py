# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrates what a network says of distances and lens on scenes that it was not trained on.

`python3 -m training.calibrate --model own.safetensors --metric SET --out calibrated.safetensors`

A network that has seen some thousand scenes is too sure of itself: on other scenes its estimates scatter too widely
around the mean, and its deviations are too small. A line for each logarithm, fitted by least squares, and a factor for
each deviation set both right. They go into the last layer, so that the network is as fast as before.

With `--lens SET`, the factor for the deviation of the lens comes from photos whose file tells the lens. The line does
not: some dozen photos, a quarter of them through telephoto lenses, are too few for two numbers.

With `--photos SET`, pictures of flat pictures become as rare among these photos as they are among photos. Renders of
posters and paintings show photos, so a network takes much of what only photos show for a flat picture.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.depth.scene_vector import KINDS, QUANTITIES

from . import comparison, models, scene_report, sets

LEVEL = 0.68
"""Share of the scenes whose error a deviation is to hold, as Laplace's distribution with it does."""
SMALLEST_SLOPE, LARGEST_SLOPE = 0.2, 1.2
FLAT_SHARE = 0.01
"""Share of photos that show a flat picture."""
FEWEST, FEWEST_PHOTOS = 20, 10
"""Smallest numbers of scenes for a line, and of photos for the factor of a deviation."""
LENS = "focal"
"""The one of QUANTITIES that photos tell too."""
_WEIGHT, _BIAS = "heads.scene.last.weight", "heads.scene.last.bias"

Doubles = NDArray[np.float64]


class Seen(NamedTuple):
    """What a network says of scenes, and what is true of them."""

    guesses: Sequence[SceneGuess]
    truths: Sequence[scene_report.Truth]


class Line(NamedTuple):
    """What to make of a logarithm x, slope x + shift, and of its deviation, times `factor`."""

    slope: float
    shift: float
    factor: float


def line(said: Doubles, deviations: Doubles, true: Doubles) -> Line:
    """Returns the line for the logarithms that were `said` and their `deviations`, all float64 (n,)."""
    apart = said - said.mean()
    steepness = float((apart * true).sum()) / max(float((apart * apart).sum()), 1e-12)
    slope = min(max(steepness, SMALLEST_SLOPE), LARGEST_SLOPE)
    shift = float(np.median(true - slope * said))
    return Line(slope, shift, factor(slope * said + shift, deviations, true))


def factor(said: Doubles, deviations: Doubles, true: Doubles) -> float:
    """Returns the factor for deviations that makes them hold for a share LEVEL of the errors, all float64 (n,)."""
    away = np.abs(said - true) / deviations
    return float(np.quantile(away, LEVEL)) / (-math.log(1.0 - LEVEL) / math.sqrt(2.0))


def lines(scenes: Seen, photos: Seen | None = None) -> dict[str, Line]:
    """Returns the line of each of QUANTITIES for scenes; the deviation of the lens is that for the photos, if given.

    Raises ValueError if a quantity is known of fewer than FEWEST scenes, or the lens of fewer than FEWEST_PHOTOS.
    """
    found = {name: line(*_known(scenes, name, FEWEST)) for name in QUANTITIES}
    if photos is not None:
        slope, shift, _ = found[LENS]
        said, deviations, true = _known(photos, LENS, FEWEST_PHOTOS)
        found[LENS] = Line(slope, shift, factor(slope * said + shift, deviations, true))
    return found


def _known(seen: Seen, name: str, fewest: int) -> tuple[Doubles, Doubles, Doubles]:
    """Returns the logarithms of a quantity that were said, their deviations, and the true ones, where it is known."""
    found: list[Guess | None] = [getattr(guess, name) for guess in seen.guesses]
    said = np.array([math.nan if one is None else math.log(one.value) for one in found])
    deviations = np.array([math.nan if one is None else one.deviation for one in found])
    true = np.log([getattr(truth, name) for truth in seen.truths])
    known = np.isfinite(said) & np.isfinite(true)
    if known.sum() < fewest:
        raise ValueError(f"{known.sum()} pictures are too few for a fit: name a set with {fewest} or more.")
    return said[known], deviations[known], true[known]


def flat_shift(shares: Doubles) -> float:
    """Returns what to add to the logarithm for flat pictures, so that the mean of their `shares` becomes FLAT_SHARE.

    `shares` is float64 (n,), the probabilities of photos; 0 if their mean is no larger.
    """
    odds = shares / np.maximum(1.0 - shares, 1e-9)
    least, most = -20.0, 0.0
    if shares.mean() <= FLAT_SHARE:
        return 0.0
    for _ in range(50):
        middle = 0.5 * (least + most)
        moved = odds * math.exp(middle)
        least, most = (least, middle) if (moved / (1.0 + moved)).mean() > FLAT_SHARE else (middle, most)
    return least


def calibrated(tensors: dict[str, Tensor], found: dict[str, Line], flat: float = 0.0) -> dict[str, Tensor]:
    """Returns the tensors of a file with the lines and the shift for flat pictures in the last layer of the head."""
    weight, bias = tensors[_WEIGHT].float().clone(), tensors[_BIAS].float().clone()
    for number, name in enumerate(QUANTITIES):
        slope, shift, times = found[name]
        weight[number] *= slope
        bias[number] = slope * bias[number] + shift
        bias[len(QUANTITIES) + number] += math.log(times)
    bias[2 * len(QUANTITIES) + KINDS.index(sets.FLAT)] += flat
    return {**tensors, _WEIGHT: weight.half(), _BIAS: bias.half()}


def main() -> None:
    """Reads the command line and writes the file."""
    parser = argparse.ArgumentParser(prog="python3 -m training.calibrate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="weights file that training.export wrote")
    parser.add_argument("--metric", type=Path, nargs="+", required=True, help="scenes not used in training")
    parser.add_argument(
        "--every-other", action="store_true", help="use every other scene and photo; the rest is for scores"
    )
    parser.add_argument("--lens", type=Path, nargs="+", default=[], help="photos with a known lens, for its deviation")
    parser.add_argument("--photos", nargs="+", type=Path, default=[], help="sets of photos, hardly any of them flat")
    parser.add_argument("--out", type=Path, required=True, help="the new weights file")
    options = parser.parse_args()
    network = models.load(options.model)

    def seen(cases: Sequence[comparison.Case]) -> Seen:
        guesses, truths = models.said({"": network}, sets.halves(cases)[0] if options.every_other else cases)
        return Seen(guesses[""], truths)

    try:
        found = lines(
            seen(comparison.scenes(options.metric)),
            seen(comparison.lenses(options.lens)) if options.lens else None,
        )
    except ValueError as error:
        parser.error(str(error))
    for name, (slope, shift, times) in found.items():
        print(f"{name}: slope {slope:.2f}, shift {shift:+.2f}, deviation times {times:.2f}")
    said = [
        models.scene(network, np.asarray(example.picture()))
        for example in tqdm(sets.read(options.photos), unit="photo")
    ]
    shares = np.array([one.kinds[sets.FLAT] for one in said if one is not None])
    flat = flat_shift(shares) if shares.size else 0.0
    print(f"flat: {shares.mean() if shares.size else math.nan:.1%} of the photos, shift {flat:+.2f}")
    save_file(calibrated(load_file(options.model), found, flat), options.out)


if __name__ == "__main__":
    main()
