# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing files so that nothing half-written is ever seen under its final name."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Mono3DError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; renames it to `path` when the block ends well, else removes it.

    The temporary name keeps the ending, which many libraries choose the format by, and nothing else: a photo's name
    may be as long as a name can be, hold what Blender takes for a template, or be no text.
    Raises Mono3DError when the folder cannot be written.
    """
    beside = path.with_name(f".mono3d-{secrets.token_hex(8)}.partial{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise Mono3DError(f"'{path}' cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
