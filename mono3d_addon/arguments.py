# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, generated from the settings: `--help` shows the basic options, `--help-all` every one."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import Mono3DError
from .settings import (
    PRESETS,
    AnySettings,
    BatchOptions,
    RunOptions,
    SettingField,
    Settings,
    WebOptions,
    coerce,
    fields_of,
    preset,
)
from .version import version

DESCRIPTION = "Turns photos into coloured, camera-matched 3D meshes."
_MOST_IN_BRACES = 8
OFF = "off"
EPILOG = (
    "Exit code: 0 all photos done, 1 some or all photos failed or the run could not start, 2 wrong usage, "
    "130 interrupted."
)


BATCH_DESCRIPTION = (
    "Turns many photos into coloured, camera-matched 3D meshes, on one computer or several: makes a plan, does it, and "
    "writes a report. Run it again to go on after an interruption."
)
BATCH_ACTIONS = {
    "plan": "Lists the photos and notes the settings, for any number of computers.",
    "run": "Does the photos of a plan, or with --shard a part of them; what is done already is left out.",
    "status": "Prints how many photos of a plan are done, have failed and are left, how fast it goes and until when.",
    "merge": "Writes one report of all that was done so far.",
    "start": "Starts workers that stay warm for one 'run' after another, in the background.",
    "stop": "Ends the workers that 'start' has started.",
}
"""What `batch` does in turn, each also by itself; and what keeps workers between several `run`."""

BATCH_EPILOG = (
    " '{program} plan', 'run', 'status' and 'merge' do one step each, 'start' and 'stop' keep workers warm for several "
    "'run'; their --help shows how."
)

_PLANNED = frozenset({"format", "preview", "compress"})
_BATCH_OPTIONS: Mapping[str, frozenset[str]] = {
    "": frozenset(item.name for item in fields_of(BatchOptions)) - {"skip_existing", "shard", "warm"},
    "plan": _PLANNED | {"output", "download", "data_folder"},
    "run": frozenset(item.name for item in fields_of(BatchOptions)) - _PLANNED - {"skip_existing", "report"},
    "status": frozenset({"output"}),
    "merge": frozenset({"output", "report"}),
    "start": frozenset(
        {"output", "warm", "jobs", "attempts", "retry_failed", "recycle", "install", "system", "backend", "wheelhouse"}
        | {"download", "data_folder"}
    ),
    "stop": frozenset({"warm"}),
}
"""The options that each step of `batch` takes. What is done already is always left out."""


@dataclass(frozen=True)
class BatchLine:
    """The parsed command line after `batch`: the step (empty: all), photos as typed, settings, options, and --json."""

    action: str
    photos: tuple[str, ...]
    settings: Settings
    options: BatchOptions
    as_json: bool


@dataclass(frozen=True)
class CommandLine:
    """The parsed command line: photos as typed (files, folders, patterns), settings and options of the run."""

    photos: tuple[str, ...]
    settings: Settings
    options: RunOptions


def parse(arguments: Sequence[str], program: str) -> CommandLine:
    """Returns the parsed `arguments`; `program` is the command as the user types it.

    Exits with code 2 and a sentence on standard error for wrong usage, 0 for --help, --help-all and --version.
    """
    parser = build_parser(program)
    # `parse_intermixed_args` would take words after `--` for options.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = vars(parser.parse_intermixed_args(_without_switches(arguments[:end])))
    photos = (*given.pop("photos", ()), *given.pop("rgb", ()), *arguments[end + 1 :])
    chosen = given.pop("preset", "balanced")
    try:
        options = RunOptions(**coerce(RunOptions, given))
        settings = Settings(**{**_values(preset(chosen)), **coerce(Settings, given)})
    except Mono3DError as error:
        parser.error(str(error))
    if not photos and not options.install and not options.download:
        parser.error("no photo was given")
    return CommandLine(photos, settings, options)


def parse_batch(arguments: Sequence[str], program: str) -> BatchLine:
    """Returns the parsed arguments after the word `batch`; exits as `parse` does."""
    action = next((word for word in arguments[:1] if word in BATCH_ACTIONS), "")
    words = arguments[1:] if action else arguments
    parser = build_batch_parser(f"{program} {action}".rstrip(), action)
    end = words.index("--") if "--" in words else len(words)
    given = vars(parser.parse_intermixed_args(_without_switches(words[:end])))
    photos = (*given.pop("photos", ()), *words[end + 1 :])
    as_json, chosen = given.pop("json", False), given.pop("preset", "balanced")
    try:
        options = BatchOptions(**coerce(BatchOptions, given))
        settings = Settings(**{**_values(preset(chosen)), **coerce(Settings, given)})
    except Mono3DError as error:
        parser.error(str(error))
    if not options.output and action != "stop":
        parser.error("no place for the results was given; name it with -o")
    if not options.warm and action in ("start", "stop"):
        parser.error("no folder for the warm workers was given; name it with --warm")
    if not photos and action in ("", "plan"):
        parser.error("no photo was given")
    return BatchLine(action, photos, settings, options, as_json)


