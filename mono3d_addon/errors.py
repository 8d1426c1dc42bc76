# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose text is meant for the user."""

from __future__ import annotations

import errno
import re


class Mono3DError(Exception):
    """A failure the user can understand: one sentence that says what happened and what to do.

    Any other exception is a defect of the program. The edges (command line, worker, panel, web server)
    turn it into the sentence of `unforeseen` and write the traceback to the log.
    """


class WrongUsage(Mono3DError):
    """The request is contradictory or incomplete; nothing was started."""


class WorkerDied(Mono3DError):
    """The process that worked on the job was killed or has crashed."""


DISK_FULL = "The disk is full; make room on it, also in the folder for temporary files."


def is_disk_full(error: BaseException) -> bool:
    """Returns whether an error, or one that led to it, says that nothing more fits on a disk."""
    cause: BaseException | None = error
    while cause is not None:
        # numpy raises an OSError without a number.
        if isinstance(cause, OSError) and (
            cause.errno in (errno.ENOSPC, errno.EDQUOT) or re.search(r"\d requested and \d+ written", str(cause))
        ):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def unforeseen(error: BaseException | None = None, place: str = "the console") -> str:
    """Returns the user's sentence for a defect of the program, whose traceback is in `place`.

    Without `error` it names no details, for readers who must not see them, such as a web page's visitors.
    """
    details = f" ({type(error).__name__}: {error})" if error is not None else ""
    return f"An unforeseen error occurred{details}; see {place} for details."


class Cancelled(Mono3DError):
    """The user stopped the job."""

    def __init__(self) -> None:
        super().__init__("Cancelled; nothing was written.")
