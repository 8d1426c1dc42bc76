# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the results of a run into its output folder; none of them ever replaces a photo of the run."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.claimed_folder import LOCK, remove_abandoned
from ..core.user_path import is_folder
from ..errors import Mono3DError, WrongUsage
from .photos import PhotoTask, fold, place_of
from .target import Target

STAGING, PARTIAL = ".mono3d-", ".partial"
"""Start and end of the names of staging folders; files that are being written have `PARTIAL` before their ending."""

_ABANDONED = 3600.0
"""Seconds without a change after which a file that is being written belongs to a killed run."""


def prepare(target: Target) -> None:
    """Creates the output folder. Raises Mono3DError when no format is chosen or the folder is not writable."""
    if not target.formats:
        raise WrongUsage("Without a format and a preview nothing would be written; choose a format with --format.")
    prepare_folder(target.folder)
    clear(target.folder)


def prepare_report(path: Path, tasks: Sequence[PhotoTask]) -> None:
    """Creates the folder of the report. Raises Mono3DError when the report cannot be written to `path`."""
    if path.is_dir():
        raise WrongUsage(f"The report '{path}' is a folder; name a file in it.")
    if _key(path) in photo_keys(tasks):
        raise WrongUsage(f"The report '{path}' would replace a photo; give it another name.")
    prepare_folder(path.parent)


def clear(folder: Path) -> None:
    """Removes what killed runs left in an output folder."""
    remove_abandoned(folder, STAGING, PARTIAL)
    with contextlib.suppress(OSError):
        for path in list(folder.glob(f"{STAGING}*{PARTIAL}*")):
            with contextlib.suppress(OSError):
                if path.is_file() and time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()


def prepare_folder(folder: Path) -> None:
    """Creates a folder if it is missing. Raises Mono3DError if nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mono3DError(f"Nothing can be written to '{folder}' ({reason}); choose another folder.") from error


def reject_overwrites(tasks: Sequence[PhotoTask], target: Target) -> list[PhotoTask]:
    """Returns the tasks; those whose results would replace a photo of the run get a `problem`.

    Files written beside a mesh or a .blend file, such as textures, are not known yet; `move_into_place` checks them.
    """
    photos = photo_keys(tasks)
    return [replace(task, problem=task.problem or _conflict(target.files(task).values(), photos)) for task in tasks]


def photo_keys(tasks: Iterable[PhotoTask]) -> frozenset[str]:
    """Returns the paths of the tasks' photos, resolved and case-folded for comparison."""
    return frozenset(_key(task.path) for task in tasks)


def move_into_place(staging: Path, folder: Path, photos: frozenset[str]) -> list[Path]:
    """Moves every file of `staging` into `folder` and returns the new paths.

    Raises Mono3DError, before the first move, when a file would replace one of `photos` (see `photo_keys`) or a folder.
    If a move fails, the earlier ones are undone: existing files are back.
    """
    files = {path: folder / path.name for path in sorted(staging.iterdir()) if path.name != LOCK}
    if problem := _conflict(files.values(), photos):
        raise Mono3DError(problem)
    moved: list[tuple[Path, Path | None]] = []
    try:
        for path, final in files.items():
            previous = None
            if final.exists():
                previous = staging / f"{LOCK}-{secrets.token_hex(8)}"
                final.replace(previous)
            moved.append((final, previous))
            path.replace(final)
    except OSError:
        for final, previous in reversed(moved):
            with contextlib.suppress(OSError):
                final.unlink(missing_ok=True)
                if previous is not None:
                    previous.replace(final)
        raise
    return list(files.values())


def _conflict(files: Iterable[Path], photos: frozenset[str]) -> str:
    """Returns a sentence about the first of `files` that would replace a photo or a folder; empty if there is none."""
    files = list(files)
    if hit := next((path for path in files if is_folder(path)), None):
        return f"Its result '{hit.name}' exists as a folder; rename that, or choose another output folder."
    hit = next((path for path in files if _key(path) in photos), None)
    return f"Its result '{hit.name}' would replace a photo; choose another output folder." if hit else ""


def _key(path: Path) -> str:
    return fold(str(place_of(path)))
