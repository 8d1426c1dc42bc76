# SPDX-License-Identifier: GPL-3.0-or-later
"""The text at the end of a run: counts and durations of each part, the slowest tests, and the totals.

A part's processor time, unlike its duration, hardly depends on what else the machine does.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.running.pytest_run import Outcome

SLOWEST = 10


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Returns the summary of a run that took `seconds`; its last line is 'N passed, N failed, N skipped'."""
    lines = ["=== summary ===", f"{'part':12} {'set-up':>8} {'tests':>8} {'processor':>10}"]
    for one in outcomes:
        counts = f"{one.passed} passed, {one.failed} failed, {one.skipped} skipped"
        durations = f"{one.set_up:6.0f} s {one.seconds:6.0f} s {one.processor:8.0f} s"
        lines.append(f"{one.part:12} " + (f"left out: {one.reason}" if one.reason else f"{durations}   {counts}"))
    slowest = sorted(((*test, one.part) for one in outcomes for test in one.tests), reverse=True)[:SLOWEST]
    lines += ["", "slowest tests:", *(f"{duration:6.1f} s  {part:12} {name}" for duration, name, part in slowest)]
    passed, failed, skipped = (sum(getattr(one, name) for one in outcomes) for name in ("passed", "failed", "skipped"))
    lines += ["", f"{seconds / 60:.1f} minutes in all", f"{passed} passed, {failed} failed, {skipped} skipped"]
    return "\n".join(lines)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Returns 0 when tests passed and none failed."""
    return 0 if any(one.passed for one in outcomes) and not any(one.failed for one in outcomes) else 1
