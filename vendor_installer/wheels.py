# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking wheels (the binary distribution format of the Python packaging specifications).

A wheel is a zip archive that is extracted into the packages folder. The content of `<name>.data/purelib` and `platlib`
goes to the top level, and `moves` of a component relocate further folders. Compared with `pip install --target`, this
reports progress in bytes, can be cancelled within a file, and never writes trimmed files. A test compares the two.
"""

from __future__ import annotations

import fnmatch
import os
import types
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from .errors import InstallError
from .folders import long_path

_CHUNK = 1 << 20
NO_MOVES: Mapping[str, str] = types.MappingProxyType({})


def members(
    archive: zipfile.ZipFile, trims: Iterable[str], moves: Mapping[str, str] = NO_MOVES
) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yields the files to unpack, each with its path below the packages folder ('/' separated).

    `trims` are fnmatch patterns of files to skip; `moves` maps fnmatch patterns of folders inside the wheel to their
    new path. Raises InstallError if a path would leave the packages folder.
    """
    patterns = tuple(trims)
    for item in archive.infolist():
        if item.is_dir() or any(fnmatch.fnmatchcase(item.filename, pattern) for pattern in patterns):
            continue
        parts = PurePosixPath(item.filename).parts
        moved = _moved(item.filename, moves)
        if moved:
            parts = PurePosixPath(moved).parts
        elif parts[0].endswith(".data") and len(parts) > 2:
            if parts[1] not in ("purelib", "platlib"):
                continue
            parts = parts[2:]
        if item.filename.startswith("/") or ".." in parts or "\\" in item.filename or ":" in parts[0]:
            raise InstallError(
                f"A package has a file with the forbidden path '{item.filename}': use another package index."
            )
        yield item, "/".join(parts)


def _moved(name: str, moves: Mapping[str, str]) -> str:
    """Returns the new path of a file directly in a folder of `moves`, else ''."""
    folder, _, file = name.rpartition("/")
    return next((f"{target}/{file}" for pattern, target in moves.items() if fnmatch.fnmatchcase(folder, pattern)), "")


def stored_bytes(archive: zipfile.ZipFile, trims: Iterable[str], moves: Mapping[str, str] = NO_MOVES) -> int:
    """Returns the total size of the unpacked files in bytes."""
    return sum(item.file_size for item, _ in members(archive, trims, moves))


def unpack(
    wheel: Path,
    target: Path,
    trims: Iterable[str],
    on_bytes: Callable[[int], None],
    moves: Mapping[str, str] = NO_MOVES,
) -> int:
    """Unpacks a wheel into the packages folder; `on_bytes` gets the size of every chunk and may raise to stop.

    Returns the bytes written. Raises InstallError if the wheel is damaged or a path is forbidden, OSError if writing
    fails.
    """
    written = 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            for item, relative in members(archive, trims, moves):
                path = long_path(target) / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(item) as source, path.open("wb") as sink:
                    while chunk := source.read(_CHUNK):
                        sink.write(chunk)
                        written += len(chunk)
                        on_bytes(len(chunk))
                mode = item.external_attr >> 16
                if mode & 0o111 and os.name == "posix":
                    path.chmod(path.stat().st_mode | 0o111)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise InstallError(f"The downloaded file '{wheel.name}' is damaged ({error}): install again.") from error
    return written
