# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of error whose text is meant for the user."""

from __future__ import annotations


class Mono3DError(Exception):
    """A failure the user can understand: one sentence that says what happened and what to do.

    Everything else that is raised is a defect of the program; the edges (command line, worker, panel)
    turn it into a short sentence with the place of the log, and put the traceback there.
    """


class WrongUsage(Mono3DError):
    """What was asked for contradicts itself or leads nowhere; nothing was begun."""


def unforeseen(error: BaseException) -> str:
    """Returns the sentence for a defect whose traceback is in the console."""
    return f"Something unforeseen went wrong ({type(error).__name__}: {error}); the console tells more."


class Cancelled(Mono3DError):
    """The user stopped the job."""

    def __init__(self) -> None:
        super().__init__("Cancelled; nothing was written.")
