# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures batches: `python3 benchmarks/batches.py --data-folder FOLDER --work WORK --sources FOLDER`.

Cuts many different JPEGs of 100 to 300 kB from the pictures in `--sources`, and does them with `batch` and, a few of
them, with a plain command each; with `--rounds 3` three times in turn, which is fairer where a machine is shared.
Prints photos per second and processor seconds of both, how busy the processors were, and the memory of the batch's
processes over time. `--trim` checks each GLB file and empties it then, so that 10,000 photos need little disk, and
`--go-on` goes on with a batch that was stopped. `--kills 30` kills the batch so many times at random moments instead,
goes on each time, and checks that every photo was done once. Needs the installed packages, Pillow, and Linux.
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
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command import descendants  # noqa: E402
from mono3d_addon.core.computer import resident_memory  # noqa: E402

MOST = 300_000
"""Bytes of a photo."""
_STEP = 5.0
"""Seconds between two looks at the memory."""
_THOUSAND = 1000
_START = 120.0
"""Seconds that a run may need until its first photo, on a busy machine."""


@dataclass(frozen=True)
class Used:
    """What a command has used: seconds, processor seconds of it and its children, and its exit code."""

    seconds: float
    processor: float
    code: int


def make_photos(sources: Path, folder: Path, numbers: Iterable[int], wide: int) -> None:
    """Writes parts of the pictures in `sources`, another one for each number, a hundred in a folder, if missing.

    They are `wide` pixels wide.
    """
    pictures: list[Image.Image] = []
    for number in numbers:
        place = folder / f"{number // 100:03}" / f"photo_{number:05}.jpg"
        if place.exists():
            continue
        pictures = pictures or _pictures(sources, 2 * wide)
        picture, chance = pictures[number % len(pictures)], random.Random(number)
        share, x, y = chance.uniform(0.6, 0.98), chance.random(), chance.random()
        width, height = share * picture.width, share * picture.height
        left, top = x * (picture.width - width), y * (picture.height - height)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = picture.crop((int(left), int(top), int(left + width), int(top + height)))
        place.write_bytes(_jpeg(part.resize((wide, round(wide * height / width)))))


def _pictures(sources: Path, side: int) -> list[Image.Image]:
    found = []
    for path in sorted(sources.iterdir()):
        if path.suffix.lower() in (".jpg", ".png", ".webp"):
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((side, side))
            found.append(picture)
    return found


def _jpeg(picture: Image.Image) -> bytes:
    for quality in range(100, 20, -3):
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


class Watch:
    """Looks at a batch while it runs.

    memory  photos done so far and megabytes of all its processes, every few seconds
    bad     GLB files that are not whole, or not as large as their record says; only with `trim`, which empties files
    """

    def __init__(self, out: Path, *, trim: bool) -> None:
        self.memory: list[tuple[int, float]] = []
        self.bad: list[str] = []
        self._out = out
        self._trim = trim
        self._seen: set[str] = set()
        self._lines: dict[Path, int] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _watch(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ends.wait(_STEP)
            for path in self._out.glob(".mono3d/journal/*/*/*.jsonl"):
                lines = path.read_bytes().splitlines()
                for line in lines[self._lines.get(path, 0) :]:
                    self._note(json.loads(line))
                self._lines[path] = len(lines)
            _, *below = descendants(os.getpid())
            bytes_now = sum(resident_memory(process) or 0 for process in below)
            self.memory.append((len(self._seen), bytes_now / 2**20))

    def _note(self, line: dict[str, Any]) -> None:
        self._seen.add(line["id"])
        for file in map(self._out.joinpath, line["files"] if self._trim else ()):
            size = file.stat().st_size
            # Of an earlier run's photo the file is empty.
            if size:
                wanted = json.loads(next(file.parent.glob(f"{file.stem.rpartition('-')[2]}.json")).read_bytes())[
                    "bytes"
                ]
                with file.open("rb") as stream:
                    mark, _, length = struct.unpack("<4sII", stream.read(12))
                if (mark, length, size) != (b"glTF", size, wanted):
                    self.bad.append(line["photo"])
                os.truncate(file, 0)


def compare(arguments: argparse.Namespace, photos: Path, out: Path) -> None:
    """Prints what a photo costs in a batch and by itself. No photo is done twice, which would take less time."""
    log, done, first = arguments.work / "log.txt", 0, 0
    alone: list[Used] = []
    together: list[Used] = []
    for number in range(arguments.rounds):
        of_batch, single = photos / f"batch-{number}", photos / f"single-{number}"
        for folder, count in ((of_batch, arguments.photos), (single, arguments.singles)):
            make_photos(arguments.sources, folder, range(first, first + count), arguments.width)
            first += count
        for photo in sorted(single.rglob("*.jpg")):
            alone.append(timed(command(arguments, photo, "-o", out / "single"), log))
        place = out / of_batch.name
        with Watch(place, trim=arguments.trim) as watch:
            together.append(timed(command(arguments, "batch", of_batch, "-o", place), log))
        report = json.loads((place / "report.json").read_text())
        done += report["done"]
        _tell(report, together[-1], watch)
    seconds, processor = (sum(getattr(one, name) for one in together) for name in ("seconds", "processor"))
    print(f"batch: {done} photos, {done / seconds:.2f} photos/s, {processor / done:.2f} CPU s each")
    if alone:
        each, work = (statistics.mean(getattr(one, name) for one in alone) for name in ("seconds", "processor"))
        print(f"single commands: {1 / each:.2f} photos/s, {work:.2f} CPU s each (mean of {len(alone)})")
        print(f"ratio: {each * done / seconds:.1f} by photos/s, {work * done / processor:.1f} by CPU seconds")


def _tell(report: dict[str, Any], used: Used, watch: Watch) -> None:
    """Prints how busy the processors were in a batch, and its memory."""
    processors = len(os.sched_getaffinity(0))
    print(f"busy: {used.processor / used.seconds / processors:.0%} of {processors} processors, loading included")
    stages = [sum(one["seconds"].values()) for one in report["photos"] if one["status"] == "done"]
    print(f"sum of the stages: {statistics.mean(stages):.2f} s a photo, {sum(stages) / used.seconds:.2f} s a second")
    if watch.bad:
        print(f"FILES NOT WHOLE: {watch.bad}")
    whole = max((number for number, _ in watch.memory), default=0)
    size = min(_THOUSAND, whole // 4)
    # Libraries and the network are loaded with the first photos.
    for name, first in (("first", size // 10), ("last", whole - size)):
        part = [megabytes for number, megabytes in watch.memory if first < number <= first + size]
        if part:
            print(f"memory of all processes, {name} {size} photos: {statistics.mean(part):.0f} MB")


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
    parser.add_argument("--width", type=int, default=800, help="of a photo, in pixels")
    parser.add_argument("--rounds", type=int, default=1, help="batches, in turn with the single commands")
    parser.add_argument("--trim", action="store_true", help="check the files of the batch and empty them")
    parser.add_argument("--go-on", action="store_true", help="keep the results that are there")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument(
        "--longest",
        type=float,
        default=4.0,
        help="seconds until a kill, at most, for most kills after the first photo of the run",
    )
    parser.add_argument("--option", action="append", default=[], help="further option of both commands")
    arguments = parser.parse_args()
    photos, out = arguments.work / f"photos-{arguments.width}", arguments.work / "out"
    if not arguments.go_on:
        shutil.rmtree(out, ignore_errors=True)
    if arguments.kills:
        make_photos(arguments.sources, photos, range(arguments.photos), arguments.width)
    (kill if arguments.kills else compare)(arguments, photos, out)


if __name__ == "__main__":
    main()
