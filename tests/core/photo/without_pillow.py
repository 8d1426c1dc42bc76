# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the readers work as if Pillow were missing, in this process; real processes without it are tests of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def without_pillow(*more: str) -> Iterator[None]:
    """Makes imports of Pillow, and of `more` modules, fail during the block."""
    with patch.dict("sys.modules", dict.fromkeys(("PIL", "PIL.Image", *more))):
        yield
