# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a PyTorch file is undamaged and holds the tensors of a model, without running code from it.

Standard library only. It is used for files without a published hash: PyTorch writes a checksum of every part, and the
names of the tensors are strings of a pickle, which can be read without unpickling.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_MOST_BYTES = 16 << 20
"""More than the pickle of any network takes; its numbers are in other parts of the file."""

_OLDEST_PICKLES = 4
"""In PyTorch's format without an archive: a mark, a version, facts of the computer, then the names of the tensors."""


def fault_of(path: Path, names: Iterable[str]) -> str:
    """Returns what is wrong with the file: damaged, of another format, or without the tensors `names`; else empty.

    Raises OSError when it cannot be read.
    """
    try:
        found = _words_of_archive(path) if zipfile.is_zipfile(path) else _words_of_oldest(path)
    except OSError:
        raise
    # Damaged and hostile files make the readers raise almost any exception.
    except Exception:
        return "it is damaged, or no file of torch's"
    missing = [name for name in names if name not in found]
    return f"it has no tensor '{missing[0]}'" if missing else ""


def _words_of_archive(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        # Compressed or overlapping parts, which PyTorch never writes, could take for ever to read (zip bombs).
        if sum(part.file_size for part in parts) > path.stat().st_size or archive.testzip() is not None:
            raise ValueError("not as torch wrote it")
        pickle = next(part for part in parts if part.filename.endswith("/data.pkl"))
        with archive.open(pickle) as stream:
            return _words(stream, 1)


def _words_of_oldest(path: Path) -> set[str]:
    with path.open("rb") as stream:
        return _words(stream, _OLDEST_PICKLES)


def _words(stream: IO[bytes], pickles: int) -> set[str]:
    """Returns the strings in the first `pickles`."""
    beginning = io.BytesIO(stream.read(_MOST_BYTES))
    return {word for _ in range(pickles) for _, word, _ in pickletools.genops(beginning) if isinstance(word, str)}
