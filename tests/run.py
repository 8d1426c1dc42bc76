# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up what the tests need and runs them: `python3 tests/run.py [PART ...] [OPTIONS] [-- PYTEST ARGUMENTS]`.

Without options it runs the quick tier. --thorough runs all tests. --changed REV runs the quick tier and the thorough
tests of each folder that differs from the git revision REV. --set-up only sets the parts up.

Needs Python 3.11 or newer with pip, and a network the first time. Everything goes to the folder `.environments` in
the repository, or to the one that MONO3D_TEST_ENVIRONMENTS names, and is used again by the next run.

Parts, all by default; one that this machine cannot offer is left out with its reason:
  core         everything outside Blender, with the packages that the product's own installer brings
  training     the tests of the folder `training`; in the quick tier only after a change there
  bpy-4.2 bpy-4.5 bpy-5.0 bpy-5.2   the Blender side in the `bpy` wheels (5.2 needs Python 3.13)
  browser      the web page in Debian's Chromium, headless (installed with apt-get where it is missing; needs root then)
  website      the documentation site, built by MkDocs and visited by Chromium
  blender-4.3 blender-5.2           the installed extension in Debian's Blender programs (needs root, on Debian)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.running.changes import changed_files, patterns_of
from tests.running.environments import HOME, ROOT, LeftOut
from tests.running.parts import PARTS, Part, Tier
from tests.running.pytest_run import ONE_THREAD, Command, Outcome, pytest, together
from tests.running.summary import exit_code, summary

LANES = min(4, (os.cpu_count() or 1) + 1)
"""How many processes share the core's tests, and how many other parts run at a time.

One more than there are processors: tests wait for other processes, and now and then for a time to pass.
"""

Ready = Mapping[str, "Future[tuple[Command, float]]"]
"""Part -> its command and the seconds of its set-up, once it is set up."""


