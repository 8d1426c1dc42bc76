# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as torch writes them, of any size, made without torch: a pickle of names beside numbers."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
from collections.abc import Iterable


def checkpoint(names: Iterable[str], size: int, seed: int = 0) -> bytes:
    """Returns a file of `size` bytes with tensors of these names; their numbers are random."""
    empty = len(_archive(names, b""))
    return _archive(names, random.Random(seed).randbytes(size - empty))


def _archive(names: Iterable[str], numbers: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for part, content in (("data.pkl", pickle.dumps(dict.fromkeys(names), protocol=2)), ("data/0", numbers)):
            archive.writestr(zipfile.ZipInfo(f"archive/{part}"), content)
    return made.getvalue()
