# SPDX-License-Identifier: GPL-3.0-or-later
"""Output of a run: a progress bar on a terminal, and a line for each photo."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from .core.plain_name import printable
from .run.photos import PhotoTask
from .run.report import Record


def say(line: str, stream: TextIO | None, end: str = "\n") -> None:
    """Prints text to standard output or error, and ignores failures of the stream.

    Control characters, except new lines, are shown as escapes: a file name must not move the cursor.

    The reader may have closed it (`| head`), the disk behind it may be full, or it was never open (None).
    """
    _write(printable(line, keep="\n\t"), stream, end)


def say_over(line: str, stream: TextIO | None) -> None:
    """Prints text in place of the last line of a terminal, as `say` does but without a new line."""
    _write(f"\r\033[K{printable(line)}", stream, end="")


def _write(text: str, stream: TextIO | None, end: str = "\n") -> None:
    if stream is None:
        return
    # File names may have bytes or characters that the encoding of the output lacks.
    encoding = stream.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, end=end, flush=True)
    except OSError:
        # Later flushes, such as that at exit, would fail too and change the exit code.
        with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())


class TerminalDisplay:
    """Shows a tqdm bar on a terminal and prints one line for each finished photo.

    `packages` is the folder of the installed packages, which include tqdm; without tqdm there is no bar.
    """

    def __init__(self, total: int, packages: Path | None) -> None:
        self._total = total
        self._fractions: dict[str, float] = {}
        self._bar: Any = None
        tqdm = _load_tqdm(packages) if _is_terminal(sys.stderr) else None
        if tqdm is not None:
            form = "{desc:<22.22} {percentage:3.0f}%|{bar}| {n:.1f}/{total:.0f} photos [{elapsed}<{remaining}]"
            self._bar = tqdm.tqdm(total=float(total), bar_format=form, file=sys.stderr, leave=False)

    def progress(self, task: PhotoTask, stage: str, fraction: float) -> None:
        """Moves the bar."""
        if self._bar is None:
            return
        self._fractions[task.name] = fraction
        self._bar.n = sum(self._fractions.values())
        self._bar.set_description_str(stage)

    def finished(self, task: PhotoTask, record: Record) -> None:
        """Prints the line of a photo: to standard error if it failed, else to standard output."""
        self.progress(task, "", 1.0)
        name = printable(task.path.name)
        if record.status == "done":
            counts = record.counts
            where = Path(record.files[0]).parent if record.files else ""
            files = "1 file" if len(record.files) == 1 else f"{len(record.files)} files"
            line = (
                f"{name}: {counts['vertices']:,} vertices, {counts['triangles']:,} triangles, "
                f"camera: {record.camera['source']}, depth: {record.model} ({record.engine}) "
                f"-> {files} in {printable(str(where))}"
            )
            self._print("\n".join([line, *(f"  {printable(note)}" for note in record.notes)]), sys.stdout)
        elif record.status == "skipped":
            self._print(f"{name}: skipped. {printable(record.message)}", sys.stdout)
        else:
            self._print(f"{name}: failed. {printable(record.message)}", sys.stderr)

    def close(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.close()

    def _print(self, line: str, stream: TextIO | None) -> None:
        if self._bar is not None:
            self._bar.clear()
        say(line, stream)
        if self._bar is not None:
            self._bar.refresh()


class StageLines:
    """Shows the stages of one long job without tqdm: a line that is overwritten on a terminal, else separate lines.

    Text after a colon in a stage is detail; off a terminal a change of the detail alone is printed only after a further
    tenth of the job.
    """

    def __enter__(self) -> StageLines:
        self._overwrites = _is_terminal(sys.stderr)
        self._stage, self._printed = "", 0.0
        return self

    def __exit__(self, *_: object) -> None:
        if self._overwrites:
            say("", sys.stderr)

    def progress(self, stage: str, fraction: float) -> None:
        """Shows the stage and the completed percentage."""
        if self._overwrites:
            say_over(f"{fraction:4.0%} {stage}", sys.stderr)
        elif stage.partition(":")[0] != self._stage or fraction >= self._printed + 0.1:
            say(f"{fraction:4.0%} {stage}", sys.stderr)
            self._stage, self._printed = stage.partition(":")[0], fraction


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _load_tqdm(packages: Path | None) -> Any:
    """Imports tqdm, which is pure Python without dependencies, from the folder of the installed packages.

    The folder is searched last and for this import only, so that it cannot shadow the interpreter's own packages.
    """
    if packages is not None:
        sys.path.append(str(packages))
    try:
        return importlib.import_module("tqdm.std")
    except ImportError:
        return None
    finally:
        if packages is not None:
            sys.path.remove(str(packages))
