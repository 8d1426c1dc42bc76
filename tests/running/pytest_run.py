# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pytest in a process of its own and reads its results from the JUnit file that it writes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For runs side by side: threads of a numerical library spin while they wait for one that another process keeps from
running, which makes some tests dozens of times slower."""

NO_TESTS = 5
"""The exit code of pytest when no test was selected."""

_PRINT = threading.Lock()


@dataclass(frozen=True)
class Command:
    """How a part starts pytest: the words of the command without tests and options, and environment variables."""

    words: tuple[str, ...]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """The result of a part: counts, durations in seconds and (seconds, name) of its tests, or why it did not run.

    `processor` is the processor time of pytest and of the processes that it has waited for; 0 on Windows.
    """

    part: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reason: str = ""
    set_up: float = 0.0
    seconds: float = 0.0
    processor: float = 0.0
    tests: tuple[tuple[float, str], ...] = ()


def pytest(
    part: str, command: Command, arguments: Sequence[str], *, root: Path, results: Path, is_shown: bool
) -> Outcome:
    """Runs pytest in the folder `root` and returns its outcome; its output is shown while it runs or at the end.

    A crash after the last test counts as a failed test; a run that selects no test does not.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    variables = {**os.environ, **command.variables, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    words = [*command.words, f"--junitxml={results}", *arguments]
    began = time.monotonic()
    process = subprocess.Popen(
        words,
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    held: list[str] = []
    for line in process.stdout:
        if is_shown:
            print(line, end="", flush=True)
        else:
            held.append(line)
    code, processor = waited_for(process)
    if held:
        with _PRINT:
            print(f"\n=== {part} ===\n{''.join(held)}", end="", flush=True)
    return replace(read_results(part, results, code), seconds=time.monotonic() - began, processor=processor)


def waited_for(process: subprocess.Popen[str]) -> tuple[int, float]:
    """Waits for a process; returns its exit code and its seconds of processor time, see `Outcome`."""
    if os.name == "nt":
        return process.wait(), 0.0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def read_results(part: str, results: Path, code: int) -> Outcome:
    """Returns what a JUnit file of pytest says; `code` is pytest's exit code."""
    if not results.exists():
        return Outcome(part, failed=int(code != NO_TESTS))
    tests = []
    passed = failed = skipped = 0
    for case in ElementTree.parse(results).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        tests.append((float(case.get("time", 0.0)), name))
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    failed = failed or int(code not in (0, NO_TESTS))
    return Outcome(part, passed, failed, skipped, tests=tuple(sorted(tests, reverse=True)))


def together(part: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Returns the sums of a part's runs, one after the other."""
    summed = ("passed", "failed", "skipped", "seconds", "processor")
    counts = {name: sum(getattr(one, name) for one in outcomes) for name in summed}
    tests = sorted((test for one in outcomes for test in one.tests), reverse=True)
    return Outcome(part, **counts, tests=tuple(tests))
