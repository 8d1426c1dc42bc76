# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, generated from the settings."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Mono3DError
from .settings import PRESETS, AnySettings, RunOptions, SettingField, Settings, WebOptions, coerce, fields_of, preset
from .version import version

DESCRIPTION = "Turns photos into coloured, camera-matched 3D meshes."
EPILOG = "Exit code: 0 all photos done, 1 some failed, 2 wrong usage, 130 interrupted."


@dataclass(frozen=True)
class CommandLine:
    """What the user asked for: photos as typed (files, folders, globs), settings and options of the run."""

    photos: tuple[str, ...]
    settings: Settings
    options: RunOptions


def parse(arguments: Sequence[str], program: str) -> CommandLine:
    """Returns what `arguments` say; `program` is the command as the user types it.

    Exits with code 2 and a sentence on standard error for wrong usage, 0 for --help and --version.
    """
    parser = build_parser(program)
    # argparse itself looks for options behind it where these may stand between photos.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = vars(parser.parse_intermixed_args(arguments[:end]))
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


def parse_web(arguments: Sequence[str], program: str) -> WebOptions:
    """Returns what the arguments after the word `web` say; exits as `parse` does."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Serves a web page that turns photos into coloured, camera-matched 3D meshes.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    _add_all(parser, (WebOptions,))
    given = vars(parser.parse_args(arguments))
    try:
        return WebOptions(**coerce(WebOptions, given))
    except Mono3DError as error:
        parser.error(str(error))


def build_parser(program: str) -> argparse.ArgumentParser:
    """Returns a parser with an option for every setting; what is not given is absent from its result."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=DESCRIPTION,
        epilog=f"{EPILOG} '{program} models --help' tells how to list, download and remove models, "
        f"'{program} web --help' how to start the web page.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument(
        "photos",
        nargs="*",
        metavar="PHOTO",
        help="photo, folder of photos, or pattern such as 'in/*.jpg'; what follows -- is one",
    )
    parser.add_argument("--rgb", action="append", metavar="PHOTO", help="another way to name a photo")
    parser.add_argument("--version", action="version", version=f"mono3d {version()}")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="settings to start from (default: balanced)")
    _add_all(parser, (RunOptions, Settings))
    return parser


def _add_all(parser: argparse.ArgumentParser, classes: Sequence[AnySettings]) -> None:
    groups: dict[str, Any] = {}
    for cls in classes:
        for item in fields_of(cls):
            name = item.choice.group
            if name not in groups:
                groups[name] = parser.add_argument_group(name.lower())
            _add(groups[name], item)


def _add(group: Any, item: SettingField) -> None:
    flag = "--" + item.name.replace("_", "-")
    words = (*item.choice.words, flag) if flag not in item.choice.words else item.choice.words
    text = f"{item.choice.help}{_bounds(item)} (default: {_shown(item)})".replace("%", "%%")
    if item.kind is bool:
        group.add_argument(*words, dest=item.name, action=argparse.BooleanOptionalAction, help=text)
    elif item.many:
        group.add_argument(*words, dest=item.name, type=_words_of(item), metavar="A,B", help=text)
    elif item.choice.options:
        group.add_argument(*words, dest=item.name, choices=item.choice.options, help=text)
    else:
        shown = (item.choice.unit or item.kind.__name__).upper().replace(" ", "_").replace("%", "PERCENT")
        group.add_argument(
            *words, dest=item.name, type=item.kind, metavar="PATH" if item.choice.is_path else shown, help=text
        )


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
        return f"; of {', '.join(item.choice.options)}" if item.many and item.choice.options else ""
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
