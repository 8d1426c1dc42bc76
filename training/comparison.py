# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing predictors on the same pictures: pictures, scores and result table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from . import boundaries, geometry_scores, scores, sets

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Predictor = Callable[[Pixels], Floats]
"""Maps a picture, uint8 (rows, columns, 3), to its disparity, float32 (h, w), at the network's size."""
Measure = Callable[[Floats, Floats, float], dict[str, float]]
"""Maps a prediction at the network's size, the truth, float32 (h, w) of any size each, and the focal length per longer
side, NaN if unknown, to scores by name."""
Results = dict[str, dict[str, list[float]]]
"""Predictor -> score -> one value per picture, NaN if undefined."""

GROUND_TRUTH_PICTURE, GROUND_TRUTH_DISPARITY = "_left.png", "_disp.npz"


@dataclass(frozen=True)
class Column:
    """How a score is displayed: heading, factor, number of decimals."""

    heading: str
    factor: float = 1.0
    digits: int = 3


COLUMNS: Mapping[str, Column] = {
    "spearman": Column("Spearman"),
    "within": Column("within 1.25, %", 100.0, 1),
    "r_squared": Column("R2"),
    "mean_error": Column("mean abs. error"),
    "f_score": Column("boundary F"),
    "precision": Column("precision"),
    "recall": Column("recall"),
    "f_score_2x": Column("boundary F at 2x"),
    "ramp": Column("ramp, px", 1.0, 1),
    "missed": Column("steps missed, %", 100.0, 1),
    "bend": Column("planes bent, %", 100.0, 2),
    "bend_90": Column("planes bent, 90 %", 100.0, 1),
    "floor": Column("floor, degrees", 1.0, 1),
    "frontal": Column("frontal wall, degrees", 1.0, 1),
    "oblique": Column("oblique wall, degrees", 1.0, 1),
}


@dataclass(frozen=True)
class Case:
    """A picture, uint8 (h, w, 3), and its true disparity or label, float32, NaN if unknown; read on demand.

    metric  metres, lens and kind, if they are known
    """

    name: str
    read: Callable[[], tuple[Pixels, Floats]]
    metric: sets.Metric | None = None


@dataclass(frozen=True)
class Group:
    """Pictures with the same scores.

    reference   name and function of an upper bound in the table: a prediction made from the truth
    """

    title: str
    cases: Sequence[Case]
    measure: Measure
    reference: tuple[str, Callable[[Floats, tuple[int, int]], Floats]] | None = None


def photos(places: Iterable[Path]) -> Group:
    """Returns the held-out photos of some sets, to be compared with their teacher's labels.

    Raises ValueError if there is none.
    """
    held = [example for example in sets.read(places) if sets.is_held_out(example.name)]
    if not held:
        raise ValueError("The sets of photos contain none that is held out from training: name other sets.")
    return Group("Held-out photos against the teacher", [_case(example) for example in held], agreement)


def exact(place: Path, *, held_only: bool) -> Group:
    """Returns the scenes of a set with exact disparity; with `held_only` the held-out ones only.

    Raises ValueError if there is none.
    """
    examples = [example for example in sets.read([place]) if not held_only or sets.is_held_out(example.name)]
    if not examples:
        raise ValueError(f"{place} contains no scene that is held out from training: name another set.")
    cases = [_case(example) for example in examples]
    return Group(f"Exact disparity: {place.name}", cases, exactness, ("the truth at half size", _halved))


def by_kind(place: Path, *, held_only: bool) -> list[Group]:
    """Returns the scenes of a set with metres and lens, one group for each kind of scene.

    Raises ValueError if there is none.
    """
    found: dict[str, list[tuple[sets.Example, sets.Metric]]] = {}
    for example in sets.read([place]):
        metric = example.metric()
        if metric is None or metric.kind is None or (held_only and not sets.is_held_out(example.name)):
            continue
        found.setdefault(metric.kind, []).append((example, metric))
    if not found:
        raise ValueError(f"{place} contains no scene with a kind, metres and lens: name another set.")
    return [
        Group(f"Exact depth: {kind}", [_metric_case(*one) for one in cases], geometry)
        for kind, cases in sorted(found.items())
    ]


