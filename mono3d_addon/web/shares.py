# SPDX-License-Identifier: GPL-3.0-or-later
"""Links to results for people who may look and download, and change nothing.

A share of a job has an id, which stands in addresses in place of the job's, and a secret, which never does: the link
has it behind the "#", which browsers keep for themselves, and the page sends it once, for a cookie.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from .jobs import Job
from .refusal import Refusal
from .sessions import SECONDS
from .shelf import Shelf
from .visitor import VISITOR, cookie_of

HEADER = "Share-Secret"
"""Where a program sends what the link has behind "#share="."""

_BETWEEN = ":"
_MOST = 20
"""Shares that a browser keeps; the oldest leave first."""

_FORM = re.compile(r"view-[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{24}")
_GONE = "This link is no longer valid; ask for a new one."


class Shares:
    """The shares of all jobs on a shelf. `cookie` is the name of the cookie with those that a browser has opened."""

    def __init__(self, shelf: Shelf, cookie: str) -> None:
        self._shelf = shelf
        self._cookie = cookie

    def open(self, job: Job) -> str:
        """Returns what the link to a job has behind "#share="; the same until the share is closed."""
        if not job.share:
            self._set(job, f"view-{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(18)}")
        return job.share

    def close(self, job: Job) -> None:
        """Makes the link to a job invalid, also for those who follow the job by it."""
        self._set(job, "")

    def _set(self, job: Job, share: str) -> None:
        job.share = share
        # Should the record fail to be written now, the shelf tries again later.
        job.tell()
        self._shelf.keep(job)

    def find(self, id: str, headers: Headers) -> Job | None:
        """Returns the job of a share's id for a request that has its secret; None for others."""
        for given in self._given(headers):
            if given.partition(".")[0] == id:
                return self._job(given)
        return None

    def has_any(self, headers: Headers) -> bool:
        """Returns whether a request has the secret of any share."""
        return any(self._job(given) is not None for given in self._given(headers))

    def admit(self, request: Request, given: str, root: str, answer: Response) -> None:
        """Gives the browser the cookie for a share, on pages below `root`. Raises Refusal, 404, for an unknown one."""
        if self._job(given) is None:
            raise Refusal(404, _GONE)
        others = [one for one in self._given(request.headers) if one != given and self._job(one) is not None]
        answer.set_cookie(
            self._cookie,
            _BETWEEN.join([*others, given][-_MOST:]),
            httponly=True,
            # As for sessions: a link is followed from other sites, and nothing can be changed with it.
            samesite="lax",
            secure=request.scope[VISITOR].is_secure,
            max_age=SECONDS,
            path=f"{root}/",
        )

    def _given(self, headers: Headers) -> Iterable[str]:
        found = [*cookie_of(headers, self._cookie).split(_BETWEEN)[-_MOST:], headers.get(HEADER, "")]
        return [one for one in found if one]

    def _job(self, given: str) -> Job | None:
        if not _FORM.fullmatch(given):
            return None
        for job in self._shelf:
            if job.share and hmac.compare_digest(job.share, given):
                return job
        return None


def id_of(share: str) -> str:
    """Returns the part of a share that stands in addresses."""
    return share.partition(".")[0]
