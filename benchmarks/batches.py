# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures batches: `python3 benchmarks/batches.py --data-folder FOLDER --work WORK --sources FOLDER`.

Cuts many different JPEGs of 100 to 300 kB from the pictures in `--sources`, and does them with `batch` and, a few of
them, with a plain command each. Prints processor seconds and seconds per photo of both, and the memory of the batch's
processes over time. `--kills 30` kills the batch so many times at random moments instead, goes on each time, and checks
that every photo was done once. Needs the installed packages, Pillow, and Linux.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command import descendants  # noqa: E402
from mono3d_addon.core.computer import resident_memory  # noqa: E402

WIDTH = 800
MOST = 300_000
"""Bytes of a photo."""
_START = 120.0
"""Seconds that a run may need until its first photo, on a busy machine."""


@dataclass(frozen=True)
class Used:
    """What a command has used: seconds, processor seconds of it and its children, and its exit code."""

    seconds: float
    processor: float
    code: int


def make_photos(sources: Path, folder: Path, count: int) -> None:
    """Writes different parts of the pictures in `sources`, a hundred in each folder, unless they are there."""
    chance = random.Random(7)
    pictures = []
    for path in sorted(sources.iterdir()):
        if path.suffix.lower() in (".jpg", ".png"):
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((2 * WIDTH, 2 * WIDTH))
            pictures.append(picture)
    for number in range(count):
        place = folder / f"{number // 100:03}" / f"photo_{number:05}.jpg"
        picture = pictures[number % len(pictures)]
        share, x, y = chance.uniform(0.6, 0.98), chance.random(), chance.random()
        width, height = share * picture.width, share * picture.height
        left, top = x * (picture.width - width), y * (picture.height - height)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = picture.crop((int(left), int(top), int(left + width), int(top + height)))
            place.write_bytes(_jpeg(part.resize((WIDTH, round(WIDTH * height / width)))))


def _jpeg(picture: Image.Image) -> bytes:
    for quality in range(96, 20, -6):
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=quality)
        if data.tell() <= MOST:
            break
    return data.getvalue()


def command(arguments: argparse.Namespace, *words: object) -> list[str]:
    given = [sys.executable, "-m", "mono3d_addon", *map(str, words), "--data-folder", str(arguments.data_folder)]
    return [*given, "--format", "glb", "--no-preview", *arguments.option]


def timed(words: Sequence[str], log: Path) -> Used:
    """Runs a command and returns what it and its children have used."""
    began = time.perf_counter()
    with log.open("ab") as file:
        process = subprocess.Popen(words, cwd=ROOT, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    return Used(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, code)


class Memory:
    """Notes the memory of all processes of a command while it runs, in megabytes, beside the number of records."""

    def __init__(self, out: Path) -> None:
        self.rows: list[tuple[int, float]] = []
        self._out = out
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ends.wait(5.0):
            _, *below = descendants(os.getpid())
            self.rows.append((_records(self._out), sum(resident_memory(process) or 0 for process in below) / 2**20))


def compare(arguments: argparse.Namespace, photos: Path, out: Path) -> None:
    """Prints what a photo costs in a batch and by itself."""
    log = arguments.work / "log.txt"
    singles = sorted(photos.rglob("*.jpg"))[-arguments.singles :] if arguments.singles else []
    alone = [timed(command(arguments, photo, "-o", out / "single"), log) for photo in singles]
    with Memory(out / "batch") as memory:
        all_of_them = timed(command(arguments, "batch", photos, "-o", out / "batch"), log)
    report = json.loads((out / "batch" / "report.json").read_text())
    done = report["done"]
    rows = [row for row in memory.rows if row[0]]
    print(f"batch: {done} photos, {all_of_them.seconds / done:.2f} s and {all_of_them.processor / done:.2f} CPU s each")
    stages = [sum(one["seconds"].values()) for one in report["photos"] if one["status"] == "done"]
    print(f"sum of the stages: {statistics.mean(stages):.2f} s each")
    if alone:
        seconds, processor = (
            statistics.median(getattr(one, name) for one in alone) for name in ("seconds", "processor")
        )
        print(f"single commands: {seconds:.2f} s and {processor:.2f} CPU s each (median of {len(alone)})")
        print(f"ratio: {processor / (all_of_them.processor / done):.1f} by CPU seconds")
    tenth = max(1, len(rows) // 10)
    for name, part in (("first", rows[tenth : 2 * tenth]), ("last", rows[-2 * tenth : -tenth])):
        if part:
            print(f"memory of all processes, {name} part: {statistics.mean(row[1] for row in part):.0f} MB")


def _records(out: Path) -> int:
    return sum(1 for _ in out.glob("??/??/*.json"))


def kill(arguments: argparse.Namespace, photos: Path, out: Path) -> None:
    """Kills the batch at random moments, goes on, and checks the results."""
    chance = random.Random(arguments.kills)
    words = command(arguments, "batch", photos, "-o", out)
    for number in range(arguments.kills):
        before, began = _records(out), time.monotonic()
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Some kills hit a start, most of them a run that is at work.
        while number % 5 and _records(out) == before and time.monotonic() - began < _START and process.poll() is None:
            time.sleep(0.05)
        time.sleep(chance.uniform(0.1, arguments.longest))
        process.send_signal(signal.SIGKILL)
        process.wait()
        print(f"kill {number + 1}: {_records(out)} records", flush=True)
    code = subprocess.run(words, cwd=ROOT, check=False).returncode
    records: list[dict[str, Any]] = [json.loads(path.read_bytes()) for path in out.glob("??/??/*.json")]
    wanted = Counter(str(path) for path in photos.rglob("*.jpg"))
    named = {file for one in records for file in one["files"]}
    there = {path.relative_to(out).as_posix() for path in out.glob("??/??/*") if path.suffix != ".json"}
    sizes = all(sum((out / file).stat().st_size for file in one["files"]) == one["bytes"] for one in records)
    lines = [json.loads(line) for path in out.glob(".mono3d/journal/*/*/*.jsonl") for line in path.open()]
    checks = {
        "exit code 0": code == 0,
        "every photo done once by the records": Counter(one["photo"] for one in records) == wanted,
        "every photo done once by the journal": Counter(one["photo"] for one in lines) == wanted,
        "all done": {one["status"] for one in records} == {"done"},
        "no other files": there == named,
        "sizes as recorded": sizes,
        "no folders of killed runs": not list(out.glob(".mono3d-*")),
    }
    for name, holds in checks.items():
        print(f"{name}: {'yes' if holds else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-folder", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--singles", type=int, default=10)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument(
        "--longest",
        type=float,
        default=4.0,
        help="seconds until a kill, at most, for most kills after the first photo of the run",
    )
    parser.add_argument("--option", action="append", default=[], help="further option of both commands")
    arguments = parser.parse_args()
    photos, out = arguments.work / "photos", arguments.work / "out"
    make_photos(arguments.sources, photos, arguments.photos)
    shutil.rmtree(out, ignore_errors=True)
    (kill if arguments.kills else compare)(arguments, photos, out)


if __name__ == "__main__":
    main()