def scenes(places: Iterable[Path]) -> list[Case]:
    """Returns the pictures of some sets, those with a NAME.json with what it says."""
    return [_metric_case(example, example.metric()) for example in sets.read(places)]


def lenses(places: Iterable[Path], *, scores_half: bool = False) -> Sequence[Case]:
    """Returns the pictures of some sets whose lens is known; with `scores_half`, those of the half for scores.

    Raises ValueError if there is none.
    """
    known = [case for case in scenes(places) if case.metric is not None and case.metric.focal]
    if not known:
        raise ValueError("The sets of photos contain none whose lens is known: name other sets.")
    return sets.halves(known)[1] if scores_half else known


def ground_truth(folder: Path, offset: float) -> Group:
    """Returns the photos with measured disparity in a folder: NAME_left.png, NAME_disp.npz (one array, inf: unknown).

    `offset`, in pixels, is added to the disparity so that its zero is at infinity (Middlebury's doffs). NAME.json has
    metres, lens and kind, where they are known. Raises ValueError if there is none.
    """
    pictures = sorted(folder.glob(f"*{GROUND_TRUTH_PICTURE}"))
    if not pictures:
        raise ValueError(f"There is no NAME{GROUND_TRUTH_PICTURE} in {folder}.")

    def case(picture: Path) -> Case:
        name = picture.name.removesuffix(GROUND_TRUTH_PICTURE)

        def read() -> tuple[Pixels, Floats]:
            with np.load(folder / f"{name}{GROUND_TRUTH_DISPARITY}", allow_pickle=False) as stored:
                (known,) = stored.values()
            truth = np.where(np.isfinite(known), known + np.float32(offset), np.float32(np.nan))
            return np.asarray(Image.open(picture).convert("RGB")), truth.astype(np.float32)

        facts = folder / f"{name}{sets.METRIC_ENDING}"
        return Case(name, read, sets.metric_in(facts.read_bytes(), name) if facts.is_file() else None)

    return Group("Ground truth", [case(picture) for picture in pictures], truthfulness)


def measured(folder: Path) -> Group:
    """Returns the photos with measured depth that `training.stereo` wrote to a folder. Raises as `ground_truth`."""
    return replace(ground_truth(folder, 0.0), title="Measured depth")


def vertical_ramp(input_size: Callable[[Pixels], tuple[int, int]]) -> Predictor:
    """Returns a baseline that ignores the picture: lower pixels are nearer."""

    def predict(pixels: Pixels) -> Floats:
        width, height = input_size(pixels)
        return np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)

    return predict


def truthfulness(prediction: Floats, truth: Floats, focal: float = math.nan) -> dict[str, float]:
    """Returns rank correlation and the share within 1.25, at the truth's size, of the known pixels."""
    known = np.isfinite(truth)
    seen, wanted = _resized(prediction, truth.shape)[known], truth[known]
    return {"spearman": scores.spearman(seen, wanted), "within": scores.within(seen, wanted)}


def agreement(prediction: Floats, label: Floats, focal: float = math.nan) -> dict[str, float]:
    """Returns rank correlation, R2 and mean absolute error at the label's size, after least-squares scale and shift."""
    seen = _resized(prediction, label.shape)
    return {"spearman": scores.spearman(seen, label), **scores.agreement(seen, label)._asdict()}


def geometry(prediction: Floats, truth: Floats, focal: float) -> dict[str, float]:
    """Returns order, depth, flatness of planes, directions of surfaces and boundaries, at the network's size."""
    small = _sampled(truth, prediction.shape)
    bends = geometry_scores.bends(prediction, small)
    middle, most = np.percentile(bends, (50.0, 90.0)) if bends.size else (math.nan, math.nan)
    angles = geometry_scores.directions(prediction, small, focal * max(small.shape))
    return {
        **truthfulness(prediction, truth),
        "f_score": boundaries.contours(prediction, small).f_score,
        "bend": float(middle),
        "bend_90": float(most),
        **angles._asdict(),
    }


