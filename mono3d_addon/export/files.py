# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic writes of several files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType


class Staging:
    """Collects the files of one result under temporary names, in their final folders, and renames them at the end.

    It is a context manager: without `commit`, or after an error, it removes all staged files.
    """

    def __init__(self) -> None:
        self._staged: list[tuple[Path, Path]] = []

    def path_for(self, final: Path) -> Path:
        """Returns the temporary path to write to, in the folder of `final`."""
        # Some libraries choose the format by the suffix. The name itself may be too long already, or not valid text.
        partial = final.with_name(f".mono3d-{secrets.token_hex(8)}.partial{final.suffix}")
        self._staged.append((partial, final))
        return partial

    def commit(self) -> tuple[Path, ...]:
        """Renames every staged file to its final name and returns the names in the order of `path_for`.

        The first file refers to the others, so it is renamed last. If a rename fails, the earlier ones are undone.
        """
        several = len(self._staged) > 1
        undo: list[tuple[Path, Path | None]] = []
        try:
            for partial, final in reversed(self._staged):
                # A single rename is atomic; only several can be interrupted.
                undo.append((final, _set_aside(final) if several else None))
                partial.replace(final)
        except OSError:
            for final, previous in reversed(undo):
                with contextlib.suppress(OSError):
                    if previous is not None:
                        previous.replace(final)
                    elif several:
                        final.unlink(missing_ok=True)
            raise
        for _, previous in undo:
            if previous is not None:
                with contextlib.suppress(OSError):
                    previous.unlink()
        return tuple(final for _, final in self._staged)

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for partial, _ in self._staged:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _set_aside(final: Path) -> Path | None:
    """Renames an existing file so that it can be restored; returns its new name, None if there is no file."""
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    if not final.exists():
        return None
    previous = final.with_name(f".{final.name[:40]}.{secrets.token_hex(4)}.previous")
    final.replace(previous)
    return previous
