# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of single photos, as records with a sentence for the user."""

from __future__ import annotations

import contextlib
import errno
import traceback

from ..errors import Mono3DError, unforeseen
from .report import Record
from .results import Task, Unreadable


class as_record:
    """Turns an exception raised in the block into the record of a failure, with a sentence for the user."""

    def __init__(self, task: Task) -> None:
        self.record = Record(task.address, "failed", "Nothing was done.")
        self._photo = task.address

    def __enter__(self) -> as_record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Mono3DError):
            message = str(error)
        elif isinstance(error, Unreadable):
            message = f"The photo cannot be read ({error}); check where it is and your access to it."
        elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            message = "The name of a result is too long for this file system; rename the photo."
        elif isinstance(error, OSError):
            message = f"A file cannot be written ({error.strerror or error}); check the free space and the permissions."
        elif isinstance(error, Exception):
            with contextlib.suppress(OSError):
                traceback.print_exception(error)
            message = unforeseen(error)
        else:
            return False
        self.record = Record(self._photo, "failed", message)
        return True
