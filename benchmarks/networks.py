# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures networks: the engine that Mono3D chooses compared with float32 torch, with the same weights, in turn.

`python3 benchmarks/networks.py --data-folder FOLDER [MODEL ...]`, with the packages installed in FOLDER. A model whose
weights are missing gets random ones (`tests/depth/reference.py`, for today's networks `newer_reference.py` and the
shared data that it names), which take the same time. Every engine runs in its own process and does one run per request;
the ratio is that of two consecutive runs, the median of all pairs. *At best* is the ratio of the fastest runs, which is
more reliable on a machine with other load. *CPU s* is the median of the processor's time for a run, of all threads:
other load changes it least. *Load* is the time of the first run minus that of the second, including the import of the
library; *cold start* is the time from the start of the process to its second result.

`--float32` excludes a processor's half precisions.

`--against 'COMMAND {model} {height} {width}'` adds a third program, such as the official code. It must print a line
when it is ready, and then, for each line of its input, the seconds of one run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DEFAULT = ("starter", "midas_v21_small_256", "dpt_swin2_tiny_256", "dpt_hybrid_384", "dpt_large_384")


@dataclass(frozen=True)
class Case:
    """A model with its weights that runs on `batch` pictures of a size, on a device."""

    model: str
    weights: Path
    height: int
    width: int
    batch: int
    device: str