def build_batch_parser(program: str, action: str, *, show_all: bool = False) -> argparse.ArgumentParser:
    """Returns the parser of an action of `batch` (empty: all of them in turn), as `build_parser` does."""
    has_photos = action in ("", "plan")
    parser = _Parser(
        prog=program,
        usage=f"%(prog)s [OPTION ...] {'PHOTOS [PHOTOS ...] ' * has_photos}"
        f"{'--warm FOLDER' if action == 'stop' else '-o PLACE'}",
        description=BATCH_ACTIONS.get(action, BATCH_DESCRIPTION),
        epilog=f"{EPILOG}{'' if action else BATCH_EPILOG.format(program=program)}",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_help_all(parser, lambda: build_batch_parser(program, action, show_all=True))
    if has_photos:
        parser.add_argument(
            "photos",
            nargs="*",
            metavar="PHOTOS",
            help="folder with photos in it or below it, photo, pattern such as 'in/**/*.jpg', or list: a .txt file "
            "with an address per line, .jsonl, or .parquet",
        )
        parser.add_argument("--preset", choices=tuple(PRESETS), help=f"detail and effort: {_presets()}")
        _add_all(parser, (Settings,), show_all)
    if action == "status":
        parser.add_argument("--json", action="store_true", help="print a JSON object")
    names = _BATCH_OPTIONS[action]
    _add_all(parser, (BatchOptions,), show_all, names)
    return parser


def parse_web(arguments: Sequence[str], program: str) -> WebOptions:
    """Returns the parsed arguments after the word `web`; exits as `parse` does."""
    parser = build_web_parser(program)
    given = vars(parser.parse_args(arguments))
    try:
        return WebOptions(**coerce(WebOptions, given))
    except Mono3DError as error:
        parser.error(str(error))


def build_web_parser(program: str, *, show_all: bool = False) -> argparse.ArgumentParser:
    """Returns the parser of `web`, as `build_parser` does."""
    parser = argparse.ArgumentParser(
        prog=program,
        usage="%(prog)s [OPTION ...]",
        description="Serves a web page that turns photos into coloured, camera-matched 3D meshes.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_help_all(parser, lambda: build_web_parser(program, show_all=True))
    _add_all(parser, (WebOptions,), show_all)
    return parser


def build_parser(program: str, *, show_all: bool = False) -> argparse.ArgumentParser:
    """Returns a parser with an option for every setting; options that are not given are absent from its result.

    Its help shows the options of the level "basic", and the advanced ones too with `show_all`.
    """
    parser = _Parser(
        prog=program,
        usage="%(prog)s [OPTION ...] PHOTO [PHOTO ...]",
        description=DESCRIPTION,
        epilog=f"{EPILOG} '{program} models --help' shows how to list, download and remove models, "
        f"'{program} web --help' how to start the web page, '{program} batch --help' how to do many photos.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_help_all(parser, lambda: build_parser(program, show_all=True))
    parser.add_argument(
        "photos",
        nargs="*",
        metavar="PHOTO",
        help="photo, folder of photos, or pattern such as 'in/*.jpg'; every word after -- is a photo",
    )
    parser.add_argument("--rgb", action="append", metavar="PHOTO", help="same as PHOTO")
    parser.add_argument("--version", action="version", version=f"mono3d {version()}")
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help=f"detail and effort: {_presets()}; other options override it (default: balanced)",
    )
    _add_all(parser, (Settings, RunOptions), show_all)
    return parser


def _presets() -> str:
    """Returns what the presets set, in the words of the command line."""
    items = {item.name: item for item in fields_of(Settings)}
    return ", ".join(
        f"{name} ({' '.join(_option(items[one], value) for one, value in values.items())})"
        for name, values in PRESETS.items()
    )


def _option(item: SettingField, value: Any) -> str:
    flag = flag_of(item)
    if item.kind is bool:
        return flag if value else f"--no-{flag[2:]}"
    return f"{flag} {value}"


def flag_of(item: SettingField) -> str:
    """Returns the long option of a setting, such as "--max-pixels"."""
    return "--" + item.name.replace("_", "-")


class _Parser(argparse.ArgumentParser):
    """Names the program in error messages without the `--` that ends Blender's own options."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog.removesuffix(' --')}: error: {message}\n")


class _HelpAll(argparse.Action):
    """Prints the help of the parser that `full` returns, and exits."""

    def __init__(self, full: Callable[[], argparse.ArgumentParser], **details: Any) -> None:
        super().__init__(nargs=0, **details)
        self._full = full

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        self._full().print_help()
        parser.exit()


def _add_help_all(parser: argparse.ArgumentParser, full: Callable[[], argparse.ArgumentParser]) -> None:
    parser.add_argument("--help-all", action=_HelpAll, full=full, help="show the advanced options too and exit")


def _without_switches(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments, with `--NAME` alone of settings that were switches as `--NAME=on`."""
    items = {flag_of(item): item for item in fields_of(Settings) if item.choice.was_switch}
    result = []
    for word, following in zip(arguments, (*arguments, "")[1:], strict=True):
        if word in items and following not in items[word].choice.options:
            result.append(f"{word}=on")
        else:
            result.append(word)
    return result


def _add_all(
    parser: argparse.ArgumentParser,
    classes: Sequence[AnySettings],
    show_all: bool,
    names: Collection[str] | None = None,
) -> None:
    """Adds an option for every field: the basic ones by group, then the advanced ones, hidden unless `show_all`.

    `names` are those of the fields that count; None: all.
    """
    items = [item for cls in classes for item in fields_of(cls) if names is None or item.name in names]
    groups: dict[str, Any] = {}
    for item in sorted(items, key=lambda item: item.choice.level != "basic"):
        is_basic = item.choice.level == "basic"
        name = item.choice.group.lower() if is_basic else f"advanced: {item.choice.group.lower()}"
        if name not in groups:
            groups[name] = parser.add_argument_group(name)
        _add(groups[name], item, is_shown=is_basic or show_all)


def _add(group: Any, item: SettingField, is_shown: bool) -> None:
    flag = flag_of(item)
    words = (*item.choice.words, flag) if flag not in item.choice.words else item.choice.words
    text = f"{item.choice.help}{_bounds(item)} (default: {_shown(item)})".replace("%", "%%")
    if not is_shown:
        text = argparse.SUPPRESS
    if item.kind is bool:
        group.add_argument(*words, dest=item.name, action=argparse.BooleanOptionalAction, help=text)
    elif item.many:
        group.add_argument(*words, dest=item.name, type=_words_of(item), metavar="A,B", help=text)
    elif item.choice.options:
        # A long list breaks the lines of the help better in the text than in braces.
        shown = item.name.upper() if len(item.choice.options) > _MOST_IN_BRACES else None
        group.add_argument(
            *words,
            dest=item.name,
            type=_meant_by(item.choice.aliases),
            choices=item.choice.options,
            metavar=shown,
            help=text,
        )
        if can_be_negated(item):
            group.add_argument(
                f"--no-{flag[2:]}",
                dest=item.name,
                action="store_const",
                const=OFF,
                help=f"same as {flag} {OFF}" if is_shown else argparse.SUPPRESS,
            )
    else:
        shown = (item.choice.unit or item.kind.__name__).upper().replace(" ", "_").replace("%", "PERCENT")
        group.add_argument(
            *words, dest=item.name, type=item.kind, metavar="PATH" if item.choice.is_path else shown, help=text
        )


def can_be_negated(item: SettingField) -> bool:
    """Returns whether `--no-NAME` turns off a choice of words that is on by default."""
    return OFF in item.choice.options and not item.many and item.default != OFF


def _meant_by(aliases: Mapping[str, str]) -> Callable[[str], str]:
    return lambda word: aliases.get(word, word)


def _words_of(item: SettingField) -> Any:
    def split(text: str) -> tuple[str, ...]:
        words = tuple(word.strip().lower() for word in text.split(",") if word.strip())
        unknown = [word for word in words if item.choice.options and word not in item.choice.options]
        if unknown:
            raise argparse.ArgumentTypeError(f"'{unknown[0]}' is not one of {', '.join(item.choice.options)}")
        return tuple(dict.fromkeys(words))

    return split


def _bounds(item: SettingField) -> str:
    low, high = item.choice.minimum, item.choice.maximum
    if low is None or high is None or not math.isfinite(high):
        options = item.choice.options
        if item.many:
            return f"; any of {', '.join(options)}" if options else ""
        return f"; one of {', '.join(options)}" if len(options) > _MOST_IN_BRACES else ""
    unit = f" {item.choice.unit}" if item.choice.unit else ""
    return f"; {low:,.10g} to {high:,.10g}{unit}"


def _shown(item: SettingField) -> str:
    if item.many:
        return ",".join(item.default) or "none"
    if item.kind is bool:
        return "yes" if item.default else "no"
    return f"{item.default:g}" if item.kind is float else str(item.default) or "none"


def _values(settings: Settings) -> dict[str, Any]:
    return {item.name: getattr(settings, item.name) for item in fields_of(type(settings))}
