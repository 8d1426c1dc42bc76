# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the weights file of a model and making sure that it is the right one, before anything reads it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import Mono3DError
from .catalogue import BUNDLED_FOLDER, Model

PREDICTED_SIZE_TOLERANCE = 50_000
RECORD = Path("cache") / "verified_weights.json"


def weights_folder(data_folder: Path) -> Path:
    """Returns the folder where users put weights and where downloads go."""
    return data_folder / "weights"


def places(model: Model, data_folder: Path) -> Iterator[Path]:
    """Yields the paths where the weights of `model` may lie, in the order in which they are tried.

    The last one is where the official MiDaS code keeps its downloads (torch.hub's cache).
    """
    yield weights_folder(data_folder) / model.file
    yield data_folder / "cache" / "weights" / model.file
    if model.bundled:
        yield BUNDLED_FOLDER / model.file
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        yield Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser() / "hub" / "checkpoints" / model.file


def find(model: Model, data_folder: Path, explicit: Path | None = None) -> Path:
    """Returns the verified weights file of `model`: the `explicit` one if given, else the first of `places`.

    Raises Mono3DError when there is none (the sentence says which file to put where) or when it is not the right one.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise Mono3DError(f"The weights file {explicit} does not exist; choose another or leave the setting empty.")
        # A file under a name of its own is taken as the user's own training: only its tensors have to fit.
        if explicit.name == model.file:
            verify(model, explicit, data_folder)
        return explicit
    for path in places(model, data_folder):
        if path.is_file():
            verify(model, path, data_folder)
            return path
    raise Mono3DError(missing_message(model, data_folder))


def missing_message(model: Model, data_folder: Path) -> str:
    """Returns the sentence for a user who has no weights for `model`."""
    if model.bundled:
        return f"The weights of '{model.name}' ({model.file}) are missing from the add-on; install Mono3D again."
    return (
        f"The weights of '{model.name}' are not on this computer: download {model.file} "
        f"({model.file_bytes / 1e6:.0f} MB) from {model.address} and put it into {weights_folder(data_folder)}."
    )


def verify(model: Model, path: Path, data_folder: Path) -> None:
    """Makes sure that `path` holds the published weights of `model`, by its size and its SHA-256.

    A file once verified is recorded with its size and time of change and not hashed again until these differ.
    Where no hash was published, the first one seen is recorded and later files are held against it.
    Raises Mono3DError when the file is another one.
    """
    state = path.stat()
    tolerance = 0 if model.size_is_exact else PREDICTED_SIZE_TOLERANCE
    if abs(state.st_size - model.file_bytes) > tolerance:
        raise Mono3DError(
            f"{path} is not the published weights file of '{model.name}': it has {state.st_size:,} bytes "
            f"instead of {'' if model.size_is_exact else 'about '}{model.file_bytes:,}; {_remedy(model)}."
        )
    record = _read_record(data_folder)
    key, seen = str(path.resolve()), [state.st_size, state.st_mtime_ns]
    expected = model.sha256 or record["first_seen"].get(model.name)
    if expected is not None and record["verified"].get(key) == {"seen": seen, "sha256": expected}:
        return
    found = sha256_of(path)
    if expected is not None and found != expected:
        reason = "published" if model.sha256 else "of the file first used"
        raise Mono3DError(
            f"{path} is not the right weights file for '{model.name}': its SHA-256 is {found}, "
            f"the one {reason} is {expected}; {_remedy(model)}."
        )
    record["verified"][key] = {"seen": seen, "sha256": found}
    if model.sha256 is None:
        record["first_seen"][model.name] = found
    _write_record(data_folder, record)


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remedy(model: Model) -> str:
    if model.bundled:
        return "install Mono3D again"
    return f"delete it and download it again from {model.address}, or give weights of your own another name"


def _read_record(data_folder: Path) -> dict[str, dict[str, Any]]:
    record: dict[str, dict[str, Any]] = {"verified": {}, "first_seen": {}}
    with contextlib.suppress(OSError, ValueError):
        stored = json.loads((data_folder / RECORD).read_text(encoding="utf-8"))
        for part, entries in record.items():
            if isinstance(stored, dict) and isinstance(stored.get(part), dict):
                entries.update(stored[part])
    return record


def _write_record(data_folder: Path, record: dict[str, Any]) -> None:
    target = data_folder / RECORD
    # A data folder that cannot be written costs a second of hashing at each start, not the job.
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(record, stream, indent=1)
            Path(partial).replace(target)
        except OSError:
            Path(partial).unlink(missing_ok=True)
            raise