class Program:
    """A program that runs a network once per request."""

    def __init__(self, command: list[str]) -> None:
        began = time.perf_counter()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._line()
        self.cold_seconds = time.perf_counter() - began
        self.processor: list[float] = []

    def run(self) -> float:
        """Runs the network once and returns the seconds."""
        assert self._process.stdin is not None
        # Threads of the previous program may still spin for a moment.
        time.sleep(0.3)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, *processor = map(float, self._line().split())
        self.processor += processor
        return seconds

    def close(self) -> None:
        """Ends the program."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a measured program ended early: see its output above")
        return line


def main() -> None:
    options = _parse()
    packages = _packages(options.data_folder)
    if options.serve:
        serve(json.loads(options.serve), options.data_folder, float32=options.float32)
        return
    print(f"{options.runs} pairs, batches of {options.batch}, {options.device}, {os.cpu_count()} processors\n")
    columns = ["model", "size", "engine", "Mono3D ms", "torch ms", "torch / Mono3D"]
    columns += ["at best", "CPU s", "torch CPU s"]
    columns += ["other / Mono3D", "at best"] * bool(options.against)
    columns += ["load s", "torch load s", "cold start s", "torch cold s", "MB", "torch MB"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    for name in options.models:
        with _case(name, options, packages) as case:
            print(row(case, options, packages), flush=True)


def row(case: Case, options: argparse.Namespace, packages: Path) -> str:
    """Returns the table's line of one model."""
    for _ in range(2):  # the second use compiles the graph
        _program(case, "auto", options, packages).close()
    ours, plain = (_program(case, engine, options, packages) for engine in ("auto", "plain"))
    programs = [ours, plain]
    if options.against:
        words = shlex.split(options.against.format(model=case.model, height=case.height, width=case.width))
        programs.append(Program(words))
    for program in programs:
        program.run()
    rounds = [[program.run() for program in programs] for _ in range(options.runs)]
    for program in programs:
        program.close()
    columns = list(zip(*rounds, strict=True))
    seconds = [statistics.median(column) for column in columns]
    ratios: list[float] = []
    for number in range(1, len(programs)):
        ratios += [statistics.median(one[number] / one[0] for one in rounds), min(columns[number]) / min(columns[0])]
    facts, plain_facts = json.loads(ours.facts), json.loads(plain.facts)
    cells = [
        case.model,
        f"{case.height}x{case.width}",
        facts["engine"],
        f"{1000 * seconds[0] / case.batch:.0f}",
        f"{1000 * seconds[1] / case.batch:.0f}",
        *(f"{ratio:.2f}" for ratio in ratios[:2]),
        *(f"{statistics.median(program.processor):.2f}" for program in (ours, plain)),
        *(f"{ratio:.2f}" for ratio in ratios[2:]),
        f"{facts['load']:.2f}",
        f"{plain_facts['load']:.2f}",
        f"{ours.cold_seconds:.2f}",
        f"{plain.cold_seconds:.2f}",
        f"{facts['peak']:.0f}",
        f"{plain_facts['peak']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _program(case: Case, engine: str, options: argparse.Namespace, packages: Path) -> Program:
    request = json.dumps({**vars(case), "weights": str(case.weights), "engine": engine, "packages": str(packages)})
    extra = ["--float32"] if options.float32 else []
    command = [
        sys.executable,
        str(Path(__file__)),
        "--data-folder",
        str(options.data_folder),
        "--serve",
        request,
        *extra,
    ]
    return Program(command)


def serve(request: dict[str, str | int], data_folder: Path, *, float32: bool) -> None:
    """Loads a network, runs it, prints its facts as JSON, and runs it again for each line of the input."""
    sys.path.insert(0, str(request["packages"]))
    from mono3d_addon.depth import threads

    threads.prepare()
    import resource

    import numpy as np

    from mono3d_addon.depth import catalogue
    from mono3d_addon.depth.engines import openvino_engine
    from mono3d_addon.depth.estimator import load as load_estimator

    if float32:
        openvino_engine.precisions = lambda: ("float32",)
    began = time.perf_counter()
    estimator = load_estimator(
        catalogue.model_named(str(request["model"])),
        Path(str(request["weights"])),
        str(request["device"]),
        data_folder,
        is_plain=request["engine"] == "plain",
    )
    height, width = int(request["height"]), int(request["width"])
    pictures = np.random.default_rng(0).uniform(-1, 1, (int(request["batch"]), 3, height, width)).astype(np.float32)
    if estimator.model.sees_aspect:
        aspect = np.full_like(pictures[:, :1], width / height)
        pictures = np.concatenate((pictures, aspect), axis=1)
    result = estimator.engines.run(pictures)
    first = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    estimator.engines.run(pictures)
    load = first - (time.perf_counter() - began - first)
    facts = {"engine": result.engine, "notes": result.notes, "peak": peak, "load": load}
    print(json.dumps(facts), flush=True)
    for _ in sys.stdin:
        began, used = time.perf_counter(), time.process_time()
        estimator.engines.run(pictures)
        print(time.perf_counter() - began, time.process_time() - used, flush=True)


@contextlib.contextmanager
def _case(name: str, options: argparse.Namespace, packages: Path) -> Iterator[Case]:
    from mono3d_addon.depth import catalogue, engine_cache, weights

    model = catalogue.model_named(name)
    height, width = options.size or (model.network_size, model.network_size)
    present = weights.present(model, options.data_folder)
    with tempfile.TemporaryDirectory() as folder:
        file = present or Path(folder) / model.file
        if present is None:
            _make_up(name, file, packages)
        yield Case(name, file, height, width, options.batch, options.device)
        if present is None:
            shutil.rmtree(engine_cache.cache_for(name, file, options.data_folder).folder, ignore_errors=True)


def _make_up(name: str, file: Path, packages: Path) -> None:
    code = """import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from tests.depth import newer_reference, reference
name, file = sys.argv[1], Path(sys.argv[2])
if (reference.FOLDER / "keys" / f"{name}.json").exists():
    import torch
    torch.save(reference.state_dict(name), file)
else:
    newer_reference.write(name, file)
"""
    command = [sys.executable, "-c", code, name, str(file), str(packages), str(ROOT)]
    subprocess.run(command, check=True)


def _packages(data_folder: Path) -> Path:
    from mono3d_addon import environment

    return environment.require("worker", data_folder)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", default=DEFAULT, metavar="MODEL", help="models of the catalogue")
    parser.add_argument("--data-folder", type=Path, required=True, help="folder with the installed packages")
    parser.add_argument("--runs", type=int, default=7, help="pairs of runs (default: 7)")
    parser.add_argument("--batch", type=int, default=1, help="pictures per run (default: 1)")
    parser.add_argument("--device", default="auto", help="device (default: auto)")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="input size (default: as trained)"
    )
    parser.add_argument("--float32", action="store_true", help="exclude a processor's half precisions")
    parser.add_argument(
        "--against",
        default="",
        metavar="COMMAND",
        help="a third program to compare with; {model}, {height} and {width} are filled in",
    )
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
