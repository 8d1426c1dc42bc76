# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a batch, beside its results: a line of JSON for each photo, and what is to be made of them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..core.claimed_folder import ClaimedFolder
from ..core.plain_name import file_name
from ..errors import Mono3DError
from ..settings import Settings
from ..version import version
from . import shards
from .made_from import identity
from .placement import PARTIAL, STAGING
from .stores import FOLDER, Item, Source, Store, is_address

PHOTOS, HEAD = f"{FOLDER}/plan.jsonl", f"{FOLDER}/plan.json"

_REPLACED = "The plan has been replaced meanwhile; start again, what is done is kept."
_CHUNK = 2**20
_NEWS = 10_000
"""Lines after which whoever waits for a plan hears of it."""


@dataclass(frozen=True)
class PlannedPhoto:
    """A line of a plan: an item, and a name for it that changes when the photo does."""

    id: str
    address: str
    size: int
    changed: str

    @property
    def name(self) -> str:
        """The photo's name without its ending, as a file may be called everywhere."""
        last = self.address.replace("\\", "/").rsplit("/", 1)[-1]
        if is_address(self.address):
            last = unquote(last.partition("?")[0])
        return file_name(Path(last).stem).strip(". ") or "photo"


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    settings, formats, weights  of all results; previews are formats, and the weights are a hash
    version                     of the program that does it
    photos, bytes               number and size of the photos
    length                      bytes of their list
    compress                    how the geometry of the results is stored, one of `settings.COMPRESS`
    """

    settings: Settings
    formats: tuple[str, ...]
    weights: str
    photos: int
    bytes: int
    length: int
    version: str = field(default_factory=version)
    compress: str = "none"

    @property
    def key(self) -> str:
        """The name of all work with these settings, formats and weights by this version of the program."""
        return identity(asdict(self.settings), sorted(self.formats), self.compress, self.weights, self.version)


def write_plan(
    store: Store,
    sources: Iterable[Source],
    settings: Settings,
    formats: tuple[str, ...],
    weights: str,
    compress: str = "none",
    tell: Callable[[int], None] = lambda photos: None,
) -> Plan:
    """Lists the photos of the sources and writes the plan, in place of an older one; results of that stay.

    `tell` hears how many photos are found so far. Memory does not grow with their number, except for several sources,
    whose photos may be the same: by about 100 bytes for each. Raises Mono3DError if there are none, or some cannot be
    listed.
    """
    everyone = list(sources)
    seen: set[bytes] | None = set() if len(everyone) > 1 else None
    photos = size = 0
    staging = ClaimedFolder(STAGING, PARTIAL, store.folder)
    try:
        path = staging.path / "plan.jsonl"
        with path.open("w", encoding="ascii", buffering=_CHUNK) as file:
            for source in everyone:
                for item in source.items():
                    digest = _digest(item)
                    if seen is not None:
                        if digest[:12] in seen:
                            continue
                        seen.add(digest[:12])
                    file.write(_line(digest.hex()[:20], item))
                    photos, size = photos + 1, size + max(0, item.size)
                    if photos % _NEWS == 0:
                        tell(photos)
        if not photos:
            raise Mono3DError("There are no photos to plan; name a folder with photos in it or below it.")
        plan = Plan(settings, formats, weights, photos, size, path.stat().st_size, compress=compress)
        store.put(PHOTOS, path)
    finally:
        staging.remove()
    head = {"mono3d": plan.version, "planned": round(time.time()), "photos": photos, "bytes": size}
    head |= {"length": plan.length, "formats": list(formats), "weights": weights, "compress": compress}
    head["settings"] = asdict(settings)
    store.write(HEAD, (json.dumps(head, indent=1) + "\n").encode("ascii"))
    return plan


def read_plan(store: Store) -> Plan:
    """Returns the plan beside the results in `store`. Raises Mono3DError if there is none or only a part of one."""
    try:
        head: dict[str, Any] = json.loads(store.read(HEAD))
        settings = Settings.from_json(json.dumps(head["settings"]))
        sizes = (head["photos"], head["bytes"], head["length"])
        plan = Plan(settings, tuple(head["formats"]), head["weights"], *sizes, head["mono3d"], head["compress"])
    except FileNotFoundError as error:
        raise Mono3DError("There is no plan yet; make one with 'batch plan'.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Mono3DError("The plan cannot be read; make it again with 'batch plan'.") from error
    if store.size(PHOTOS) != plan.length:
        raise Mono3DError("The plan is not complete; make it again with 'batch plan'.")
    return plan


def photos_of(store: Store, plan: Plan, shard: str = "") -> Iterator[PlannedPhoto]:
    """Yields the photos of a shard such as "3/20", all of them for an empty one.

    A shard is a part of the list of about the same length as the others; only that is read. Raises WrongUsage for other
    words, Mono3DError if another list has taken its place.
    """
    number, count = shards.parsed(shard) if shard else (1, 1)
    start, stop = plan.length * (number - 1) // count, plan.length * number // count
    for line in _lines(store, start, stop, plan.length):
        try:
            values = json.loads(line)
            changed = str(values.get("etag", values.get("mtime", "")))
            photo = PlannedPhoto(values["id"], values["address"], values["size"], changed)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Mono3DError(_REPLACED) from error
        yield photo


def _lines(store: Store, start: int, stop: int, length: int) -> Iterator[bytes]:
    """Yields the lines of the list that begin in a range of its bytes."""
    # The line that begins right at the start comes after the end of one.
    place, rest, is_first = max(0, start - 1), b"", start > 0
    begins = place
    while place < length and begins < stop:
        chunk = store.read(PHOTOS, place, min(place + _CHUNK, length))
        if not chunk:
            raise Mono3DError(_REPLACED)
        place += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if is_first:
                is_first = False
            elif begins < stop:
                yield line
            begins += len(line) + 1


def _digest(item: Item) -> bytes:
    text = f"{item.address}\0{item.size}\0{item.changed}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _line(name: str, item: Item) -> str:
    key = "mtime" if item.changed.isdecimal() else "etag"
    values = {"id": name, "address": item.address, "size": item.size, key: item.changed}
    return json.dumps(values) + "\n"
