# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's command: plan | install | bundle | verify | uninstall | doctor | lock."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import locks
from .components import COMPONENTS
from .doctor import doctor
from .errors import InstallError
from .folders import size_text
from .graphics import BACKEND_NAMES
from .installation import bundle, install
from .interpreter import probe
from .manifest import find
from .planning import plan
from .plans import Plan
from .platforms import PLATFORM_TAGS
from .program import COMMAND
from .upkeep import uninstall, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 0 done, 1 failed with a message on stderr, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except InstallError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Cancelled; installed packages are unchanged.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help)
        made.set_defaults(run=run)
        if name != "lock":
            made.add_argument("--data-folder", type=Path, required=True, help="folder to install into")
            made.add_argument("--python", default=sys.executable, help="interpreter to install for (default: this one)")
        return made

    for name, run, text in (
        ("plan", _plan, "show packages, sizes and folder of an installation; queries package indexes unless --offline"),
        ("install", _install, "install components; uses the network unless --offline or --wheelhouse"),
        ("bundle", _bundle, "download components into a folder, for machines without a network"),
    ):
        made = command(name, run, text)
        made.add_argument("components", nargs="+", metavar="COMPONENT", help=f"one of {', '.join(COMPONENTS)}")
        made.add_argument(
            "--backend",
            help=f"build of PyTorch (default: chosen for this machine); one of {', '.join(BACKEND_NAMES)}",
            metavar="BACKEND",
        )
        made.add_argument(
            "--system",
            default="",
            metavar="NAMES",
            help="packages to take from the interpreter itself, separated by commas",
        )
        if name == "bundle":
            made.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="created if missing")
            made.add_argument("--python-tag", help="Python of the target machine, such as cp311 (default: this one)")
            made.add_argument(
                "--platform", choices=tuple(PLATFORM_TAGS), help="platform of the target machine (default: this one)"
            )
            continue
        made.add_argument("--offline", action="store_true", help="do not use the network")
        made.add_argument(
            "--wheelhouse",
            type=Path,
            metavar="FOLDER",
            help="install from this folder, made by 'bundle', without the network",
        )
        if name == "install":
            made.add_argument("--repair", action="store_true", help="reinstall what is installed already")
            made.add_argument(
                "--keep-downloads", action="store_true", help="keep the downloaded files after the installation"
            )
    for name, run, text in (
        ("verify", _verify, "check that installed components are complete and work"),
        ("uninstall", _uninstall, "remove components"),
    ):
        made = command(name, run, text)
        made.add_argument("components", nargs="+", metavar="COMPONENT", help=f"one of {', '.join(COMPONENTS)}")
    command("doctor", _doctor, "describe the machine, Python and installed components, for a bug report")
    made = command("lock", _lock, "regenerate lock files from the package indexes (for maintainers)")
    made.add_argument("names", nargs="+", metavar="NAME", help="such as worker-cp311-linux_x86_64-cpu, or 'all'")
    made.add_argument(
        "--only",
        nargs="+",
        metavar="PACKAGE",
        default=(),
        help="renew or add the lines of these packages only; all others stay as they are",
    )
    return parser


def _plans(options: argparse.Namespace) -> list[Plan]:
    system = tuple(name.strip() for name in options.system.split(",") if name.strip())
    return [
        plan(
            name,
            options.data_folder,
            backend=options.backend,
            python=options.python,
            system=system,
            allow_network=not options.offline,
            wheelhouse=options.wheelhouse,
        )
        for name in options.components
    ]


def _plan(options: argparse.Namespace) -> None:
    for made in _plans(options):
        print(made.summary())


def _install(options: argparse.Namespace) -> None:
    for made in _plans(options):
        print(made.summary(), flush=True)
        if made.done and not options.repair:
            continue
        with ProgressLine() as line:
            done = install(
                made,
                allow_network=not options.offline,
                progress=line,
                repair=options.repair,
                keep_downloads=options.keep_downloads,
            )
        print(f"Installed {done.name}: {size_text(done.stored_bytes)} in {done.seconds:.0f} s")


def _bundle(options: argparse.Namespace) -> None:
    target = None
    if options.python_tag or options.platform:
        here = probe(options.python)
        target = (options.python_tag or here.tag, options.platform or here.platform)
    system = tuple(name.strip() for name in options.system.split(",") if name.strip())
    for name in options.components:
        made = plan(
            name,
            options.data_folder,
            backend=options.backend,
            python=options.python,
            system=system,
            allow_network=True,
            target=target,
        )
        with ProgressLine() as line:
            count = bundle(made, options.output, progress=line)
        pinned = "" if all(item.hashed for item in made.packages) else " (not all of them are pinned by a hash)"
        print(f"{made.lock.name}: {count} files in {options.output}{pinned}")


def _verify(options: argparse.Namespace) -> None:
    tag = probe(options.python).tag
    for name in options.components:
        found = find(name, options.data_folder, tag)
        if found is None:
            raise InstallError(f"'{name}' is not installed for {tag} in '{options.data_folder}': install it first.")
        verify(found, options.data_folder, python=options.python)
        print(f"{found.name} is complete and works.")


def _uninstall(options: argparse.Namespace) -> None:
    tag = probe(options.python).tag
    for name in options.components:
        done = uninstall(name, options.data_folder, tag)
        print(f"{name}: {'removed' if done.environments else 'was not installed'}")
        for path in done.waiting:
            print(f"  '{path}' is in use; the next start or installation after that removes it.")


def _doctor(options: argparse.Namespace) -> None:
    print(doctor(options.data_folder, options.python))


def _lock(options: argparse.Namespace) -> None:
    from .relock import all_names, make_lock, renew

    for name in all_names() if options.names == ["all"] else options.names:
        component, python_tag, platform, backend = name.split("-", 3)
        if options.only:
            old = locks.load(component, python_tag, platform, backend)
            if old is None:
                raise InstallError(f"There is no lock '{name}' yet; make it without --only.")
            made = renew(old, COMPONENTS[component], options.only)
        else:
            made = make_lock(COMPONENTS[component], python_tag, platform, backend)
        (locks.FOLDER / f"{name}.txt").write_text(made.text(), "utf-8")
        print(f"{name}: {len(made.files)} files, {size_text(sum(item.bytes for item in made.files))}", flush=True)


class ProgressLine:
    """Shows progress in one line of a terminal, or as a new line every few seconds if stderr is no terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown_at = 0.0
        self._complete = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            print(file=sys.stderr)

    def __call__(self, stage: str, fraction: float) -> None:
        """Shows a stage and its fraction, 0..1."""
        now = time.monotonic()
        if now - self._shown_at < (0.1 if self._terminal else 5.0) and (fraction < 1.0 or self._complete):
            return
        self._shown_at, self._complete = now, fraction >= 1.0
        text = f"{100 * fraction:3.0f} %  {stage}"
        if self._terminal:
            width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
            print(f"\r{text[:width]:<{width}}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
