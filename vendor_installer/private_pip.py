# SPDX-License-Identifier: GPL-3.0-or-later
"""A private pip, for interpreters that have none or one that cannot resume an interrupted download.

Python 3.11, and so Blender 4.2 to 5.0, contains pip 23.2, which reports an interrupted download as a wrong hash and
starts it again from the beginning. A distribution's Python may have no pip at all, which only an administrator can
change. pip only downloads here: the files are verified afterwards and progress is measured from the files. So if the
private pip cannot be downloaded, any other will do.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import http.client
import re
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from . import wheels
from .errors import InstallError
from .folders import Folders, remove_tree
from .interpreter import Interpreter
from .locks import LockedFile
from .pip_settings import PipSettings, pip_settings

PIP = LockedFile(
    name="pip",
    version="26.3",
    sha256="f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
    file="pip-26.3-py3-none-any.whl",
    bytes=1_950_951,
    stored=0,
)
"""The private pip."""

RESUMES_SINCE = (25, 2)
"""The first version of pip that resumes interrupted downloads."""

_TIMEOUT_SECONDS = 10


def with_resuming_pip(interpreter: Interpreter, data_folder: Path) -> Interpreter:
    """Returns the interpreter with a pip that resumes downloads: its own or the private one.

    The private pip is downloaded once into the data folder. If that fails, returns the interpreter unchanged and writes
    the reason to the log. Uses the network.
    """
    if interpreter.pip_version >= RESUMES_SINCE:
        return interpreter
    folders = Folders(data_folder)
    place = folders.tools / f"pip-{PIP.version}"
    if not (place / "pip").is_dir():
        settings = pip_settings()
        # With indexes disabled, nothing is downloaded from one.
        if settings.no_index:
            return interpreter
        try:
            _unpack(_downloaded(settings), place)
        except (OSError, ValueError, InstallError, http.client.HTTPException) as error:
            why = _without_secrets(str(error))
            _note(folders.log, f"pip {PIP.version} was not downloaded, so the interpreter's own is used: {why}")
            return interpreter
    version = tuple(int(part) for part in PIP.version.split(".")[:2])
    return dataclasses.replace(interpreter, has_pip=False, pip_wheel=str(place), pip_version=version)


def _downloaded(settings: PipSettings) -> bytes:
    """Returns the verified wheel. Raises OSError if the index cannot be reached, ValueError for a wrong file."""
    index = settings.index
    page = f"{index}/{PIP.name}/"
    text = _read(page, 10_000_000, settings).decode("utf-8", "replace")
    for link in re.findall(r'href\s*=\s*"([^"]+)"', text):
        address = urllib.parse.urljoin(page, html.unescape(link))
        if urllib.parse.urlparse(address).path.rpartition("/")[2] == PIP.file:
            content = _read(address, PIP.bytes + 1, settings)
            if hashlib.sha256(content).hexdigest() != PIP.sha256:
                raise ValueError(f"{index} serves another file as {PIP.file}")
            return content
    raise ValueError(f"{index} does not offer {PIP.file}")


def _read(address: str, most: int, settings: PipSettings) -> bytes:
    handlers: list[urllib.request.BaseHandler] = []
    if settings.proxy:
        handlers.append(urllib.request.ProxyHandler({"http": settings.proxy, "https": settings.proxy}))
    if address.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_context(address, settings)))
    with urllib.request.build_opener(*handlers).open(_request(address), timeout=_TIMEOUT_SECONDS) as answer:
        return bytes(answer.read(most))


def _context(address: str, settings: PipSettings) -> ssl.SSLContext:
    parts = urllib.parse.urlsplit(address)
    if {parts.hostname, f"{parts.hostname}:{parts.port or 443}"} & settings.trusted:
        # The user trusts this host, and the file is verified by its hash.
        return ssl._create_unverified_context()
    return ssl.create_default_context(cafile=settings.certificate or None)


def _request(address: str) -> urllib.request.Request:
    """Returns the request; a user name and password in the address, as for a company's mirror, become a header."""
    parts = urllib.parse.urlsplit(address)
    who, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host)))
    if who:
        token = base64.b64encode(urllib.parse.unquote(who).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def _without_secrets(text: str) -> str:
    return re.sub(r"//[^/\s]*@", "//", text)


def _unpack(content: bytes, place: Path) -> None:
    staging = place.with_name(f".staging-{secrets.token_hex(4)}")
    staging.mkdir(parents=True)
    try:
        wheel = staging / PIP.file
        wheel.write_bytes(content)
        wheels.unpack(wheel, staging / "unpacked", (), lambda count: None)
        remove_tree(place)
        (staging / "unpacked").rename(place)
    finally:
        remove_tree(staging)


def _note(log: Path, text: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as record:
        record.write(f"{text}\n")
