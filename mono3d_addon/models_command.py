# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m mono3d_addon models ...`: manages models and their weights; needs no packages."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import edition, environment
from .core.user_path import user_path
from .depth import choosing, engine_cache, licence, weights
from .depth.catalogue import MODELS
from .depth.choosing import Row, here_first, table
from .depth.model import Model
from .display import StageLines
from .errors import Mono3DError
from .settings import GRADES, Settings

DONE, FAILED = 0, 1


def run(
    arguments: Sequence[str],
    program: str,
    models: Mapping[str, Model] = MODELS,
    *,
    no_network: str = "",
    data_folder: Path | None = None,
) -> int:
    """Runs the command after the word `models` and returns the exit code: 0 done, 1 some failed.

    `no_network` is the reason why downloads are forbidden; empty: they are not.
    `data_folder` is used if neither --data-folder nor MONO3D_DATA names one; None: the system's place for user data.
    Raises Mono3DError with a sentence for the user, SystemExit for wrong usage and --help.
    """
    options = _parse(arguments, program, models)
    folder = environment.data_folder(options.data_folder, data_folder)
    if options.action == "download" and no_network:
        raise Mono3DError(no_network)
    if options.action == "list":
        is_bare = not environment.is_available(environment.WORKER, folder)
        _list(table(folder, models, is_bare=is_bare), folder, options.json)
        return DONE
    if options.action == "path" and not options.names:
        print(weights.weights_folder(folder))
        return DONE
    chosen = [models[name] for name in options.names]
    if options.action == "verify" and not chosen:
        chosen = [model for model in models.values() if weights.present(model, folder)]
    if options.action == "download" and options.all:
        chosen = [model for model in models.values() if not model.bundled]
    accepts = options.action == "download" and options.accept_licence
    acts: dict[str, Callable[[Model, Path], str]] = {
        "download": functools.partial(_download, accepts_licence=accepts),
        "verify": _verify,
        "remove": _remove,
        "path": _path,
    }
    act = acts[options.action]
    failed = False
    for model in chosen:
        try:
            print(act(model, folder), flush=True)
        except Mono3DError as error:
            print(f"{model.name}: {error}", file=sys.stderr, flush=True)
            failed = True
            if options.action in ("verify", "path") and weights.status(model, folder).state == "damaged":
                print(f"'models download {model.name}' downloads it again.", file=sys.stderr, flush=True)
    return FAILED if failed else DONE


def ensure_weights(
    settings: Settings, data_folder: Path, allow_download: bool, models: Mapping[str, Model] = MODELS
) -> None:
    """Downloads the weights that `settings` need if they are missing and the user agrees.

    `allow_download` (the flag --download) is the user's consent; without it the user is asked at the terminal. Where
    there is no terminal nothing is downloaded, and the job fails later. Weights that are not for all use need a yes to
    their licence too. Raises Mono3DError when the download fails or the licence is not accepted.
    """
    model = models[settings.model]
    if settings.has_own_depth or settings.weights or model.bundled or weights.present(model, data_folder):
        return
    if allow_download or _agreed(model, data_folder):
        print(_download(model, data_folder), flush=True)


def remedy(settings: Settings, data_folder: Path, models: Mapping[str, Model] = MODELS) -> str:
    """Returns, where the weights that `settings` need are missing or damaged, which command gets them; else empty."""
    model = models[settings.model]
    if settings.has_own_depth or settings.weights or model.bundled:
        return ""
    state = weights.status(model, data_folder).state
    if state == "to download":
        return f"'models download {model.name}' downloads {licence.offer(model)}; so does --download beside the photos."
    return f"'models download {model.name}' downloads {model.file} again." if state == "damaged" else ""


def next_step(settings: Settings, data_folder: Path, *, is_bare: bool) -> str:
    """Returns, once on this computer, the line on what a better model would bring after a result; else empty."""
    rows = table(data_folder, is_bare=is_bare)
    row = choosing.next_step(rows, settings.depth_by) if edition.can_install() else None
    if row is None or not choosing.is_first_offer(data_folder):
        return ""
    return f"{choosing.promise(row)}; add {'--install ' * is_bare}--download --model {row.model.grade}."


