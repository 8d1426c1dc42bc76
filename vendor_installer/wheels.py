# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking wheels (the binary distribution format of the Python packaging specifications).

A wheel is a zip whose members land in the packages folder as they are, but for `<name>.data/purelib` and
`platlib`, whose content moves up, and folders that a component wants elsewhere. Doing this here, instead of by
`pip install --target`, counts true bytes, stops between two pieces of a file, and never writes what would be trimmed
afterwards; a test compares the two.
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

_PIECE = 1 << 20
NO_MOVES: Mapping[str, str] = types.MappingProxyType({})


def members(
    archive: zipfile.ZipFile, trims: Iterable[str], moves: Mapping[str, str] = NO_MOVES
) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yields the files to unpack, each with its path below the packages folder ('/' separated).

    `moves` tells which folders inside the wheel (fnmatch) go where. Raises InstallError when a path would leave the
    packages folder.
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
                f"A package has a file with the forbidden path '{item.filename}': do not use its source."
            )
        yield item, "/".join(parts)


def _moved(name: str, moves: Mapping[str, str]) -> str:
    """Returns the new path of a file that lies directly in a folder of `moves`, else ''."""
    folder, _, file = name.rpartition("/")
    return next((f"{target}/{file}" for pattern, target in moves.items() if fnmatch.fnmatchcase(folder, pattern)), "")


def stored_bytes(archive: zipfile.ZipFile, trims: Iterable[str], moves: Mapping[str, str] = NO_MOVES) -> int:
    """Returns how many bytes the unpacked files have together."""
    return sum(item.file_size for item, _ in members(archive, trims, moves))


def unpack(
    wheel: Path,
    target: Path,
    trims: Iterable[str],
    on_bytes: Callable[[int], None],
    moves: Mapping[str, str] = NO_MOVES,
) -> int:
    """Unpacks a wheel into the packages folder; `on_bytes` gets the size of every piece and may raise to stop.

    Returns the bytes written. Raises InstallError when the wheel is damaged or a path is forbidden, OSError when
    writing fails.
    """
    written = 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            for item, relative in members(archive, trims, moves):
                path = long_path(target) / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(item) as source, path.open("wb") as sink:
                    while piece := source.read(_PIECE):
                        sink.write(piece)
                        written += len(piece)
                        on_bytes(len(piece))
                mode = item.external_attr >> 16
                if mode & 0o111 and os.name == "posix":
                    path.chmod(path.stat().st_mode | 0o111)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise InstallError(f"The downloaded file '{wheel.name}' is damaged ({error}): install again.") from error
    return written
