# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d_addon batch ...`: plans a batch, does it here or elsewhere, says how far it is, and reports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from .. import environment, models_command
from ..arguments import BatchLine, parse_batch
from ..display import say
from ..equipping import Place, components_of
from ..errors import Mono3DError, WrongUsage
from ..formats import previews_of
from ..installing import install
from ..run.plan import PHOTOS, Plan, read_plan, write_plan
from ..run.stores import Store, source_of, store_of
from ..run.target import Target
from ..settings import BatchOptions
from . import warm
from .local import run_here
from .openjd import write_template
from .ray_cluster import run_on_ray
from .summary import as_json, merge, place_of_report, summary_of
from .work import FarmRunner, Work

DONE, SOME_FAILED = 0, 1

RUNNERS: Mapping[str, FarmRunner] = MappingProxyType({"local": run_here, "ray": run_on_ray, "openjd": write_template})
"""What does a batch, by the word of `--runner`."""


def run(
    arguments: Sequence[str], program: str, place_of: Callable[[BatchOptions], Place], *, no_network: str = ""
) -> int:
    """Runs the command after the word `batch` and returns the exit code: 0 all done, 1 some failed.

    `place_of` returns where a command with these options runs. `no_network` is the reason why downloads are forbidden;
    empty: they are not. Raises Mono3DError with a sentence for the user, SystemExit for wrong usage and --help.
    """
    line = parse_batch(arguments, program)
    options, place = line.options, place_of(line.options)
    if no_network and ((options.install and not options.wheelhouse) or options.download):
        raise Mono3DError(no_network)
    try:
        return _run(line, place)
    except BrokenPipeError:
        # The reader of the output has closed it.
        raise
    except OSError as error:
        raise Mono3DError(
            f"The batch cannot go on ({error}); start it again when that is put right, what is done is kept."
        ) from error


def _run(line: BatchLine, place: Place) -> int:
    """Returns the exit code. Raises OSError too, if the plan or the journal cannot be read or written."""
    options = line.options
    if line.action == "stop":
        is_stopped = warm.stop(options.warm)
        say("The warm workers have ended." if is_stopped else "There are no warm workers.", sys.stdout)
        return DONE
    store = store_of(options.output)
    if line.action == "status":
        found = summary_of(store, read_plan(store))
        say(as_json(found) if line.as_json else found.words(), sys.stdout)
        return DONE
    if line.action == "merge":
        return _merged(store, read_plan(store), options)
    environment.tidy(place.data_folder)
    has_plan = line.action in ("run", "start")
    if options.install:
        formats = read_plan(store).formats if has_plan else _formats(options)
        install(components_of(_target(store, formats, place), place), place.data_folder, options)
    plan = read_plan(store) if has_plan else _planned(line, store, place)
    if line.action == "plan":
        say(f"'batch run -o {options.output}' does them; --shard 1/20 does one of twenty parts.", sys.stdout)
        return DONE
    if line.action == "start":
        number = warm.start(Work(options.output, options, plan), place, options.warm)
        say(f"Warm workers are kept by process {number}.", sys.stdout)
        return DONE
    if options.warm and options.runner != "local":
        raise WrongUsage("--warm is for the runner 'local'; the others keep workers warm by themselves.")
    is_done = RUNNERS[options.runner](Work(options.output, options, plan), place)
    if is_done is None or line.action == "run":
        return DONE if is_done is not False else SOME_FAILED
    return _merged(store, plan, options)


def _planned(line: BatchLine, store: Store, place: Place) -> Plan:
    options = line.options
    sources = [source_of(word, store.folder or options.output) for word in line.photos]
    formats = _formats(options)
    if not formats:
        raise WrongUsage("Without a format and a preview nothing would be written; choose a format with --format.")
    store.prepare()
    models_command.ensure_weights(line.settings, place.data_folder, allow_download=options.download)
    weights = models_command.weights_expected(line.settings, place.data_folder)

    def tell(photos: int) -> None:
        say(f"{photos:,} photos found", sys.stderr)

    plan = write_plan(store, sources, line.settings, formats, weights, options.compress, tell)
    say(f"{plan.photos:,} photos, {plan.bytes / 1e6:,.0f} MB, are planned in {PHOTOS} beside the results.", sys.stdout)
    return plan


def _merged(store: Store, plan: Plan, options: BatchOptions) -> int:
    found = merge(store, plan, options.report)
    say(f"{found.words()} The report is {place_of_report(options.output, options.report)}.", sys.stdout)
    return SOME_FAILED if found.failed else DONE


def _formats(options: BatchOptions) -> tuple[str, ...]:
    return (*options.format, *previews_of(options.preview))


def _target(store: Store, formats: tuple[str, ...], place: Place) -> Target:
    return Target(store.folder or place.data_folder, formats)
