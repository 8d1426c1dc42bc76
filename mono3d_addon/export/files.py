# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from types import TracebackType


class Staging:
    """Collects the files of one result under other names beside their final ones and renames them all at the end.

    Used as a context: leaving it without `commit`, or with an error, removes everything that was staged.
    """

    def __init__(self) -> None:
        self._staged: list[tuple[Path, Path]] = []

    def path_for(self, final: Path) -> Path:
        """Returns the path to write to, in the folder of `final` and on its file system."""
        # Some libraries choose the format by the ending. The name itself may be too long already, or be no text.
        partial = final.with_name(f".mono3d-{secrets.token_hex(8)}.partial{final.suffix}")
        self._staged.append((partial, final))
        return partial

    def commit(self) -> tuple[Path, ...]:
        """Renames every staged file to its final name and returns these, in the order they were asked for.

        The first file refers to the others, so it comes last. When a rename fails, those done are taken back.
        """
        several = len(self._staged) > 1
        undo: list[tuple[Path, Path | None]] = []
        try:
            for partial, final in reversed(self._staged):
                # One rename is atomic by itself; only several can end half done.
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
    """Returns a second name given to an existing file, so that it can be restored; None where there is none."""
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    if not final.exists():
        return None
    previous = final.with_name(f".{final.name[:40]}.{secrets.token_hex(4)}.previous")
    final.replace(previous)
    return previous
