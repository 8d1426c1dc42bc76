# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares starter models with each other and with a baseline, a vertical ramp.

python3 -m training.evaluate --model OLD=starter.safetensors --model NEW=new.safetensors --photos labelled
    --exact renders-held --ground-truth rgbd --ground-truth-offset 31.086 --json evaluation.json

Prints Markdown tables; the JSON file also has the scores of every picture. The last rows of a table show the difference
of each model from the first with its standard error over the pictures: less than two standard errors is noise.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mono3d_addon.core.files import atomic_write
from mono3d_addon.depth import threads

from . import comparison, scene_report
from .comparison import Group, Results, mean

RAMP = "vertical ramp"


def main(arguments: Sequence[str]) -> int:
    """Prints the tables. Returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    files = dict(options.model)
    if len(files) < len(options.model) or RAMP in files:
        parser.error("every model needs a unique name: --model NAME=FILE")
    if options.ground_truth and options.ground_truth_offset is None:
        parser.error("--ground-truth needs --ground-truth-offset (0 if the disparity is already inverse depth)")
    # Must run before torch is imported.
    threads.prepare()
    from . import latency, models

    threads.use_processors()
    try:
        groups = _groups(options)
        lenses = comparison.lenses(options.lens, scores_half=options.every_other) if options.lens else []
    except (ValueError, OSError) as error:
        parser.error(str(error))
    networks = {name: models.load(file) for name, file in files.items()}
    predictors: dict[str, comparison.Predictor] = {
        name: partial(models.disparity, network, size=options.size) for name, network in networks.items()
    }
    predictors[RAMP] = comparison.vertical_ramp(partial(models.input_size, size=options.size))
    report: dict[str, Any] = {"size": options.size, "groups": []}
    for group in groups:
        results = comparison.compare(group, predictors)
        count = len(group.cases)
        print(f"**{group.title}**, {count} picture{'s' * (count != 1)}\n")
        print(comparison.table(results, list(files)) + "\n", flush=True)
        report["groups"].append(_described(group, results))
    for key, called, cases in _known(options, groups, lenses):
        report[key] = _scenes(networks, cases, options.size, called)
    report["bytes"] = {name: file.stat().st_size for name, file in files.items()}
    if options.runs:
        latencies = latency.measure(networks, options.runs)
        print(f"**Cost**: {latency.HEIGHT}x{latency.WIDTH}, one thread, plain torch, median of {options.runs} runs\n")
        print("| | ms | processor ms | MB |\n|---|---|---|---|")
        for name, (clock, processor) in latencies.items():
            print(f"| {name} | {1e3 * clock:.0f} | {1e3 * processor:.0f} | {report['bytes'][name] / 1e6:.2f} |")
        report["seconds"] = {name: one._asdict() for name, one in latencies.items()}
    if options.json:
        with atomic_write(options.json) as beside:
            beside.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


def _groups(options: argparse.Namespace) -> list[Group]:
    """Returns the groups of pictures to compare. Raises ValueError or OSError if a set or folder has none."""
    groups = []
    if options.ground_truth:
        groups.append(comparison.ground_truth(options.ground_truth, options.ground_truth_offset))
    if options.measured:
        groups.append(comparison.measured(options.measured))
    if options.photos:
        groups.append(comparison.photos(options.photos))
    groups += [comparison.exact(place, held_only=options.held_only) for place in options.exact]
    groups += [group for place in options.metric for group in comparison.by_kind(place, held_only=options.held_only)]
    return groups


def _known(
    options: argparse.Namespace, groups: Sequence[Group], lenses: Sequence[comparison.Case]
) -> Iterator[tuple[str, str, Sequence[comparison.Case]]]:
    """Yields the pictures whose metres or lens are known, with a key and a name."""
    if options.metric:
        cases = [case for group in groups if group.measure is comparison.geometry for case in group.cases]
        yield "scenes", "scenes", cases
    if options.measured:
        yield "measured", "photos with measured depth", comparison.measured(options.measured).cases
    if lenses:
        yield "lenses", "photos with a known lens", lenses


def _scenes(networks: Mapping[str, Any], cases: Sequence[comparison.Case], size: int, called: str) -> dict[str, Any]:
    """Prints what networks say about scenes whose truth is known; returns it as JSON values."""
    from . import models

    known = [case for case in cases if case.metric is not None]
    guesses, truths = models.said(networks, known, size)
    rows = {scene_report.CONSTANT: [scene_report.constant()] * len(known)} | guesses
    print(f"**What is said of {len(known)} {called}**: factor off, median ± standard error (90 %)\n")
    print(scene_report.table(rows, truths) + "\n")
    able = {name: found for name, found in guesses.items() if any(guess.near for guess in found)}
    if able:
        print(f"**Reliability**: share of {called} within the range that the deviation promises\n")
        print(scene_report.reliability_table(able, truths) + "\n")
    return {
        "pictures": [case.name for case in known],
        "truths": [_without_nan(truth._asdict()) for truth in truths],
        "guesses": {name: [asdict(guess) for guess in found] for name, found in able.items()},
    }


def _without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values for JSON, which has no NaN."""
    return {name: None if isinstance(one, float) and math.isnan(one) else one for name, one in values.items()}


