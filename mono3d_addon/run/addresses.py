# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and results at addresses such as s3://bucket/photos, through fsspec; see `stores` for the protocols.

The network is used for the addresses that the user typed, or that are in a list of the user's, and for nothing else.
Access is what the libraries of each kind of storage find in their files and environment variables.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..core import extras
from ..core.plain_name import file_name, short_name
from ..core.regular_file import refuse_large
from ..errors import Mono3DError, WrongUsage
from .photos import is_photo
from .stores import FOLDER, LISTS, Item, list_items

_FEATURE = "Addresses"
_WHOLE_OR_NOT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
"""Kinds of storage in which a file appears once all of it is there; elsewhere it is renamed when complete."""
_ON_THE_WEB = ("http://", "https://")
_RESULT = re.compile(r"-[0-9a-f]{20}_[a-z_]+\.(png|webp|jpe?g)$")
"""End of the name of a picture that a batch writes, see `stored`."""
_CHANGES = ("ETag", "etag", "LastModified", "last_modified", "mtime", "modified", "updated", "created")
"""What a listing calls something that changes with the file, the best first."""


class FileSystem(Protocol):
    """What is used of fsspec's file systems."""

    def info(self, path: str) -> dict[str, Any]: ...  # noqa: D102
    def exists(self, path: str) -> bool: ...  # noqa: D102
    def isdir(self, path: str) -> bool: ...  # noqa: D102
    def walk(self, path: str, *, detail: bool) -> Iterator[tuple[str, Any, dict[str, dict[str, Any]]]]: ...  # noqa: D102
    def glob(self, path: str, *, detail: bool) -> dict[str, dict[str, Any]]: ...  # noqa: D102
    def find(self, path: str) -> list[str]: ...  # noqa: D102
    def open(self, path: str, mode: str, **options: Any) -> Any: ...  # noqa: D102
    def cat_file(self, path: str, *, start: int, end: int | None) -> bytes: ...  # noqa: D102
    def pipe_file(self, path: str, value: bytes) -> None: ...  # noqa: D102
    def get_file(self, path: str, local: str, *, callback: Any) -> None: ...  # noqa: D102
    def put_file(self, local: str, path: str) -> None: ...  # noqa: D102
    def mv(self, path: str, to: str) -> None: ...  # noqa: D102
    def rm_file(self, path: str) -> None: ...  # noqa: D102
    def makedirs(self, path: str, exist_ok: bool) -> None: ...  # noqa: D102
    def unstrip_protocol(self, path: str) -> str: ...  # noqa: D102


def _opened(address: str) -> tuple[FileSystem, str]:
    """Returns the file system of an address, and the path in it.

    Raises Mono3DError if a library for it is missing, OSError if it cannot be used.
    """
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise extras.needed(_FEATURE, error) from error
    with _answering(address):
        # What was listed may have changed since: several machines write.
        found: tuple[FileSystem, str] = fsspec.url_to_fs(address, use_listings_cache=False)
        return found


@contextlib.contextmanager
def _answering(address: str) -> Iterator[None]:
    """Makes every failure of a storage's library an OSError with the reason, and that of a missing one a sentence."""
    try:
        yield
    except (OSError, Mono3DError):
        raise
    except ImportError as error:
        kind = address.partition("://")[0]
        raise Mono3DError(
            f"Addresses with {kind}:// need a package that is not installed: pip install 'mono3d[addresses]'. ({error})"
        ) from error
    except ValueError as error:
        raise WrongUsage(f"'{address}' is no address that can be read ({error}).") from error
    except Exception as error:
        # The libraries of storages have classes of their own.
        raise OSError(f"{address} does not answer as it should ({type(error).__name__}: {error})") from error


def _listed(address: str) -> str:
    return f"'{address}' cannot be listed"


@dataclass(frozen=True)
class AddressSource:
    """The photos at an address: one photo, a folder with all below it, a pattern, or a list of addresses.

    Pictures that a batch has written are left out, all below the address `without`, and hidden files of a folder.
    """

    address: str
    without: str = ""

    def items(self) -> Iterator[Item]:
        """Yields the photos. Raises Mono3DError if they cannot be listed."""
        system, path = _opened(self.address)
        try:
            with _answering(self.address):
                yield from self._items(system, path)
        except OSError as error:
            raise Mono3DError(f"{_listed(self.address)} ({error.strerror or error}).") from error

    def _items(self, system: FileSystem, path: str) -> Iterator[Item]:
        suffix = posixpath.splitext(_without_query(self.address))[1].lower()
        if suffix in LISTS:
            with system.open(path, "rb") as file:
                yield from list_items(file, suffix, self.address, self._beside)
        elif self._is_one(system, path):
            yield _item(system, path, system.info(path), self.address)
        elif "*" in path:
            for whole, about in system.glob(path, detail=True).items():
                if about.get("type") == "file" and not self._is_result(whole):
                    yield _item(system, whole, about)
        else:
            for folder, _, files in system.walk(path, detail=True):
                for name, about in files.items():
                    whole = about.get("name", f"{folder}/{name}")
                    if is_photo(Path(name)) and not self._is_result(whole):
                        yield _item(system, whole, about)

    def _is_result(self, path: str) -> bool:
        return bool(_RESULT.search(path) or (self._left_out and path.startswith(self._left_out)))

    @cached_property
    def _left_out(self) -> str:
        """The start of the paths below `without`; empty if that is elsewhere."""
        is_near = self.without.partition(":")[0] == self.address.partition(":")[0]
        return f"{_opened(self.without)[1].rstrip('/')}/" if is_near else ""

    def _is_one(self, system: FileSystem, path: str) -> bool:
        if self.address.startswith(_ON_THE_WEB):
            # There is no way to list what is below.
            return True
        return "*" not in path and is_photo(Path(path)) and not system.isdir(path)

    def _beside(self, address: str) -> str:
        return f"{self.address.rpartition('/')[0]}/{address}"