def main(arguments: Sequence[str]) -> int:
    """Runs the wanted parts and returns 0 when no test failed."""
    began = time.monotonic()
    split = list(arguments).index("--") if "--" in arguments else len(arguments)
    options = parser().parse_args(arguments[:split])
    if unknown := [part for part in options.parts if part not in PARTS]:
        print(f"There is no part '{unknown[0]}'; choose from {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    try:
        patterns = patterns_of(changed_files(ROOT, options.changed)) if options.changed else ()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    tier = Tier(options.thorough, patterns)
    if patterns:
        print(f"thorough tests of what has changed: {', '.join(patterns)}", flush=True)
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = [PARTS[name] for name in dict.fromkeys(options.parts or PARTS)]
    # A part that is named always runs.
    absent = {part.name: reason for part in wanted if not options.parts and (reason := part.absence(tier))}
    # What does not need the core's environment is set up beside it.
    order = sorted((part for part in wanted if part.name not in absent), key=lambda part: part.needs_core)
    with ThreadPoolExecutor(2) as ahead:
        ready: dict[str, Future[tuple[Command, float]]] = {}
        for part in order:
            ready[part.name] = ahead.submit(timed, part, ready.get("core") if part.needs_core else None)
        try:
            if options.set_up:
                return set_up(ready)
            outcomes = run_all(wanted, absent, ready, tier, list(arguments[split + 1 :]))
        finally:
            ahead.shutdown(cancel_futures=True)
    print(f"\n{summary(outcomes, time.monotonic() - began)}", flush=True)
    return exit_code(outcomes)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line without pytest's arguments."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    made.add_argument("parts", nargs="*", metavar="PART")
    made.add_argument("--thorough", action="store_true", help="run all tests")
    made.add_argument("--changed", metavar="REV", default="", help="also run the thorough tests of what has changed")
    made.add_argument("--set-up", action="store_true", help="set the parts up and run nothing")
    return made


def timed(part: Part, before: Future[tuple[Command, float]] | None) -> tuple[Command, float]:
    """Sets a part up after another one; returns its command and how many seconds that took."""
    if before is not None:
        before.result()
    began = time.monotonic()
    return part.prepare(), time.monotonic() - began


def set_up(ready: Ready) -> int:
    """Waits until all parts are set up and returns 0 when this machine offers all of them."""
    for name, future in ready.items():
        try:
            future.result()
        except LeftOut as reason:
            print(f"{name} left out: {reason}", file=sys.stderr)
            return 1
    return 0


def run_all(
    wanted: Sequence[Part], absent: Mapping[str, str], ready: Ready, tier: Tier, extra: list[str]
) -> list[Outcome]:
    """Runs the tests of the parts and returns their outcomes in order; `absent` has reasons by part."""
    outcomes: dict[str, Outcome] = {name: Outcome(name, reason=reason) for name, reason in absent.items()}
    present = [part for part in wanted if part.name not in absent]
    whole = [part for part in present if not part.is_split]
    for part in present:
        if part.is_split:
            outcomes[part.name] = run(part, ready, tier, extra, is_shown=True)
    queues: dict[str, list[Part]] = {}
    for part in whole:
        queues.setdefault(part.queue or part.name, []).append(part)

    def run_in_turn(parts: Sequence[Part]) -> dict[str, Outcome]:
        return {part.name: run(part, ready, tier, extra, is_shown=len(whole) == 1) for part in parts}

    with ThreadPoolExecutor(LANES) as lanes:
        for done in lanes.map(run_in_turn, queues.values()):
            outcomes |= done
    return [outcomes[part.name] for part in wanted]


def run(part: Part, ready: Ready, tier: Tier, extra: list[str], *, is_shown: bool) -> Outcome:
    """Runs a part's tests once it is set up; `extra` are arguments for pytest."""
    try:
        command, set_up_seconds = ready[part.name].result()
    except LeftOut as reason:
        print(f"\n=== {part.name} ===\nleft out: {reason}", flush=True)
        return Outcome(part.name, reason=str(reason))
    if not Path(command.words[0]).exists():
        return Outcome(part.name, reason="run the part 'core' first")
    # Tests that are named replace the part's own.
    is_named = any((ROOT / word.partition("::")[0]).exists() for word in extra)
    words = [*(word for word in part.tests if word.startswith("-") or not is_named), *part.options(tier), *extra]

    def pytest_with(words: Sequence[str], more: Sequence[str], variables: Mapping[str, str]) -> Outcome:
        one = replace(command, variables={**command.variables, **variables})
        results = HOME / "results" / f"{part.name}-{len(more)}.xml"
        return pytest(part.name, one, [*words, *more], root=ROOT, results=results, is_shown=is_shown)

    if is_shown:
        print(f"\n=== {part.name} ===", flush=True)
    # A few chosen tests are faster in one process.
    is_split = part.is_split and all(word.startswith("-") for word in extra) and "-m" not in extra
    split = ["-m", "not serial", "-n", str(LANES), "--dist", "loadscope"]
    beside = [pytest_with(words, split, ONE_THREAD)] if is_split else []
    # What is set up meanwhile takes time from tests that measure time.
    wait(ready.values())
    alone = pytest_with(mentioning("serial", words), ["-m", "serial"], {}) if is_split else pytest_with(words, [], {})
    done = together(part.name, [*beside, alone])
    if not done.passed and not extra:
        done = replace(done, failed=done.failed or 1)
    return replace(done, set_up=set_up_seconds)


def mentioning(marker: str, words: Sequence[str]) -> list[str]:
    """Returns words for pytest in which the test files that mention a marker stand for their folders.

    The others need not be imported then. A folder without any such file stays.
    """
    ignored = [ROOT / word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
    found: list[str] = []
    for word in words:
        files = [] if word.startswith("-") else sorted((ROOT / word).rglob("test_*.py"))
        wanted = [
            path.relative_to(ROOT).as_posix()
            for path in files
            if f"mark.{marker}" in path.read_text(encoding="utf-8") and not {path, *path.parents} & {*ignored}
        ]
        found += wanted or [word]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
