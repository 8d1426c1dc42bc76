# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import io
import sys
from pathlib import Path

import pytest

from mono3d_addon.display import StageLines, TerminalDisplay
from mono3d_addon.farm.progress import BatchDisplay
from mono3d_addon.run.photos import PhotoTask
from mono3d_addon.run.plan import PlannedPhoto
from mono3d_addon.run.report import Record


def show(path: Path, status: str) -> None:
    counts, camera = {"vertices": 3, "triangles": 1, "points": 0}, {"source": "assumed"}
    record = Record(str(path), status, counts=counts, camera=camera, files=["x/写真.ply"])  # type: ignore[arg-type]
    display = TerminalDisplay(1, None)
    display.finished(PhotoTask(path, path.stem), record)
    display.close()


def test_one_file_is_not_files(capsys: pytest.CaptureFixture[str]) -> None:
    show(Path("cup.jpg"), "done")
    assert "-> 1 file in x" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("status", ["done", "failed", "skipped"])
def test_a_name_that_the_terminal_cannot_show_stops_no_batch(
    encoding: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a redirected output has an old encoding, and on Linux a file name may be no text at all."""
    shown = io.BytesIO()
    stream = io.TextIOWrapper(shown, encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    path = Path("写真 caf\udce9.jpg")
    show(path, status)
    assert b"caf\\udce9.jpg: " in shown.getvalue()


class Full(io.StringIO):
    """What has a full disk behind it."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stream", [None, Full()])
@pytest.mark.parametrize("status", ["done", "failed", "skipped"])
def test_a_log_that_nobody_can_read_stops_no_batch(
    stream: io.StringIO | None, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    show(Path("cup.jpg"), status)
    with StageLines() as lines:
        lines.progress("Downloading", 0.5)


def test_a_name_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    for status in ("done", "failed", "skipped"):
        show(Path("a\x1b[2J\nb.jpg"), status)
    out, err = capsys.readouterr()
    assert out.count("a\\x1b[2J\\nb.jpg: ") == 2 and err.startswith("a\\x1b[2J\\nb.jpg: ") and "\x1b" not in out + err


def test_a_batch_overwrites_its_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("mono3d_addon.farm.progress._SECONDS_ON_A_TERMINAL", 0.0)
    display = BatchDisplay(2)
    display.finished(PlannedPhoto("", "a\x1b[2J.jpg", 0, ""), Record("a", "failed", "It is\ndamaged."))
    failure, progress = shown.getvalue().split("\n")
    assert failure == "\r\x1b[Ka\\x1b[2J.jpg: failed. It is\\ndamaged."
    assert progress.startswith("\r\x1b[K0 of 2 done, 1 failed, ")
