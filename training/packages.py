# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading selected files from a Debian package, a tar archive or a wheel, without writing to disk.

Files are selected by their path inside. No file is written under a name from the archive, so no such name can lead
outside a folder. Links are not followed.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from . import qt_resources

MOST_BYTES = 100_000_000
"""Largest unpacked size of one file in bytes; photos of cameras have at most half of that."""
INNER = "!/"
"""Separator between the path of a Qt resource collection in a package and a path in that collection."""

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER_BYTES = 60


def read(package: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yields each `wanted` path with the bytes of that file of the package, in the package's order.

    A path has no leading '/' or './'; `a.rcc!/b` means b in the Qt resource collection a.rcc.
    Raises ValueError if a path leads outside, a file is missing, too large or not a regular file, or the package is
    damaged or of an unknown kind (.deb, .tar.*, .tgz, .whl, .zip are known).
    """
    for path in wanted:
        _refuse_outside(path)
    outer: dict[str, list[str]] = {}
    for path in sorted(wanted):
        outer.setdefault(path.partition(INNER)[0], []).append(path)
    missing = set(outer)
    try:
        for name, content in _files(package, frozenset(outer)):
            missing.discard(name)
            for path in outer[name]:
                inner = path.partition(INNER)[2]
                yield path, qt_resources.read(content, inner, MOST_BYTES) if inner else content
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, EOFError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{package.name} cannot be read: {error}") from error
    if missing:
        raise ValueError(f"{package.name} has no file {', '.join(sorted(missing))}.")


def _refuse_outside(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or str(pure) in ("", "."):
        raise ValueError(f"'{path}' is not a path inside a package.")


def _files(package: Path, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    if _begins_with(package, b"PK\x03\x04"):
        return _in_zip(package, wanted)
    if _begins_with(package, _AR_MAGIC):
        return _in_deb(package, wanted)
    return _in_tar(package.open("rb"), wanted)


def _begins_with(package: Path, magic: bytes) -> bool:
    with package.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _in_zip(package: Path, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(package) as archive:
        for entry in archive.infolist():
            if entry.filename in wanted and not entry.is_dir():
                with archive.open(entry) as stream:
                    yield entry.filename, _bounded(stream, entry.filename)


def _in_deb(package: Path, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    with package.open("rb") as stream:
        return _in_tar(io.BytesIO(_data_of_deb(stream)), wanted)


def _data_of_deb(stream: IO[bytes]) -> bytes:
    """Returns the archive with a Debian package's files: the member data.tar.* of the ar archive (man 5 deb)."""
    stream.seek(len(_AR_MAGIC))
    while len(header := stream.read(_AR_HEADER_BYTES)) == _AR_HEADER_BYTES:
        name, size = header[:16].decode("ascii", "replace"), int(header[48:58])
        if name.startswith("data.tar"):
            return stream.read(size)
        stream.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it is a Debian package without files")


def _in_tar(stream: IO[bytes], wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    with stream, tarfile.open(fileobj=stream, mode="r:*") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name not in wanted:
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise ValueError(f"'{name}' is not a regular file")
            yield name, _bounded(content, name)


def _bounded(stream: IO[bytes], name: str) -> bytes:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"'{name}' has more than {MOST_BYTES} bytes")
    return content
