# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the weights file of a model and verifies it before it is read."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..core.user_path import user_path
from ..errors import Mono3DError
from . import file_lock
from .catalogue import BUNDLED_FOLDER
from .model import Model

PREDICTED_SIZE_TOLERANCE = 50_000
RECORD = Path("cache") / "verified_weights.json"
RECORD_LOCK = RECORD.with_name(f".{RECORD.name}.lock")
_PATIENCE = 5.0
"""Seconds to wait for the record's lock, which a process holds for milliseconds."""

Record = dict[str, dict[str, Any]]
"""Under "verified" the results of reading files, by path; under "first_seen" the hashes of models without a published
one, by name."""

MIRROR = "MONO3D_WEIGHTS_MIRROR"
"""Environment variable: address of a folder that offers the files of all models, instead of the publishers'."""

State = Literal["bundled", "ready", "to download", "damaged"]


@dataclass(frozen=True)
class Status:
    """The state of a model's weights, as far as it is known without reading them.

    path     the file that would be used; None if there is none
    arrived  bytes of an unfinished download
    problem  what is wrong with a damaged file, as a sentence; else empty
    """

    state: State
    path: Path | None = None
    arrived: int = 0
    problem: str = ""


@dataclass(frozen=True)
class _Found:
    """What is known of a file that was read.

    seen    its size and time of change then
    sha256  its hash
    fault   what is wrong with its tensors; checked only where no hash is published
    """

    seen: list[int]
    sha256: str
    fault: str


def weights_folder(data_folder: Path) -> Path:
    """Returns the folder for weights, the user's own and downloaded ones."""
    return data_folder / "weights"


def address_of(model: Model) -> str:
    """Returns the address of the weights of `model`: on the mirror that `MIRROR` names, else the published one."""
    mirror = os.environ.get(MIRROR, "").strip()
    return f"{mirror.rstrip('/')}/{model.file}" if mirror else model.address


def partial_file(model: Model, data_folder: Path) -> Path:
    """Returns the file that holds an unfinished download of the weights of `model`."""
    return weights_folder(data_folder) / f".{model.file}.partial"


def own_places(model: Model, data_folder: Path) -> tuple[Path, Path]:
    """Returns the paths in the data folder where the weights of `model` may lie."""
    return weights_folder(data_folder) / model.file, data_folder / "cache" / "weights" / model.file


def places(model: Model, data_folder: Path) -> Iterator[Path]:
    """Yields the paths where the weights of `model` may lie, in the order in which they are tried.

    The last one is where the official MiDaS code keeps its downloads (torch.hub's cache).
    """
    yield from own_places(model, data_folder)
    if model.bundled:
        yield BUNDLED_FOLDER / model.file
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        yield Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser() / "hub" / "checkpoints" / model.file


def find(model: Model, data_folder: Path, explicit: Path | None = None) -> Path:
    """Returns the verified weights file of `model`: the `explicit` one if given, else the first of `places`.

    An `explicit` path may begin with ~, which shells do not expand in --weights=~/own.pt.
    Raises Mono3DError when there is none (the sentence says which file to put where) or when it is the wrong one.
    """
    if explicit is not None:
        explicit = user_path(str(explicit))
        if not _is_file(explicit):
            raise Mono3DError(f"The weights file {explicit} does not exist; choose another or leave the setting empty.")
        # A file of another name may be a model that the user trained: only its tensors have to fit.
        if explicit.name == model.file:
            verify(model, explicit, data_folder)
        elif fault := _unreadable(explicit):
            raise Mono3DError(f"The weights file {explicit} {fault}; change that, or choose another file.")
        return explicit
    path = present(model, data_folder)
    if path is None:
        raise Mono3DError(missing_message(model, data_folder))
    verify(model, path, data_folder)
    return path


def present(model: Model, data_folder: Path) -> Path | None:
    """Returns the first of `places` that exists, not verified; None if none does."""
    return next((path for path in places(model, data_folder) if _is_file(path)), None)


