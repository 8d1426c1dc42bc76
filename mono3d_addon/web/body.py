# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a request, with limits of size and time."""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from .refusal import Refusal

BODY = "mono3d.body"
"""Key of the `Body` in the scope of a request."""

SMALL_BODY = 64 * 1024
"""Most bytes of a body that is not an upload."""

FORM_ROOM = 256 * 1024
"""Bytes allowed for a form in addition to its files."""

_SILENCE = 20.0
"""Seconds without a byte after which an upload is refused."""

_SLOWEST = 8_000
"""Least bytes per second of an upload, averaged from `_SILENCE` seconds after its start."""

_DRAINED_SECONDS = 10.0


class Body:
    """The body of a request, with limits of size and time."""

    def __init__(self, receive: Receive, *, expects_continue: bool) -> None:
        self.most = SMALL_BODY
        self._expects_continue = expects_continue
        self._receive = receive
        self._count = 0
        self._began = time.monotonic()
        self._is_over = False

    async def receive(self) -> Message:
        """Returns the next part. Raises Refusal: 413 when the body is too large, 408 when it arrives too slowly."""
        self._expects_continue = False
        if self._is_over:
            # Starlette uses this to wait for the disconnect, without a time limit.
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _SILENCE)
        except TimeoutError:
            self._is_over = True
            raise Refusal(408, "The upload stopped; send it again.") from None
        self._note(message)
        if self._count > self.most:
            raise Refusal(413, _too_large(self.most))
        seconds = time.monotonic() - self._began
        if not self._is_over and seconds > _SILENCE and self._count < _SLOWEST * (seconds - _SILENCE):
            raise Refusal(408, "The upload is too slow; send it over a better connection.")
        return message

    async def whole(self) -> bytes:
        """Returns all bytes. Raises Refusal: 413 when they are too many, 408 when they arrive too slowly."""
        parts = []
        while not self._is_over:
            parts.append((await self.receive()).get("body", b""))
        return b"".join(parts)

    async def drain(self, most: int) -> None:
        """Reads and discards up to `most` further bytes, so that the client reads the response before the close.

        A client that sent "Expect: 100-continue" has not sent any.
        """
        if self._expects_continue:
            return
        end, limit = time.monotonic() + _DRAINED_SECONDS, self._count + most
        while not self._is_over and self._count <= limit and (left := end - time.monotonic()) > 0:
            try:
                self._note(await asyncio.wait_for(self._receive(), left))
            except TimeoutError:
                return

    def _note(self, message: Message) -> None:
        self._count += len(message.get("body", b""))
        self._is_over = message["type"] != "http.request" or not message.get("more_body", False)


async def drain(scope: Scope, most: int) -> None:
    """Reads and discards up to `most` bytes of the body of a request that is refused."""
    await scope[BODY].drain(most)


def check_length(scope: Scope, most: int) -> None:
    """Raises Refusal: 413 if the declared length is too large, 400 for a body where none is allowed."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > most:
        raise Refusal(413, _too_large(most))
    # No path has other methods: they are refused for that, with 405.
    if scope["method"] in ("GET", "HEAD", "DELETE") and (int(length) > 0 or "transfer-encoding" in headers):
        raise Refusal(400, f"A {scope['method']} request must not have a body.")


def _too_large(most: int) -> str:
    return f"The request is too large; the limit here is {most / 1e6:.3g} MB."
