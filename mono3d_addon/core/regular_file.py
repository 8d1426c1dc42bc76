# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads whole files, but no devices or pipes, nothing unreasonably large, and nothing that is still being written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import Mono3DError

MOST_BYTES = 2 * 2**30


def require_regular(path: Path, what: str = "photo") -> None:
    """Raises Mono3DError if `path` is not an existing regular file of at most `MOST_BYTES`; `what` it should be."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise Mono3DError(f"There is no file '{path}'.") from error
    except PermissionError as error:
        raise Mono3DError(f"'{path.name}' may not be read; change its permissions.") from error
    except (OSError, ValueError) as error:
        raise Mono3DError(f"'{path.name}' cannot be read ({error}).") from error
    if stat.S_ISDIR(status.st_mode):
        raise Mono3DError(f"'{path.name}' is a folder, not a {what}.")
    if not stat.S_ISREG(status.st_mode):
        raise Mono3DError(f"'{path.name}' is not a regular file but a device or a pipe; copy its contents into a file.")
    refuse_large(path.name, status.st_size, what)


def refuse_large(name: str, size: int, what: str = "photo", *, is_part: bool = False) -> None:
    """Raises Mono3DError if `size`, bytes, is more than `MOST_BYTES`; `is_part`: of a part that has come so far."""
    if size > MOST_BYTES:
        more = "more than " if is_part else ""
        raise Mono3DError(f"'{name}' has {more}{size / 1e9:.1f} GB, too many for a {what}; make it smaller.")


def read_regular(path: Path, what: str = "photo") -> bytes:
    """Returns the contents of a regular file.

    Raises Mono3DError like `require_regular`, and if the file is empty, cannot be read or changes its size meanwhile.
    """
    require_regular(path, what)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size)
            is_growing = os.fstat(file.fileno()).st_size != size or len(data) != size
    except PermissionError as error:
        raise Mono3DError(f"'{path.name}' may not be read; change its permissions.") from error
    except OSError as error:
        raise Mono3DError(f"'{path.name}' cannot be read ({error.strerror or error}).") from error
    if is_growing:
        raise Mono3DError(f"'{path.name}' is still being written; try again when it is complete.")
    if not data:
        raise Mono3DError(f"'{path.name}' is empty (0 bytes); copy it again.")
    return data