def _described(group: Group, results: Results) -> dict[str, Any]:
    """Returns a group and its results as JSON values; NaN becomes null."""

    def plain(values: Sequence[float]) -> list[float | None]:
        return [None if math.isnan(value) else value for value in values]

    return {
        "title": group.title,
        "pictures": [case.name for case in group.cases],
        "rows": {
            row: {
                score: dict(zip(("mean", "error", "values"), (*plain(mean(values)), plain(values)), strict=True))
                for score, values in found.items()
            }
            for row, found in results.items()
        },
    }


def _named(text: str) -> tuple[str, Path]:
    """Returns the name and the path in NAME=FILE; a bare FILE is named by its stem."""
    name, equals, file = text.partition("=")
    path = Path(file if equals else text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file '{path}'")
    return (name if equals else path.stem), path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model",
        type=_named,
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="weights file of a starter model, of the first or current version; repeat to compare several",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        default=[],
        metavar="SET",
        help="photos with a teacher's labels; only held-out ones are used",
    )
    parser.add_argument(
        "--exact",
        type=Path,
        nargs="+",
        default=[],
        metavar="SET",
        help="scenes with exact disparity (inverse depth up to a scale, 0 at infinity) not used in training",
    )
    parser.add_argument(
        "--metric",
        type=Path,
        nargs="+",
        default=[],
        metavar="SET",
        help="scenes with metres, lens and kind: scored by kind, with flatness of planes and what networks say",
    )
    parser.add_argument(
        "--lens",
        type=Path,
        nargs="+",
        default=[],
        metavar="SET",
        help="photos with a known lens not used in training: scored by what networks say of the lens",
    )
    parser.add_argument(
        "--measured",
        type=Path,
        metavar="FOLDER",
        help="photos with measured depth, which training.stereo wrote: order, depth, and what networks say",
    )
    parser.add_argument(
        "--every-other",
        action="store_true",
        help="of --lens, use only the half that training.calibrate --every-other leaves",
    )
    parser.add_argument(
        "--held-only", action="store_true", help="use only the held-out pictures of --exact and --metric"
    )
    parser.add_argument(
        "--ground-truth", type=Path, metavar="FOLDER", help="folder with NAME_left.png and NAME_disp.npz (inf: unknown)"
    )
    parser.add_argument(
        "--ground-truth-offset",
        type=float,
        metavar="PIXELS",
        help="added to the ground truth to get inverse depth (Middlebury's doffs)",
    )
    parser.add_argument("--size", type=int, default=256, help="side of the network's input in pixels (default: 256)")
    parser.add_argument("--runs", type=int, default=15, help="runs for measuring the latency, 0 for none (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for all scores")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
