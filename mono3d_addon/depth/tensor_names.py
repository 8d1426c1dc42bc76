# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file of torch's is whole and holds the tensors of a model, told without running anything that is in it.

Standard library only. It stands in where nobody has published a hash: torch writes a checksum of every part, and the
names of the tensors are words of a pickle, which can be read without carrying the pickle out.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_MOST_BYTES = 16 << 20
"""More than the description of any network takes; its numbers lie elsewhere in the file."""

_OLDEST_PICKLES = 4
"""In torch's format without an archive: a mark, a version, facts of the computer, then the tensors' names."""


def fault_of(path: Path, names: Iterable[str]) -> str:
    """Returns what is wrong with the file: damaged, of another kind, or without the tensors `names`; empty if nothing.

    Raises OSError when it cannot be read.
    """
    try:
        found = _words_of_archive(path) if zipfile.is_zipfile(path) else _words_of_oldest(path)
    except OSError:
        raise
    # Damaged and hostile files make the readers raise almost anything; whatever it is, the file is of no use.
    except Exception:
        return "it is damaged, or no file of torch's"
    missing = [name for name in names if name not in found]
    return f"it has no tensor '{missing[0]}'" if missing else ""


def _words_of_archive(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        # Parts that are packed or lie over each other, which torch never writes, could take for ever to read.
        if sum(part.file_size for part in parts) > path.stat().st_size or archive.testzip() is not None:
            raise ValueError("not as torch wrote it")
        pickle = next(part for part in parts if part.filename.endswith("/data.pkl"))
        with archive.open(pickle) as stream:
            return _words(stream, 1)


def _words_of_oldest(path: Path) -> set[str]:
    with path.open("rb") as stream:
        return _words(stream, _OLDEST_PICKLES)


def _words(stream: IO[bytes], pickles: int) -> set[str]:
    """Returns the words in the first `pickles`."""
    beginning = io.BytesIO(stream.read(_MOST_BYTES))
    return {word for _ in range(pickles) for _, word, _ in pickletools.genops(beginning) if isinstance(word, str)}
