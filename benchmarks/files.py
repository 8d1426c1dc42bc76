# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens every picture below folders and compares it with ImageMagick's: `python3 benchmarks/files.py FOLDER...`.

Each file is opened as a photo in a child process with a limit of time and memory, and by ImageMagick where that is
installed. Prints a table by kind of file, and writes one line for each file with `--details`. `--checkout` opens them
with another checkout. Needs the installed packages (`python3 -m mono3d_addon --install`), or run it with a Python that
has them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = re.compile(
    r"jp[eg]|jpeg|jfif|mpo|a?png|tiff?|bmp|dib|gif|webp|hei[cf]|hif|avif|jp2|j2k|jp[xfc]|jxl|tga|ps[db]|exr|hdr|pic|"
    r"p[pgbnaf]m|dng|cr2|crw|nef|arw|orf|raf|rw2|pef|srw|raw|ico|dds|jxr|jls"
)
SAME = {
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "tiff": "tif",
    "pgm": "ppm",
    "pbm": "ppm",
    "pnm": "ppm",
    "dib": "bmp",
}
"""Endings of the same kind."""

SECONDS, GIBIBYTES = 30, 4
CLOSE = 6.0
"""Largest mean difference, of 255, of the pixels that are opaque for both, that counts as equal: decoders of JPEG and
conversions of CMYK differ."""

TAKEN, NOTED, DIFFERS = "taken", "taken, with a note", "differs"
BOTH, ALONE, DAMAGED, UNFORESEEN = "refused by both", "refused", "called damaged", "unforeseen"
OUTCOMES = (TAKEN, NOTED, DIFFERS, BOTH, ALONE, DAMAGED, UNFORESEEN)

_CHILD = """
import json, os, resource, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # Decoders print warnings.
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]) << 30,) * 2)
import logging
logging.disable(logging.CRITICAL)
from mono3d_addon.core.photo import photo
from mono3d_addon.errors import Mono3DError
import numpy as np
from PIL import Image
for line in sys.stdin:
    path, other = json.loads(line)
    try:
        found = photo.read_photo(Path(path), 100.0, 1)
        answer = {"notes": list(found.notes), "difference": 0.0}
        if other and os.path.getsize(other):
            with Image.open(other) as picture:
                theirs = np.asarray(picture.convert("RGBA"))
            opaque = theirs[..., 3] == 255
            if opaque.shape != found.pixels.shape[:2]:
                answer["difference"] = 255.0
            else:
                opaque &= True if found.mask is None else found.mask
                apart = np.abs(theirs[opaque][:, :3] - found.pixels[opaque].astype(float))
                answer["difference"] = float(apart.mean()) if apart.size else 0.0
    except Mono3DError as error:
        answer = {"refusal": str(error)}
    except BaseException as error:
        answer = {"unforeseen": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
"""


@dataclass(frozen=True)
class Opened:
    """What became of one file: one of `OUTCOMES`, and a sentence about it."""

    path: Path
    outcome: str
    words: str


class Child:
    """A process that opens photos with a checkout; a new one follows when it ends or takes too long."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._process: subprocess.Popen[str] | None = None

    def open(self, path: Path, other: Path) -> dict[str, Any]:
        """Returns what the process says of a file: notes and the difference from the picture `other`, or a refusal."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-c", _CHILD, str(self._checkout), str(GIBIBYTES)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        child = self._process
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps([str(path), str(other)]) + "\n")
        child.stdin.flush()
        ready, _, _ = select.select([child.stdout], [], [], SECONDS)
        line = child.stdout.readline() if ready else ""
        if line:
            return dict(json.loads(line))
        self.close()
        return {"unforeseen": "the process ended" if ready else f"it took more than {SECONDS} seconds"}

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def other_opens(path: Path, convert: str, target: Path) -> bool:
    """Writes what ImageMagick reads of a file to the PNG `target`; returns whether it reads it without complaint."""
    command = [convert, "-limit", "memory", "2GiB", "-limit", "disk", "1GiB", f"{path}[0]", "-auto-orient"]
    command += ["-colorspace", "sRGB", "-depth", "8", "-quality", "10", f"PNG32:{target}"]
    target.write_bytes(b"")
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode or done.stderr:
        target.write_bytes(b"")
        return False
    return True


def judged(path: Path, answer: dict[str, Any], is_read_by_other: bool) -> Opened:
    """Returns the outcome of a file from the child's answer."""
    if "unforeseen" in answer:
        return Opened(path, UNFORESEEN, str(answer["unforeseen"]))
    if "refusal" in answer:
        words = str(answer["refusal"])
        if not is_read_by_other:
            return Opened(path, BOTH, words)
        return Opened(path, DAMAGED if "is damaged" in words else ALONE, words)
    notes: list[str] = answer["notes"]
    words = " ".join(notes)
    if answer["difference"] > CLOSE:
        return Opened(path, DIFFERS, f"by {answer['difference']:.1f} {words}")
    return Opened(path, NOTED if words else TAKEN, words)


def pictures(folders: Sequence[Path]) -> Iterator[Path]:
    """Yields the files whose ending is that of a picture, in order; of equal files one."""
    seen = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if ENDINGS.fullmatch(path.suffix[1:].lower()) and path.is_file():
                digest = hashlib.sha256(path.read_bytes()).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit status: 1 if something unforeseen happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folder, or picture")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the checkout whose code opens them")
    parser.add_argument("--details", type=Path, help="CSV file with a line for each picture")
    options = parser.parse_args(arguments)
    convert = shutil.which("convert-im6.q16") or shutil.which("magick") or shutil.which("convert") or ""
    child = Child(options.checkout)
    opened = []
    with (
        tempfile.TemporaryDirectory() as folder,
        (options.details or Path(os.devnull)).open("w", newline="", encoding="utf-8", errors="replace") as file,
    ):
        rows, target = csv.writer(file), Path(folder, "other.png")
        for path in pictures(options.folders):
            is_read = bool(convert) and other_opens(path, convert, target)
            one = judged(path, child.open(path, target), is_read)
            rows.writerow((one.path, one.outcome, one.words))
            opened.append(one)
    child.close()
    print(table(opened))
    return int(any(one.outcome == UNFORESEEN for one in opened))


def table(opened: Sequence[Opened]) -> str:
    """Returns a table in Markdown: kinds of files, and how many had each outcome."""
    kinds: dict[str, Counter[str]] = {}
    for one in opened:
        ending = one.path.suffix[1:].lower()
        for kind in (SAME.get(ending, ending), "all"):
            kinds.setdefault(kind, Counter())[one.outcome] += 1
    lines = [f"| kind | files | {' | '.join(OUTCOMES)} |", "|---" * (len(OUTCOMES) + 2) + "|"]
    for kind, counts in sorted(kinds.items(), key=lambda item: -item[1].total()):
        cells = [str(counts[outcome] or "") for outcome in OUTCOMES]
        lines.append(f"| {kind} | {counts.total()} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
