# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads the weights of a model: checks the disk space, locks out other processes, verifies, then moves into place.

Standard library only: the command line downloads on a Python without packages. Callers must have the user's consent to
use the network.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NoReturn

from ..core.stages import Progress
from ..errors import Cancelled, Mono3DError
from . import file_lock, licence, transfer, weights
from .model import Model
from .transfer import PATIENT, Patience, TransferError

_SPARE_BYTES = 1 << 20
_REPORT_SECONDS = 0.25
_SPEED_SECONDS = 5.0


def download(
    model: Model,
    data_folder: Path,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
    patience: Patience = PATIENT,
    *,
    accepts_licence: bool = False,
) -> Path:
    """Returns the weights file of `model` in the weights folder, downloaded unless it is there already.

    A failed or cancelled download is kept, and the next call resumes it. A wrong file of that name is replaced, but
    only by a verified one, whose hash is recorded anew where none is published. `progress` gets bytes and speed in
    words, and a fraction. `accepts_licence` says that the user accepts the licence of weights that are not for all use
    (see `licence`), which is remembered. Raises Mono3DError, whose sentence names file, address and folder, and
    Cancelled.
    """
    if model.bundled or not _is_plain(model.file):
        raise Mono3DError(f"There is nothing to download for '{model.name}'.")
    if not (accepts_licence or licence.is_settled(model, data_folder)):
        raise Mono3DError(licence.refusal(model))
    folder = weights.weights_folder(data_folder)
    try:
        if not licence.is_settled(model, data_folder):
            licence.accept(model, data_folder)
        folder.mkdir(parents=True, exist_ok=True)

        def wait() -> None:
            if cancelled():
                raise Cancelled
            progress(f"Waiting for another process that downloads {model.file}", 0.0)

        with _locked(model, data_folder, wait):
            return _download(model, data_folder, progress, cancelled, patience)
    except TransferError as error:
        raise Mono3DError(_failure(model, data_folder, str(error))) from error
    except OSError as error:
        raise Mono3DError(_failure(model, data_folder, f"it cannot be written ({error.strerror or error})")) from error


def remove(model: Model, data_folder: Path) -> list[Path]:
    """Removes the weights of `model` and an unfinished download from the data folder, and returns their paths.

    Also removes the hash recorded on first use, and forgets that the licence was accepted. Files elsewhere, bundled or
    of other programs, stay.
    Raises Mono3DError when a file cannot be removed or is being downloaded.
    """

    def refuse() -> NoReturn:
        raise Mono3DError(f"{model.file} is being downloaded by another process; stop that first.")

    partial = weights.partial_file(model, data_folder)
    removed = []
    try:
        with _locked(model, data_folder, refuse) if partial.parent.is_dir() else contextlib.nullcontext():
            for path in (*weights.own_places(model, data_folder), partial):
                if path.is_file() or path.is_symlink():
                    path.unlink()
                    removed.append(path)
            transfer.discard(partial)
            weights.forget(model, data_folder)
            licence.forget(model, data_folder)
    except OSError as error:
        raise Mono3DError(f"'{error.filename}' cannot be removed ({error.strerror or error}).") from error
    return removed


def _locked(
    model: Model, data_folder: Path, while_waiting: Callable[[], None]
) -> contextlib.AbstractContextManager[None]:
    return file_lock.held(weights.weights_folder(data_folder) / f".{model.file}.lock", while_waiting)


def _download(
    model: Model, data_folder: Path, progress: Progress, cancelled: Callable[[], bool], patience: Patience
) -> Path:
    target = weights.weights_folder(data_folder) / model.file
    # A file that cannot be read is replaced like a damaged one.
    with contextlib.suppress(OSError):
        if target.is_file() and not weights.fault_of(model, target, data_folder):
            return target
    replaces = weights.status(model, data_folder).state == "damaged"
    partial = weights.partial_file(model, data_folder)
    source = transfer.Source(
        weights.address_of(model), model.file_bytes, weights.size_tolerance(model), bool(model.sha256)
    )
    report = _Report(model.file, progress)
    for is_last in (False, True):
        _make_sure_of_room(model, partial)
        joined = transfer.fetch(source, partial, report.bytes, cancelled, patience)
        progress(f"Verifying {model.file}", 1.0)
        fault = weights.fault_of(model, partial, data_folder, known_as=target, replaces=replaces)
        if not fault:
            partial.replace(target)
            transfer.discard(partial)
            return target
        transfer.discard(partial)
        # A file joined from several tries may be mixed from two versions; a new download shows whether it was.
        if not joined or is_last:
            break
    raise TransferError(f"what came is not the right file: {fault}")


def _is_plain(file: str) -> bool:
    """Returns whether `file` is a plain name, without folders, on every system."""
    return file not in ("", "..") and PurePosixPath(file).name == file == PureWindowsPath(file).name


def _make_sure_of_room(model: Model, partial: Path) -> None:
    needed = model.file_bytes - transfer.length(partial) + _SPARE_BYTES
    free = shutil.disk_usage(partial.parent).free
    if free < needed:
        raise TransferError(f"the disk has {free / 1e6:,.0f} MB free and {needed / 1e6:,.0f} MB are needed; make room")


def _failure(model: Model, data_folder: Path, reason: str) -> str:
    return (
        f"{model.file} could not be downloaded from {weights.address_of(model)}: {reason}. "
        f"Try again later, or get the file by other means and put it into {weights.weights_folder(data_folder)}."
    )


class _Report:
    """Reports the bytes that have arrived a few times a second."""

    def __init__(self, file: str, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._told = 0.0
        self._recent: deque[tuple[float, int]] = deque()

    def bytes(self, arrived: int, total: int) -> None:
        """Reports `arrived` of `total` bytes, unless it has just done so."""
        now = time.monotonic()
        if self._recent and arrived < self._recent[-1][1]:
            self._recent.clear()
        if now - self._told < _REPORT_SECONDS and arrived < total:
            return
        self._told = now
        self._recent.append((now, arrived))
        while now - self._recent[0][0] > _SPEED_SECONDS and len(self._recent) > 2:
            self._recent.popleft()
        begun, before = self._recent[0]
        speed = f", {(arrived - before) / (now - begun) / 1e6:.1f} MB/s" if now > begun else ""
        stage = f"Downloading {self._file}: {arrived / 1e6:.1f} of {total / 1e6:.1f} MB{speed}"
        self._progress(stage, arrived / max(1, total))
