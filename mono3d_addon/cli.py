# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d_addon PHOTO... -o FOLDER`: the pipeline without Blender."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from . import environment, models_command
from .arguments import CommandLine, parse
from .core.user_path import user_path
from .display import TerminalDisplay, say
from .environment import WORKER
from .equipping import MakeSceneWriter, Place, components_of, equipped, jobs_for
from .errors import Mono3DError, WrongUsage, unforeseen
from .installing import install
from .run import shards
from .run.finished import FinishedPhotos
from .run.in_folder import FolderResults
from .run.loop import Decode, Flow, run, timed
from .run.photos import find
from .run.placement import prepare, prepare_report, reject_overwrites
from .run.report import Record, write_report
from .run.target import target_of
from .settings import RunOptions

DONE, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def mono3d() -> int:
    """Runs the command `mono3d`, which pip installs, with the arguments of this process; returns its exit code."""
    return main(sys.argv[1:])


def mono3d_web() -> int:
    """Runs the command `mono3d-web`, which is short for `mono3d web`; returns its exit code."""
    return main(["web", *sys.argv[1:]])


def main(
    arguments: Sequence[str],
    program: str = "mono3d",
    scene_writer: MakeSceneWriter | None = None,
    no_network: str = "",
    data_folder: Path | None = None,
    install_folder: Path | None = None,
    decode: Decode | None = None,
) -> int:
    """Runs the command and returns its exit code: 0 all done, 1 some failed, 2 wrong usage, 130 interrupted.

    `scene_writer` makes what writes .blend files; None: a runner with the `bpy` wheel.
    `no_network` is the reason why downloads are forbidden even with the flags that request them; empty: they are not.
    `data_folder` is used if neither --data-folder nor MONO3D_DATA names one; None: the system's folder for user data.
    `install_folder` takes the place of `data_folder` with --install.
    `decode` decodes photos for a worker without packages, which then uses numpy alone; None: a worker uses Pillow too,
    and without it a program of the system decodes.
    """
    _interrupt_on_signals()
    name = program.removesuffix(" --")

    def place_of(options: RunOptions) -> Place:
        fallback = install_folder if options.install else data_folder
        return Place(environment.data_folder(options.data_folder, fallback or data_folder), scene_writer, decode)

    try:
        if list(arguments[:1]) == ["models"]:
            return models_command.run(
                arguments[1:], f"{program} models", no_network=no_network, data_folder=data_folder
            )
        if list(arguments[:1]) == ["web"]:
            return _web(arguments[1:], program, no_network, in_blender=scene_writer is not None)
        if list(arguments[:1]) == ["batch"]:
            # Its stores take a quarter of the start.
            from .farm import command as farm_command

            return farm_command.run(arguments[1:], f"{program} batch", place_of, no_network=no_network)
        command = parse(arguments, program)
        options = command.options
        if no_network and ((options.install and not options.wheelhouse) or options.download):
            raise Mono3DError(no_network)
        return _run(command, place_of(options), may_ask=not no_network)
    except SystemExit as exit:  # argparse has already printed the reason
        return int(exit.code or 0)
    except Mono3DError as error:
        say(f"{name}: {error}", sys.stderr)
        return USAGE if isinstance(error, WrongUsage) else SOME_FAILED
    except KeyboardInterrupt:
        say(f"{name}: interrupted; finished results are kept.", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output has closed it, as in `models list | head`
        return SOME_FAILED
    except Exception as error:
        with contextlib.suppress(OSError):
            traceback.print_exc()
        say(f"{name}: {unforeseen(error, 'the traceback above')}", sys.stderr)
        return SOME_FAILED
    finally:
        # Flush here, where errors are handled; the interpreter's own flush at exit would print them.
        for stream in (sys.stdout, sys.stderr):
            say("", stream, end="")


def _interrupt_on_signals() -> None:
    """Makes SIGTERM and SIGHUP end the run as Ctrl+C does: workers stop and no partial files are left."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), interrupt)


def _web(arguments: Sequence[str], program: str, no_network: str, *, in_blender: bool) -> int:
    if in_blender or not Path(__file__).with_name("web").is_dir():
        # Blender's own packages could conflict with the server's, and the extension does not contain the page.
        raise Mono3DError("The extension does not include the web page; start it with Python from the repository.")
    from .web import command as web_command

    return web_command.run(arguments, f"{program} web", no_network=no_network)


def _run(
    command: CommandLine,
    place: Place,
    *,
    may_ask: bool,
) -> int:
    began = time.perf_counter()
    options, data_folder = command.options, place.data_folder
    target = target_of(options)
    environment.tidy(data_folder)
    if options.install:
        install(components_of(target, place), data_folder, options)
    if not command.photos:
        if options.install:
            say(f"All packages are installed in {data_folder}.", sys.stdout)
        if options.download:
            models_command.ensure_weights(command.settings, data_folder, allow_download=True)
        return DONE
    found = find(command.photos)
    every_task = reject_overwrites(found.tasks, target)
    tasks = shards.select(every_task, options.shard)
    if found.skipped:
        say(_skipped(found.skipped), sys.stdout)
    if target.name and len(every_task) > 1:
        raise WrongUsage(f"{options.output} names one file but there are {len(every_task)} photos; give a folder.")
    report = user_path(options.report) if options.report else None
    if report is not None:
        prepare_report(report, every_task)
    target, equipment = equipped(command.settings, options, target, place)
    prepare(target)
    weights = models_command.weights_digest(command.settings, data_folder)
    known = FinishedPhotos(target.folder)

    def results() -> FolderResults:
        return FolderResults(
            target, command.settings, weights, every_task, skip_existing=options.skip_existing, known=known
        )

    to_do = list(filter(results().is_to_do, tasks))
    if to_do and may_ask:
        models_command.ensure_weights(command.settings, data_folder, allow_download=options.download)
        weights = weights or models_command.weights_digest(command.settings, data_folder)
    jobs = jobs_for(command.settings, options, len(to_do), data_folder)
    runners = equipment.runners(jobs)
    has_scenes = "blend" in target.formats and any(not task.problem for task in tasks)
    scenes = equipment.scenes(runners, is_likely=has_scenes)
    display = TerminalDisplay(len(tasks), equipment.packages.get(WORKER))
    records: list[Record] = []
    try:
        run(
            tasks,
            command.settings,
            results(),
            runners,
            scenes,
            display,
            lambda task, record: records.append(record),
            Flow(jobs),
            equipment.decode,
        )
    finally:
        display.close()
        if report is not None:
            write_report(report, records, time.perf_counter() - began)
    say(timed(records, began), sys.stdout)
    if any(record.status == "failed" for record in records):
        if remedy := models_command.remedy(command.settings, data_folder):
            say(remedy, sys.stderr)
        return SOME_FAILED
    is_any_done = any(record.status == "done" for record in records)
    if is_any_done and (line := models_command.next_step(command.settings, data_folder, is_bare=equipment.is_bare)):
        say(line, sys.stdout)
    return DONE


def _skipped(pictures: Sequence[Path]) -> str:
    first, others = f"'{pictures[0].name}'", len(pictures) - 1
    more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
    was = f"{first}{more} were skipped as results" if others else f"{first} was skipped as a result"
    return f"{was} of an earlier run; to process such a photo, name the file itself."