def weights_digest(settings: Settings, data_folder: Path, models: Mapping[str, Model] = MODELS) -> str:
    """Returns the SHA-256 of the weights that `settings` use; empty if they use none or there are none."""
    if settings.has_own_depth:
        return ""
    path = user_path(settings.weights) if settings.weights else weights.present(models[settings.model], data_folder)
    try:
        return weights.digest_of(path, data_folder) if path is not None and path.is_file() else ""
    except OSError:
        return ""


def weights_expected(settings: Settings, data_folder: Path, models: Mapping[str, Model] = MODELS) -> str:
    """Returns what `weights_digest` will be once the weights are here. Raises Mono3DError if that is not known."""
    model = models[settings.model]
    found = weights_digest(settings, data_folder, models) or ("" if settings.weights else model.sha256 or "")
    if not found and not settings.has_own_depth:
        raise Mono3DError(weights.missing_message(model, data_folder, _how(model)))
    return found


def weights_bytes(settings: Settings) -> int:
    """Returns the size of the weights file of the network that `settings` use; 0 if they use none."""
    return 0 if settings.has_own_depth else MODELS[settings.model].file_bytes


def _agreed(model: Model, data_folder: Path) -> bool:
    offer = licence.offer(model)
    return _said_yes(
        f"The weights of '{model.name}' are missing. Download {offer} to {weights.weights_folder(data_folder)}?"
    )