def exactness(prediction: Floats, truth: Floats, focal: float = math.nan) -> dict[str, float]:
    """Returns the scores of `truthfulness`, and boundary scores at the network's size and at twice that size.

    For boundaries the truth is resampled by nearest neighbour, which keeps its steps sharp.
    """
    rows, columns = prediction.shape
    double = (2 * rows, 2 * columns)
    at_size = boundaries.contours(prediction, _sampled(truth, (rows, columns)))
    at_double = boundaries.contours(_resized(prediction, double), _sampled(truth, double))
    widths = boundaries.ramp_widths(prediction, _sampled(truth, (rows, columns)))
    enough = len(widths) >= boundaries.FEWEST_STEPS
    return {
        **truthfulness(prediction, truth),
        **at_size._asdict(),
        "f_score_2x": at_double.f_score,
        "ramp": float(np.median(widths)) if enough else math.nan,
        "missed": float((widths >= 2 * boundaries.REACH).mean()) if enough else math.nan,
    }


def compare(group: Group, predictors: Mapping[str, Predictor]) -> Results:
    """Returns the scores of every predictor, and of the group's reference, on every picture of a group."""
    results: Results = {}
    for case in tqdm(group.cases, desc=group.title, unit="picture", leave=False):
        pixels, truth = case.read()
        made = {name: predict(pixels) for name, predict in predictors.items()}
        if group.reference is not None:
            name, make = group.reference
            made[name] = make(truth, next(iter(made.values())).shape)
        focal = math.nan if case.metric is None or case.metric.focal is None else case.metric.focal
        for name, prediction in made.items():
            row = results.setdefault(name, {})
            for score, value in group.measure(prediction, truth, focal).items():
                row.setdefault(score, []).append(value)
    return results


def mean(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean and its standard error of the values that are not NaN; NaN if there are too few."""
    known = np.array([value for value in values if not math.isnan(value)])
    average = float(known.mean()) if len(known) else math.nan
    return average, float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan


def table(results: Results, models: Sequence[str]) -> str:
    """Returns a Markdown table of the means, with the paired differences of the other `models` from the first."""
    names = list(next(iter(results.values())))
    lines = ["| | " + " | ".join(COLUMNS[name].heading for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, values in results.items():
        lines.append(f"| {row} | " + " | ".join(_cell(name, mean(values[name])[0]) for name in names) + " |")
    first = models[0]
    for other in models[1:]:
        cells = []
        for name in names:
            pairs = zip(results[other][name], results[first][name], strict=True)
            difference, error = mean([one - two for one, two in pairs])
            cells.append(f"{_cell(name, difference, sign='+')} ± {_cell(name, error)}")
        lines.append(f"| *{other} - {first}* | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str, value: float, sign: str = "") -> str:
    column = COLUMNS[name]
    return "–" if math.isnan(value) else f"{value * column.factor:{sign}.{column.digits}f}"


def _case(example: sets.Example) -> Case:
    return Case(example.name, lambda: (np.asarray(example.picture()), example.disparity()))


def _metric_case(example: sets.Example, metric: sets.Metric | None) -> Case:
    return Case(example.name, lambda: (np.asarray(example.picture()), example.disparity()), metric)


def _halved(truth: Floats, shape: tuple[int, ...]) -> Floats:
    """Returns the truth at half of `shape` enlarged to it: the best prediction without details below two pixels."""
    half = _resized(truth, (shape[0] // 2, shape[1] // 2), Image.Resampling.BOX)
    return _resized(half, shape)


def _sampled(values: Floats, shape: tuple[int, ...]) -> Floats:
    return _resized(values, shape, Image.Resampling.NEAREST)


def _resized(
    values: Floats, shape: tuple[int, ...], how: Image.Resampling = Image.Resampling.BILINEAR
) -> NDArray[np.float32]:
    """Returns values, float32 (h, w), resized to `shape` (h, w); shrinking averages, except with NEAREST."""
    return np.asarray(Image.fromarray(values).resize((shape[1], shape[0]), how))
