# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic file writes: a file appears under its final name complete or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Mono3DError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path`; renames it to `path` if the block succeeds, else removes it.

    The temporary name keeps only the suffix, by which many libraries choose the format. The photo's name is left out
    because it may already have the maximum length, contain a Blender path template, or not be valid text.
    Raises Mono3DError if the folder is not writable.
    """
    beside = path.with_name(f".mono3d-{os.urandom(8).hex()}.partial{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise Mono3DError(f"'{path}' cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
