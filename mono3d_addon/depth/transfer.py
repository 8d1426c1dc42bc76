# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads one large file over HTTP, resuming after an interruption. Knows nothing of models.

The bytes are in a partial file. A note beside it has the address, the length and the validator (ETag or Last-Modified)
from the server. The next try requests the rest with Range and If-Range (RFC 9110, 13.1.5 and 14), so that a file that
changed in between is sent whole, and checks which file the answer is a part of.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..errors import Cancelled

_PIECE = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT}) if hasattr(errno, "EDQUOT") else frozenset({errno.ENOSPC})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class TransferError(Exception):
    """The download failed; the text is the reason, as a part of a sentence."""


@dataclass(frozen=True)
class Source:
    """A file on a server.

    address    http or https
    size       its length in bytes, within `tolerance`
    has_hash   whether the caller verifies the content, so that parts of two tries may be joined without a validator
    """

    address: str
    size: int
    tolerance: int
    has_hash: bool

    def fits(self, size: int) -> bool:
        """Returns whether the length is within the tolerance."""
        return abs(size - self.size) <= self.tolerance


@dataclass(frozen=True)
class Patience:
    """When to stop: seconds without a byte, tries in a row without a new byte, seconds before the second try."""

    timeout: float = 30.0
    tries: int = 5
    pause: float = 1.0


PATIENT = Patience()


class _BrokenError(Exception):
    """A try ended early, and another one may get further; the text is as that of TransferError."""


def fetch(
    source: Source,
    partial: Path,
    on_bytes: Callable[[int, int], None] = lambda arrived, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    patience: Patience = PATIENT,
) -> bool:
    """Downloads the file to `partial`, after the part that is there; a failure leaves what has arrived.

    Returns whether it is joined from several tries.

    `on_bytes` gets the number of bytes that have arrived and the length of the file. The proxies of the
    environment are used. Raises TransferError with the reason, and Cancelled; OSError never.
    """
    if urllib.parse.urlsplit(source.address).scheme not in ("http", "https"):
        raise TransferError("the address does not begin with http:// or https://")
    # Reading the certificates takes a while, so all tries share them.
    opener = urllib.request.build_opener(_Rules)
    try:
        most = fruitless = 0
        while True:
            try:
                return _attempt(opener, source, partial, on_bytes, cancelled, patience.timeout)
            except _BrokenError as broken:
                there = length(partial)
                fruitless = 0 if there > most else fruitless + 1
                most = max(most, there)
                if fruitless >= patience.tries:
                    raise TransferError(str(broken)) from broken
                _pause(patience.pause * 2 ** max(0, fruitless - 1), cancelled)
    except OSError as error:
        _refuse_disk(error)


def length(partial: Path) -> int:
    """Returns how many bytes of the file have arrived."""
    return partial.stat().st_size if partial.is_file() and not partial.is_symlink() else 0


def discard(partial: Path) -> None:
    """Removes a partial file and its note."""
    partial.unlink(missing_ok=True)
    _note_of(partial).unlink(missing_ok=True)


def _attempt(
    opener: urllib.request.OpenerDirector,
    source: Source,
    partial: Path,
    on_bytes: Callable[[int, int], None],
    cancelled: Callable[[], bool],
    timeout: float,
) -> bool:
    """Downloads the missing bytes; returns whether some were there before."""
    note = _read_note(partial, source)
    begun = length(partial) if note else 0
    if begun and begun == note.get("total"):
        return True
    headers = {"User-Agent": "mono3d", "Accept-Encoding": "identity"}
    if begun:
        headers["Range"] = f"bytes={begun}-"
        if note.get("validator"):
            headers["If-Range"] = note["validator"]
    with _opened(opener, source.address, headers, timeout) as answer:
        start, total = _range(answer)
        if answer.status == 416 and total == begun and source.fits(begun):
            return True
        if begun and (answer.status == 416 or (answer.status == 206 and start != begun)):
            # The bytes here are not the beginning of the server's file, or the server counts wrongly: start again.
            discard(partial)
            raise _BrokenError("the server sends another part of it than was asked for")
        if answer.status == 206 and not _goes_on(answer, total, note, source):
            discard(partial)
            raise _BrokenError("the server sends the rest of another file than the one begun")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise TransferError("the server, or a proxy, sent it packed")
        if total is not None and not source.fits(total):
            raise TransferError(
                f"what the server offers has {total:,} bytes instead of {source.size:,}; perhaps a proxy or the "
                "log-in page of a network has answered"
            )
        if total is None and source.tolerance and not answer.chunked:
            raise TransferError("the server does not say how long it is")
        if answer.status == 200:
            begun = 0
            discard(partial)
            _write_note(partial, source, total, _validator(answer))
        _receive(answer, source, partial, begun, total, on_bytes, cancelled)
    return begun > 0


