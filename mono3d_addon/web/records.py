# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server writes down of a job, so that the next start knows it: `job.json` in the job's folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.files import atomic_write
from ..errors import Mono3DError
from ..settings import Settings

NAME = "job.json"

_PATHS = ("mask", "depth_file")
"""Settings that are paths; they are written relative to the job's folder."""


@dataclass(frozen=True)
class Kept:
    """A complete mesh: the name of its folder in the job's folder, the worker's result, its settings, its number."""

    folder: str
    result: Mapping[str, Any]
    settings: Settings
    number: int


@dataclass(frozen=True)
class Record:
    """A job as it is written down.

    id        unguessable; knowing it gives access to the job
    name      the photo's file name, for display
    photo     path of the photo, relative to the job's folder
    settings  settings of the first mesh
    made, changed  times, as `time.time()`
    state     as in `jobs.Job`; a job that is "queued" or "running" starts again
    error     why the last request failed
    revision  number of meshes built so far
    attempts  how often the current request was started
    owner     who may use how much room: a hash that identifies the visitor
    key       a hash of the visitor's idempotency key; empty: none
    share     what a link for looking at it has, `shares.Shares`; empty: there is none
    wanted    settings of the rebuild that waits or runs; None: none
    whole     the last complete mesh; None before the first
    """

    id: str
    name: str
    photo: str
    settings: Settings
    made: float
    changed: float
    state: str
    error: str = ""
    revision: int = 0
    attempts: int = 0
    owner: str = ""
    key: str = ""
    share: str = ""
    wanted: Settings | None = None
    whole: Kept | None = None


def write(folder: Path, record: Record) -> None:
    """Writes a record into the job's folder; the previous one stays until it is complete. Raises Mono3DError."""
    content = dataclasses.asdict(record) | {"settings": _written(record.settings, folder)}
    content["wanted"] = _written(record.wanted, folder) if record.wanted else None
    if record.whole is not None:
        whole = record.whole
        content["whole"] = {
            "folder": whole.folder,
            "result": dict(whole.result),
            "settings": _written(whole.settings, folder),
            "number": whole.number,
        }
    with atomic_write(folder / NAME) as beside:
        beside.write_text(json.dumps(content), encoding="utf-8")


def read(folder: Path) -> Record:
    """Returns the record in a job's folder. Raises Mono3DError when there is none or it is of another version."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        whole, wanted = content["whole"], content["wanted"]
        content |= {
            "settings": _read(content["settings"], folder),
            "wanted": _read(wanted, folder) if wanted else None,
            "whole": Kept(**whole | {"settings": _read(whole["settings"], folder)}) if whole else None,
        }
        return Record(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Mono3DError(f"'{folder / NAME}' cannot be read ({error}).") from error


def _written(settings: Settings, folder: Path) -> dict[str, Any]:
    found = dataclasses.asdict(settings)
    return found | {name: str(Path(found[name]).relative_to(folder)) for name in _PATHS if found[name]}


def _read(found: dict[str, Any], folder: Path) -> Settings:
    paths = {name: str(folder / found[name]) for name in _PATHS if found[name]}
    return Settings.from_json(json.dumps(found | paths))