def status(model: Model, data_folder: Path) -> Status:
    """Returns the state of the weights of `model` without reading them: by their size and by earlier results."""
    path = present(model, data_folder)
    if path is None:
        partial = partial_file(model, data_folder)
        return Status("to download", arrived=partial.stat().st_size if partial.is_file() else 0)
    if fault := _unreadable(path) or _wrong_size(model, path):
        return Status("damaged", path, problem=_sentence(model, path, fault))
    record = _read_record(data_folder)
    known = _known(model, path, record)
    if known and (fault := known.fault or _wrong_hash(model, known.sha256, record)):
        return Status("damaged", path, problem=_sentence(model, path, fault))
    return Status("bundled" if model.bundled else "ready", path)


def missing_message(model: Model, data_folder: Path, how: str = "") -> str:
    """Returns the sentence for a user who has no weights for `model`; `how` they are downloaded here: " (with ...)"."""
    if model.bundled:
        return f"The weights of '{model.name}' ({model.file}) are missing from the add-on; install Mono3D again."
    return (
        f"The weights of '{model.name}' are not on this computer: download {model.file} "
        f"({model.file_bytes / 1e6:.0f} MB, {model.licence}) from {address_of(model)} and put it, under that name, "
        f"into {weights_folder(data_folder)}, or have it downloaded{how}."
    )


def verify(model: Model, path: Path, data_folder: Path, *, afresh: bool = False) -> None:
    """Verifies that `path` holds the published weights of `model`.

    Raises Mono3DError when it is another file, or when it cannot be read.
    """
    try:
        fault = fault_of(model, path, data_folder, afresh=afresh)
    except OSError as error:
        fault = _refused(error)
    if fault:
        raise Mono3DError(_sentence(model, path, fault))


def fault_of(
    model: Model,
    path: Path,
    data_folder: Path,
    *,
    afresh: bool = False,
    known_as: Path | None = None,
    replaces: bool = False,
) -> str:
    """Returns what is wrong with the file `path`, by its size and its SHA-256; empty if it is the published one.

    The result is recorded with the file's size and time of change, and the file is not read again until these change,
    unless `afresh`. Where no hash is published, the file must be undamaged and hold the model's tensors. The hash of
    the first such file is recorded, and later files are compared with it, except one that `replaces` a damaged file.
    The record uses the path `known_as`, to which the file is about to be moved, if given.
    Raises OSError when the file cannot be read.
    """
    if fault := _wrong_size(model, path):
        return fault
    record = _read_record(data_folder)
    known = None if afresh else _known(model, path, record)
    found = known or _look(model, path)
    is_first = model.sha256 is None and not found.fault and (replaces or model.name not in record["first_seen"])
    if known is None or is_first:

        def remember(record: Record) -> None:
            record["verified"][str((known_as or path).resolve())] = dataclasses.asdict(found)
            if is_first and replaces:
                record["first_seen"][model.name] = found.sha256
            elif is_first:
                record["first_seen"].setdefault(model.name, found.sha256)

        record = _change_record(data_folder, remember)
    return found.fault or _wrong_hash(model, found.sha256, record)


def forget(model: Model, data_folder: Path) -> None:
    """Removes the hash recorded for `model` on first use, so that another file can replace it."""
    if model.name in _read_record(data_folder)["first_seen"]:
        _change_record(data_folder, lambda record: record["first_seen"].pop(model.name, None))


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(path: Path, data_folder: Path) -> str:
    """Returns the SHA-256 of a weights file: the recorded one if it has not changed. Raises OSError if unreadable."""
    with contextlib.suppress(TypeError):
        found = _Found(**_read_record(data_folder)["verified"].get(str(path.resolve()), {}))
        if found.seen == _state(path):
            return found.sha256
    return sha256_of(path)


def remedy(model: Model) -> str:
    """Returns what to do about a damaged weights file of `model`, as a part of a sentence."""
    if model.bundled:
        return "install Mono3D again"
    return f"download it again (it is at {address_of(model)}), or give weights of your own another name"