def _receive(
    answer: http.client.HTTPResponse,
    source: Source,
    partial: Path,
    begun: int,
    total: int | None,
    on_bytes: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    """Appends the body of `answer` at the byte `begun`."""
    limit = total if total is not None else source.size + source.tolerance
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(partial, flags, 0o644), "r+b", buffering=0) as stream:
        stream.truncate(begun)
        stream.seek(begun)
        arrived = begun
        on_bytes(arrived, limit)
        while total is None or arrived < total:
            if cancelled():
                raise Cancelled
            piece = _read(answer)
            if not piece:
                break
            if arrived + len(piece) > limit:
                raise TransferError(f"the server sends more than the {limit:,} bytes that it should have")
            remaining = memoryview(piece)
            while remaining:
                remaining = remaining[stream.write(remaining) or 0 :]
            arrived += len(piece)
            on_bytes(arrived, limit)
        os.fsync(stream.fileno())
    if arrived < (total if total is not None else source.size - source.tolerance):
        raise _BrokenError(f"the connection was cut after {arrived:,} of {limit:,} bytes")


@contextlib.contextmanager
def _opened(
    opener: urllib.request.OpenerDirector, address: str, headers: dict[str, str], timeout: float
) -> Iterator[http.client.HTTPResponse]:
    """Yields an answer with status 200, 206 or 416; raises _BrokenError or TransferError for others."""
    try:
        answer = opener.open(urllib.request.Request(address, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        _refuse_status(error.code)
    except urllib.error.URLError as error:
        _refuse_connection(error.reason if isinstance(error.reason, Exception) else error)
    except (OSError, http.client.HTTPException) as error:
        _refuse_connection(error)
    with answer:
        if answer.status != 200 and not ("Range" in headers and answer.status in (206, 416)):
            _refuse_status(answer.status)
        yield answer


class _Rules(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only, and none from https to http; 416 is an answer."""

    def http_error_416(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Returns the answer instead of raising it."""
        return fp

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Returns the next request."""
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise TransferError("the server redirects to an address that is not safe")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Returns the bytes that have arrived, at least one; none at the end or if the server closed the connection."""
    try:
        return answer.read1(_PIECE)
    except (OSError, http.client.HTTPException) as error:
        _refuse_connection(error)


def _range(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Returns the byte at which the body begins and the length of the file, None if the server does not state it."""
    if answer.status == 200:
        told = answer.headers.get("Content-Length", "")
        return 0, int(told) if told.isdecimal() and not answer.chunked else None
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if not found:
        return -1, None
    return int(found[1] or -1), int(found[2]) if found[2] != "*" else None


def _validator(answer: http.client.HTTPResponse) -> str:
    """Returns the value for If-Range: a strong ETag, else the time of the last change."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _goes_on(answer: http.client.HTTPResponse, total: int | None, note: dict[str, Any], source: Source) -> bool:
    """Returns whether a part belongs to the file in `note`; servers and caches may ignore If-Range.

    RFC 9110, 15.3.7.3. Without a hash to verify, a part without the validator of the beginning is not trusted.
    """
    if total is not None and note.get("total") not in (None, total):
        return False
    offered = {answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")} - {""}
    return not note["validator"] or note["validator"] in offered or (not offered and source.has_hash)


def _refuse_status(code: int) -> NoReturn:
    if code in _TRANSIENT:
        raise _BrokenError(f"the server is busy or broken (it answered {code})")
    reasons = dict.fromkeys(range(300, 400), "the server redirects in a circle or to an address that is not safe") | {
        401: "the server wants a password",
        403: "the server refuses it",
        404: "it is not there any more",
        407: "the proxy wants a password; put it into the address in https_proxy",
        410: "it is not there any more",
    }
    raise TransferError(f"{reasons.get(code, 'the server did not send it')} (it answered {code})")


def _refuse_connection(error: Exception) -> NoReturn:
    if isinstance(error, TransferError):
        raise error
    if isinstance(error, ssl.SSLCertVerificationError):
        raise TransferError(
            "the server's certificate is not trusted, as behind a company proxy or with a wrong clock; SSL_CERT_FILE "
            "may name the certificates to trust"
        ) from error
    if isinstance(error, socket.gaierror):
        raise TransferError("the server cannot be found; this computer is perhaps offline or needs a proxy") from error
    if isinstance(error, TimeoutError):
        raise _BrokenError("the server does not answer") from error
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    raise _BrokenError(f"the connection failed ({reason})") from error


def _refuse_disk(error: OSError) -> NoReturn:
    if error.errno in _FULL:
        raise TransferError("the disk is full; make room, and the download goes on where it stopped") from error
    raise TransferError(f"it cannot be written ({error.strerror or error})") from error


def _pause(seconds: float, cancelled: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled
        time.sleep(min(0.1, left))


def _note_of(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _read_note(partial: Path, source: Source) -> dict[str, Any]:
    """Returns the note of the partial file; empty if the download cannot be resumed."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads(_note_of(partial).read_text(encoding="utf-8"))
        if isinstance(note, dict) and note.get("address") == source.address:
            validator, total = note.get("validator"), note.get("total")
            if isinstance(validator, str) and (validator or source.has_hash) and (total is None or source.fits(total)):
                return note
    return {}


def _write_note(partial: Path, source: Source, total: int | None, validator: str) -> None:
    # Written while there is no partial file, so that a note never belongs to the bytes of another try.
    note = {"address": source.address, "total": total, "validator": validator}
    _note_of(partial).write_text(json.dumps(note), encoding="utf-8")
