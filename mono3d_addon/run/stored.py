# SPDX-License-Identifier: GPL-3.0-or-later
"""Results by what they are made from: in two levels of folders, with a record for each that is written last.

A record means that the photo is done with these settings and weights by this version, whatever the photo is called.
Results made from something else have other names; nothing old is touched.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Any

from ..core.claimed_folder import LOCK, ClaimedFolder
from ..core.plain_name import short_name
from ..core.regular_file import require_regular
from ..settings import Settings
from ..version import version
from .made_from import Digests, identity
from .ordered import JOB
from .outputs import output_files
from .plan import PlannedPhoto
from .report import Record, as_row
from .results import Begun, Unreadable
from .stores import Store, photo_at

_REMEMBERED = 1000
"""Photos whose hashes are remembered, so that one that was named ahead is not read twice."""

_ROOM = 24
"""Bytes that the identity takes in the name of a result."""


class StoredResults:
    """The results of a batch in a store; satisfies `results.Results`.

    settings      of the batch
    weights       hash of the network's weights
    formats       what is written of each photo, previews among them
    compress      how their geometry is stored, one of `settings.COMPRESS`
    retry_failed  whether photos count as to be done whose record says that they have failed
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        weights: str,
        formats: tuple[str, ...],
        compress: str = "none",
        *,
        retry_failed: bool = False,
    ) -> None:
        self.compress = compress
        self._store = store
        self._settings = settings
        self._weights = weights
        self._formats = formats
        self._retry_failed = retry_failed
        self._digests = Digests(_REMEMBERED)
        self._busy: set[str] = set()
        self._here: dict[str, Path] = {}
        self._changed = threading.Condition()
        # The scene of a photo is written in the order of the photos, for which another one must not wait.
        self._waits = "blend" not in formats

    @property
    def staging(self) -> Path | None:
        """The store's folder, if it is on this computer."""
        return self._store.folder

    def begin(self, task: PlannedPhoto) -> Begun | Record:
        """Returns the photo that is to be done, fetched if it is elsewhere, or the record of one that is not.

        Waits while the same photo under another address is done. Raises Mono3DError or Unreadable if it cannot be got,
        OSError if the store does not answer.
        """
        photo = photo_at(task.address)
        fetched = None if photo.local else ClaimedFolder(JOB)
        try:
            try:
                path = photo.local or photo.fetch(fetched.path if fetched else Path())
            except OSError as error:
                raise Unreadable(error.strerror or str(error)) from error
            require_regular(path)
            source = self._digests.made_from(path, self._settings, self._weights, self.compress)
            if source is None:
                raise Unreadable("it may not be opened, or the disk does not answer")
            name = self._identity(source)
            record = self._claimed(name)
        except BaseException:
            if fetched:
                fetched.remove()
            raise
        if record is None:
            stem = short_name(task.name, _ROOM)
            self._here[task.id] = path.absolute()
            return Begun(path.absolute(), f"{stem}-{name}", source | {"id": name}, fetched)
        if fetched:
            fetched.remove()
        return dataclasses.replace(record, photo=task.address)

    def ahead(self, task: PlannedPhoto) -> Path | None:
        """Returns the file of a photo that is to be done soon, if it is on this computer or was fetched already."""
        if (begun := self._here.get(task.id)) is not None:
            return begun
        if (path := photo_at(task.address).local) is None:
            return None
        source = self._digests.made_from(path, self._settings, self._weights, self.compress)
        if source is None or self._record(self._identity(source)) is not None:
            return None
        return path

    def files(self, task: PlannedPhoto, begun: Begun, folder: Path) -> dict[str, Path]:
        """Returns the path of each format's file in `folder`."""
        return output_files(begun.name, self._formats, folder)

    def place(self, task: PlannedPhoto, begun: Begun, staging: Path, record: Record) -> Record:
        """Moves all files to their folder, then writes their record; files of a photo that is done stay as they are."""
        name = _id(begun)
        # Another machine may have got the same photo under another name.
        if (found := self._record(name)) is None or found.status == "failed":
            sizes = {}
            for path in sorted(staging.iterdir()):
                if path.name != LOCK:
                    sizes[f"{_folder(name)}/{path.name}"] = path.stat().st_size
                    self._store.put(f"{_folder(name)}/{path.name}", path)
            found = dataclasses.replace(record, files=list(sizes))
            self._write(begun, found, {"bytes": sum(sizes.values())})
        self._here.pop(task.id, None)
        self._leave(name)
        return dataclasses.replace(found, photo=task.address)

    def fail(self, task: PlannedPhoto, begun: Begun, record: Record | None) -> None:
        """Writes the record of a photo that has failed for good."""
        self._here.pop(task.id, None)
        try:
            if record is not None and self._record(_id(begun)) is None:
                self._write(begun, record, {})
        finally:
            self._leave(_id(begun))

    def _identity(self, source: dict[str, str]) -> str:
        return identity(source["photo"], source["settings"], source["weights"], sorted(self._formats), version())

    def _claimed(self, name: str) -> Record | None:
        """Returns the record of a result; None once this run may make it, until `_leave`."""
        with self._changed:
            while name in self._busy and self._waits:
                self._changed.wait()
            self._busy.add(name)
        try:
            record = self._record(name)
        except BaseException:
            self._leave(name)
            raise
        if record is not None:
            self._leave(name)
        return record

    def _leave(self, name: str) -> None:
        with self._changed:
            self._busy.discard(name)
            self._changed.notify_all()

    def _record(self, name: str) -> Record | None:
        """Returns the record of a result, if it counts."""
        try:
            values: dict[str, Any] = json.loads(self._store.read(f"{_folder(name)}/{name}.json"))
            known = {item.name for item in dataclasses.fields(Record)}
            record = Record(**{key: value for key, value in values.items() if key in known})
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return None if record.status == "failed" and self._retry_failed else record

    def _write(self, begun: Begun, record: Record, more: dict[str, Any]) -> None:
        values = {"mono3d": version(), **(begun.source or {}), "finished": round(time.time(), 3), **more}
        # The hash of the photo has its place below that of the settings.
        values = {"made_from": {key: values.pop(key) for key in ("photo", "settings", "weights")}, **values}
        text = json.dumps({**values, **as_row(record)}, indent=1)
        name = _id(begun)
        self._store.write(f"{_folder(name)}/{name}.json", text.encode("ascii") + b"\n")


def _id(begun: Begun) -> str:
    assert begun.source is not None
    return begun.source["id"]


def _folder(name: str) -> str:
    """Returns the folder of a result: 65,536 share a million."""
    return f"{name[:2]}/{name[2:4]}"