def remedy_for(model: Model, path: Path) -> str:
    """Returns what to do about a weights file that cannot be read, as a part of a sentence."""
    return remedy(model) if path.name == model.file else "choose another file, or leave the setting empty"


def of_another_model(model: Model, path: Path, why: Exception) -> Mono3DError:
    """Returns the sentence for a weights file whose tensors do not fit `model`."""
    return Mono3DError(
        f"The weights file {path} does not belong to the model '{model.name}' ({why}); choose the model that it was "
        "made for, or another file."
    )


def _look(model: Model, path: Path) -> _Found:
    """Reads a file. Raises OSError when it cannot be read."""
    # Before reading it: a file that changes meanwhile is read again the next time.
    seen = _state(path)
    fault = ""
    if model.sha256 is None:
        # Imported here: with a published hash the readers of archives and pickles are not needed.
        from . import tensor_names

        fault = tensor_names.fault_of(path, model.known_by)
    return _Found(seen, sha256_of(path), fault)


def _state(path: Path) -> list[int]:
    """Returns size and time of change of a file."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    # A folder without read permission.
    except OSError:
        return False


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return _refused(error)


def _refused(error: OSError) -> str:
    return f"cannot be read ({error.strerror or error})"


def _wrong_size(model: Model, path: Path) -> str:
    size = path.stat().st_size
    if abs(size - model.file_bytes) <= size_tolerance(model):
        return ""
    return f"it has {size:,} bytes instead of {'' if model.size_is_exact else 'about '}{model.file_bytes:,}"


def _wrong_hash(model: Model, found: str, record: Record) -> str:
    expected = model.sha256 or record["first_seen"].get(model.name)
    if expected is None or found == expected:
        return ""
    if model.sha256:
        return f"its SHA-256 is {found}, the one published is {expected}"
    return f"its SHA-256 is {found}, the one of the file first used is {expected}"


def _known(model: Model, path: Path, record: Record) -> _Found | None:
    """Returns the earlier result, if the file has not changed since."""
    with contextlib.suppress(TypeError):
        found = _Found(**record["verified"].get(str(path.resolve()), {}))
        if found.seen == _state(path):
            return found
    return None


def size_tolerance(model: Model) -> int:
    """Returns the tolerance of the file's size in bytes."""
    return 0 if model.size_is_exact else PREDICTED_SIZE_TOLERANCE


def _sentence(model: Model, path: Path, fault: str) -> str:
    if fault.startswith("cannot"):
        return f"The weights file {path} {fault}; change that, or {remedy(model)}."
    return f"{path} is not the right weights file of '{model.name}': {fault}; {remedy(model)}."


def _read_record(data_folder: Path) -> Record:
    record: Record = {"verified": {}, "first_seen": {}}
    with contextlib.suppress(OSError, ValueError):
        stored = json.loads((data_folder / RECORD).read_text(encoding="utf-8"))
        for part, entries in record.items():
            if isinstance(stored, dict) and isinstance(stored.get(part), dict):
                entries.update(stored[part])
    return record


def _change_record(data_folder: Path, change: Callable[[Record], object]) -> Record:
    """Applies a change to the record as other processes have left it, and returns it."""
    end = time.monotonic() + _PATIENCE

    def wait() -> None:
        if time.monotonic() > end:
            raise TimeoutError

    # A data folder that cannot be written costs a second of hashing at each start, but does not fail the job.
    with contextlib.suppress(OSError):
        (data_folder / RECORD).parent.mkdir(parents=True, exist_ok=True)
        with file_lock.held(data_folder / RECORD_LOCK, wait):
            record = _read_record(data_folder)
            change(record)
            _write_record(data_folder / RECORD, record)
            return record
    record = _read_record(data_folder)
    change(record)
    return record


def _write_record(target: Path, record: Record) -> None:
    handle, partial = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(record, stream, indent=1)
        Path(partial).replace(target)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise
