# SPDX-License-Identifier: GPL-3.0-or-later
"""Where photos come from and results go to: folders of this computer here; addresses are in `addresses`.

`source_of`, `photo_at` and `store_of` choose by the word that the user typed.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import importlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Protocol
from urllib.request import url2pathname

from ..core.user_path import exists, is_folder, user_path
from ..errors import Mono3DError, WrongUsage
from . import parquet_list
from .photos import is_photo, is_result
from .placement import prepare_folder

FOLDER = ".mono3d"
"""Folder beside the results with all that a batch keeps for itself."""

LISTS = (".jsonl", ".txt", ".parquet")
"""How the name of a list of photos ends."""
_FILE = "file://"


@dataclass(frozen=True)
class Item:
    """A photo somewhere: its address, its size in bytes, and what changes when it does, such as an ETag.

    Of a photo that a list only names, size and change may be unknown: -1 and empty.
    """

    address: str
    size: int
    changed: str


class Source(Protocol):
    """Photos that one word of the user names."""

    def items(self) -> Iterator[Item]:
        """Yields the photos one by one, in no particular order. Raises Mono3DError if they cannot be listed."""
        ...


class Photo(Protocol):
    """One photo."""

    @property
    def local(self) -> Path | None:
        """The file on this computer; None if it has to be fetched."""
        ...

    def fetch(self, folder: Path) -> Path:
        """Returns the file on this computer, copied into `folder` if it is elsewhere. Raises OSError."""
        ...


class Store(Protocol):
    """A folder for results, on this computer or elsewhere. Names in it have slashes. Any thread may call these.

    All raise OSError if the place does not answer or refuses.
    """

    @property
    def folder(self) -> Path | None:
        """A folder on this computer from which files get to their place by renaming; None if they are copied."""
        ...

    def prepare(self) -> None:
        """Creates the place if it is missing. Raises Mono3DError if nothing can be written there."""
        ...

    def size(self, name: str) -> int | None:
        """Returns the size of a file in bytes; None if there is none."""
        ...

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Returns a file's bytes from `start` to before `stop` (None: the end). Raises FileNotFoundError too."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole or not at all, also in place of an older one."""
        ...

    def put(self, name: str, path: Path) -> None:
        """Moves a file there, whole or not at all, also in place of an older one."""
        ...

    def names(self, folder: str) -> Iterator[str]:
        """Yields the names of all files below a folder; none if it does not exist."""
        ...


def is_address(word: str) -> bool:
    """Returns whether a word is an address such as s3://bucket/photos, and no path."""
    scheme, separator, _ = word.partition("://")
    return bool(separator) and scheme.isalnum() and len(scheme) > 1


def source_of(word: str, without: Path | str | None = None) -> Source:
    """Returns the photos that a word names: a photo, a folder with all below it, a pattern, a list of addresses.

    `without` is a folder, or its address, that is left out, that of the results. Raises WrongUsage if there is no such
    thing.
    """
    if (known := _elsewhere(word)) is not None:
        return known.AddressSource(word, without if isinstance(without, str) else "")
    path = _path(word)
    if is_folder(path):
        return FolderSource(path, without if isinstance(without, Path) else None)
    if path.suffix.lower() in LISTS and exists(path):
        return ListSource(path)
    if exists(path):
        return PatternSource(glob.escape(str(path)))
    if glob.has_magic(word):
        return PatternSource(str(path))
    raise WrongUsage(f"There is no file or folder '{word}'.")


def photo_at(address: str) -> Photo:
    """Returns the photo of an address, as `Item.address` has it."""
    if (known := _elsewhere(address)) is not None:
        return known.AddressPhoto(address)
    return LocalPhoto(_path(address) if is_address(address) else Path(address))


def store_of(word: str) -> Store:
    """Returns the place that `--output` names."""
    if (known := _elsewhere(word)) is not None:
        return known.AddressStore(word)
    return FolderStore(_path(word))


def _elsewhere(word: str) -> ModuleType | None:
    """Returns the module for addresses if the word is one of another computer; it is loaded by then only."""
    if not is_address(word) or word.startswith(_FILE):
        return None
    return importlib.import_module(".addresses", __package__)


def _path(word: str) -> Path:
    """Returns a path of this computer, also of an address such as file:///photos."""
    return Path(url2pathname(word.removeprefix(_FILE))) if word.startswith(_FILE) else user_path(word)


@dataclass(frozen=True)
class FolderSource:
    """The photos in a folder and all folders below it; hidden files and pictures that Mono3D wrote are left out."""

    folder: Path
    without: Path | None = None

    def items(self) -> Iterator[Item]:
        """Yields the photos. Raises Mono3DError if a folder cannot be read."""
        left_out = None if self.without is None else os.path.realpath(self.without)
        folders = [os.path.abspath(self.folder)]  # noqa: PTH100 - strings are faster than paths for a million
        while folders:
            folder = folders.pop()
            if os.path.realpath(folder) == left_out:
                continue
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        elif is_photo(Path(entry.name)) and not is_result(Path(entry.path)) and entry.is_file():
                            yield _item(entry.path, entry.stat())
            except OSError as error:
                raise Mono3DError(f"The folder '{folder}' cannot be read ({error.strerror or error}).") from error


@dataclass(frozen=True)
class PatternSource:
    """The files that a glob pattern matches, `**` for any folders."""

    pattern: str

    def items(self) -> Iterator[Item]:
        """Yields the files. Raises Mono3DError if one has just disappeared."""
        for name in glob.iglob(self.pattern, recursive=True):  # noqa: PTH207 - Path.glob refuses absolute patterns
            path = os.path.abspath(name)  # noqa: PTH100 - see FolderSource
            if not is_folder(Path(path)) and not is_result(Path(path)):
                try:
                    yield _item(path, os.stat(path))  # noqa: PTH116
                except OSError as error:
                    raise Mono3DError(f"'{path}' cannot be read ({error.strerror or error}).") from error


@dataclass(frozen=True)
class ListSource:
    """The photos of a list: a line of text with an address each, in .jsonl an object and in .parquet a row with one.

    These may have `size` in bytes, and `etag` or `mtime`. Paths are relative to the list's folder.
    """

    path: Path

    def items(self) -> Iterator[Item]:
        """Yields the photos. Raises Mono3DError for a line that is none."""
        try:
            with self.path.open("rb") as file:
                yield from list_items(file, self.path.suffix.lower(), str(self.path), self._absolute)
        except OSError as error:
            raise Mono3DError(f"'{self.path}' cannot be read ({error.strerror or error}).") from error

    def _absolute(self, address: str) -> str:
        return os.path.abspath(self.path.parent / user_path(address))  # noqa: PTH100


def list_items(file: BinaryIO, suffix: str, name: str, absolute: Callable[[str], str]) -> Iterator[Item]:
    """Yields the photos of a list, by the end of its name; `absolute` returns the address for a path relative to it.

    Raises Mono3DError for a line or row that is none.
    """
    if suffix == ".parquet":
        for number, row in enumerate(parquet_list.rows(file, name), 1):
            if not isinstance(row["address"], str):
                raise Mono3DError(f"Row {number} of '{name}' has no address.")
            yield _listed(row, absolute)
        return
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _listed(_of_json(line, number, name) if suffix == ".jsonl" else {"address": _whole(line)}, absolute)


def _whole(line: str) -> str:
    return line.rstrip("\r\n")


def _of_json(line: str, number: int, name: str) -> Mapping[str, Any]:
    try:
        values: Mapping[str, Any] = json.loads(line)
        return {**values, "address": str(values["address"])}
    except (ValueError, TypeError, KeyError) as error:
        raise Mono3DError(f'Line {number} of \'{name}\' is no photo; write it as {{"address": "..."}}.') from error


def _listed(values: Mapping[str, Any], absolute: Callable[[str], str]) -> Item:
    address, size = values["address"], values.get("size")
    changed = next((values[key] for key in ("etag", "mtime") if values.get(key) is not None), "")
    where = address if is_address(address) else absolute(address)
    return Item(where, size if isinstance(size, int) else -1, str(changed))


def _item(path: str, about: os.stat_result) -> Item:
    return Item(path, about.st_size, str(about.st_mtime_ns))


@dataclass(frozen=True)
class LocalPhoto:
    """A photo on this computer."""

    path: Path

    @property
    def local(self) -> Path | None:
        """The file itself."""
        return self.path

    def fetch(self, folder: Path) -> Path:
        """Returns the file itself."""
        return self.path


@dataclass(frozen=True)
class FolderStore:
    """A folder of this computer."""

    root: Path

    @property
    def folder(self) -> Path | None:
        """The folder itself."""
        return self.root

    def prepare(self) -> None:
        """Creates the folder. Raises Mono3DError if nothing can be written to it."""
        prepare_folder(self.root)

    def size(self, name: str) -> int | None:
        """Returns the size of a file in bytes; None if there is none."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Returns a file's bytes from `start` to before `stop` (None: the end)."""
        with (self.root / name).open("rb") as file:
            file.seek(start)
            return file.read(-1 if stop is None else max(0, stop - start))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole or not at all."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._beside(path) as beside:
            beside.write_bytes(content)

    def put(self, name: str, path: Path) -> None:
        """Moves a file there."""
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.replace(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # From another file system it is copied first.
            with self._beside(place) as beside:
                shutil.copyfile(path, beside)
            path.unlink()

    def names(self, folder: str) -> Iterator[str]:
        """Yields the names of all files below a folder, except those that are being written."""
        for place, _, files in os.walk(self.root / folder):
            inside = Path(place).relative_to(self.root).as_posix()
            yield from (f"{inside}/{name}" for name in files if not name.startswith("."))

    @contextlib.contextmanager
    def _beside(self, path: Path) -> Iterator[Path]:
        """Yields a file to write, which becomes `path` at the end; what a killed run leaves is no result."""
        beside = self.root / FOLDER / f".mono3d-{secrets.token_hex(8)}.partial"
        beside.parent.mkdir(exist_ok=True)
        try:
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