def _said_yes(question: str) -> bool:
    """Returns whether the user answers a question at the terminal with yes; no where there is no terminal."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _list(rows: Sequence[Row], folder: Path, as_json: bool) -> None:
    facts = [_facts(row, folder) for row in here_first(rows)]
    if as_json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    widths = [max(len(one[key]) for one in facts) for key in ("name", "label")]
    was_here = None
    for one in facts:
        if one["is_here"] is not was_here:
            was_here = one["is_here"]
            print("On this computer:" if was_here else "To download:")
        state = one["state"]
        if one["arrived"]:
            state += f" ({one['arrived'] / one['bytes']:.0%} downloaded)"
        if one["kept_bytes"]:
            state += f" (+{one['kept_bytes'] / 1e6:,.0f} MB cached)"
        size = f"{one['bytes'] / 1e6:,.0f} MB"
        print(f"  {one['name'].ljust(widths[0])}  {one['label'].ljust(widths[1])}  {size:>8}  {one['speed']}, {state}")
        details = (
            one["accuracy"] or "accuracy not published",
            f"gives {one['gives'] or 'relative depth'}",
            one["terms"],
        )
        print(f"    {'; '.join(details)}; SHA-256 {'published' if one['sha256'] else 'unknown'}")
        print(f"    {one['choose_when']}")
    for one in facts:
        if one["problem"]:
            print(f"\n{one['problem']}")


def _terms(model: Model) -> str:
    """Returns the licence and what it allows, once where the licence tells that itself."""
    use = licence.use(model)
    return use if use == model.licence else f"{model.licence} ({use})"


def _facts(row: Row, folder: Path) -> dict[str, Any]:
    model, found = row.model, row.status
    return {
        "name": model.name,
        "title": model.title,
        "label": model.label,
        "grade": model.grade,
        "state": found.state,
        "is_here": row.is_here,
        "bytes": found.path.stat().st_size if found.path else model.file_bytes,
        "licence": model.licence,
        "is_for_all_use": model.is_for_all_use,
        "terms": _terms(model),
        "choose_when": model.choose_when,
        "accuracy": model.accuracy.words if model.accuracy else "",
        "accuracy_source": model.accuracy.source if model.accuracy else "",
        "gives": ", ".join(model.gives_words),
        "seconds": dict(row.seconds),
        "speed": row.speed,
        "parameters": model.parameters,
        "file": model.file,
        "address": "" if model.bundled else weights.address_of(model),
        "sha256": model.sha256,
        "path": str(found.path) if found.path else None,
        "arrived": found.arrived,
        "kept_bytes": engine_cache.cached_bytes(model.name, folder),
        "problem": found.problem,
    }


def _download(model: Model, folder: Path, *, accepts_licence: bool = False) -> str:
    # Imported here: it loads urllib, which takes time that other commands should not spend.
    from .depth.download import download

    if model.bundled:
        return f"{model.name}: is bundled with Mono3D"
    if weights.status(model, folder).state != "ready":
        print(f"{model.name}: {licence.offer(model)}", file=sys.stderr, flush=True)
        if not (accepts_licence or licence.is_settled(model, folder)):
            accepts_licence = _said_yes(licence.question(model))
            if not accepts_licence:
                how = f" (with 'models download {model.name} --accept-licence')"
                raise Mono3DError(licence.refusal(model, how))
    with StageLines() as lines:
        path = download(model, folder, lines.progress, accepts_licence=accepts_licence)
    return f"{model.name}: {path}"


def _verify(model: Model, folder: Path) -> str:
    path = weights.present(model, folder)
    if path is None:
        raise Mono3DError(weights.missing_message(model, folder, _how(model)))
    weights.verify(model, path, folder, afresh=True)
    if model.sha256:
        return f"{model.name}: valid, its SHA-256 is the published one ({path})"
    return (
        f"{model.name}: valid as far as can be checked: no SHA-256 is published; its size, internal checksums and "
        f"tensor names are right, and its SHA-256 is the one recorded on first use ({path})"
    )


def _remove(model: Model, folder: Path) -> str:
    from .depth.download import remove

    removed = remove(model, folder)
    freed = engine_cache.forget(model.name, folder)
    left = weights.present(model, folder)
    words = f"removed {', '.join(map(str, removed))}" if removed else "nothing to remove"
    words += f" and {freed / 1e6:,.0f} MB of files derived from them" if freed else ""
    return f"{model.name}: {words}" + (f"; {left} was not downloaded by Mono3D and stays" if left else "")


def _path(model: Model, folder: Path) -> str:
    if weights.present(model, folder) is None:
        raise Mono3DError(weights.missing_message(model, folder, _how(model)))
    return str(weights.find(model, folder))


def _how(model: Model) -> str:
    return f" (with 'models download {model.name}', or --download beside the photos)"


def _parse(arguments: Sequence[str], program: str, models: Mapping[str, Model]) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-folder", type=Path, metavar="PATH", help="folder for packages, weights and cache")
    parser = argparse.ArgumentParser(
        prog=program,
        description="Lists models; downloads, verifies and removes their weights files.",
        epilog=f"The environment variable {weights.MIRROR} sets the URL of a folder to download from.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    texts = {
        "list": "list all models with state, size, licence and purpose",
        "download": "download weights; interrupted downloads are resumed",
        "verify": "read weights and compare their SHA-256; without a name: all on this computer",
        "remove": "delete downloaded weights and partial downloads",
        "path": "print the path of weights; without a name: that of the folder",
    }
    for action, text in texts.items():
        made = actions.add_parser(action, parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
        if action == "list":
            made.add_argument("--json", action="store_true", help="print JSON with sizes in bytes")
            continue
        count = "+" if action == "remove" else "*"
        made.add_argument(
            "names", nargs=count, metavar="MODEL", help="name of a model, as shown by 'list', or starter, better, best"
        )
        if action == "download":
            made.add_argument("--all", action="store_true", help="every model")
            made.add_argument(
                "--accept-licence",
                action="store_true",
                help="accept licences that exclude commercial work, without a question",
            )
    options = parser.parse_args(arguments)
    if hasattr(options, "names"):
        options.names = [GRADES.get(name, name) for name in options.names]
    unknown = [name for name in getattr(options, "names", ()) if name not in models]
    if unknown:
        parser.error(f"there is no model '{unknown[0]}'; choose one of {', '.join(models)}")
    if options.action == "download" and not (options.names or options.all):
        parser.error("name a model to download, or --all")
    return options