def _without_query(address: str) -> str:
    """Returns an address without what follows a file's name on the web, which in other storages may be part of it."""
    return urlsplit(address).path if address.startswith(_ON_THE_WEB) else address


def _item(system: FileSystem, path: str, about: Mapping[str, Any], address: str = "") -> Item:
    changed = next((about[key] for key in _CHANGES if about.get(key)), "")
    size = about.get("size")
    return Item(
        address or system.unstrip_protocol(path), size if isinstance(size, int) else -1, str(changed).strip('"')
    )


@dataclass(frozen=True)
class AddressPhoto:
    """A photo at an address."""

    address: str

    @property
    def local(self) -> Path | None:
        """None: it has to be fetched."""
        return None

    def fetch(self, folder: Path) -> Path:
        """Returns the file, copied into `folder`.

        Raises OSError if it cannot be got, Mono3DError if it is too large, at once or as soon as that is seen, or
        without a library.
        """
        system, path = _opened(self.address)
        last = Path(file_name(posixpath.basename(_without_query(self.address))))
        place = folder / f"{short_name(last.stem or 'photo')}{last.suffix}"
        with _answering(self.address):
            system.get_file(path, str(place), callback=_limited(place.name))
        return place


def _limited(name: str) -> Any:
    """Returns what fsspec tells the size of a file and how much has come; it raises Mono3DError for too much."""
    from fsspec.callbacks import Callback

    class Limited(Callback):  # type: ignore[misc]
        def set_size(self, size: int | None) -> None:
            super().set_size(size)
            if size is not None:
                refuse_large(name, size)

        def call(self, *words: object, **more: object) -> None:
            refuse_large(name, self.value, is_part=True)

    return Limited()


@dataclass(frozen=True)
class AddressStore:
    """A place for results at an address; satisfies `stores.Store`."""

    address: str

    @property
    def folder(self) -> Path | None:
        """None: files are copied."""
        return None

    def prepare(self) -> None:
        """Tries whether something can be written there, and removes it. Raises Mono3DError if not."""
        _opened(self.address)
        name = f"{FOLDER}/try-{secrets.token_hex(8)}"
        try:
            self.write(name, b"Mono3D\n")
            system, path = self._place(name)
            with _answering(self.address):
                system.rm_file(path)
        except OSError as error:
            raise Mono3DError(
                f"Nothing can be written to '{self.address}' ({error.strerror or error}); check the address and your "
                "access to it."
            ) from error

    def size(self, name: str) -> int | None:
        """Returns the size of a file in bytes; None if there is none."""
        system, path = self._place(name)
        with _answering(self.address):
            try:
                return int(system.info(path)["size"])
            except FileNotFoundError:
                return None

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Returns a file's bytes from `start` to before `stop` (None: the end)."""
        if stop is not None and stop <= start:
            return b""
        system, path = self._place(name)
        with _answering(self.address):
            # With a start, s3fs gets a file by one request; otherwise it asks for its size first, by two more.
            return bytes(system.cat_file(path, start=start, end=stop))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole or not at all."""
        with self._written(name) as (system, path):
            system.pipe_file(path, content)

    def put(self, name: str, path: Path) -> None:
        """Copies a file there, whole or not at all, and removes it here."""
        with self._written(name) as (system, place):
            system.put_file(str(path), place)
        path.unlink()

    def names(self, folder: str) -> Iterator[str]:
        """Yields the names of all files below a folder, except those that are being written."""
        system, path = self._place(folder)
        _, root = self._place("")
        with _answering(self.address):
            try:
                found = system.find(path)
            except FileNotFoundError:
                return
        for one in found:
            if not posixpath.basename(one).startswith("."):
                yield one.removeprefix(root.rstrip("/")).lstrip("/")

    def _place(self, name: str) -> tuple[FileSystem, str]:
        return _opened(f"{self.address.rstrip('/')}/{name}")

    @contextlib.contextmanager
    def _written(self, name: str) -> Iterator[tuple[FileSystem, str]]:
        """Gives the file system and the path to write to, which becomes that of the file at the end."""
        system, path = self._place(name)
        with _answering(self.address):
            if self.address.partition(":")[0] in _WHOLE_OR_NOT:
                yield system, path
                return
            system.makedirs(posixpath.dirname(path), exist_ok=True)
            beside = f"{posixpath.dirname(path)}/.mono3d-{secrets.token_hex(8)}.partial"
            try:
                yield system, beside
                system.mv(beside, path)
            except BaseException:
                with contextlib.suppress(Exception):
                    system.rm_file(beside)
                raise
