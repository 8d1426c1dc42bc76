# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python client of the server; needs only the standard library.

from mono3d_addon.web.client import Client

job = Client("http://127.0.0.1:8760").reconstruct("photo.jpg", settings={"detail": 512})
job.save("out/", "glb", "camera")
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

from ..core.files import atomic_write
from ..core.stages import Progress
from ..errors import Cancelled, Mono3DError

Status = dict[str, Any]

_BLOCK = 1 << 20
_PAUSE = 1.0


class Refused(Mono3DError):
    """The server refused a request, for the reason in the text; `status` is the HTTP status."""

    def __init__(self, sentence: str, status: int, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Client:
    """A server at `address`, such as "http://127.0.0.1:8760"; `token` is the one that it was started with.

    `timeout` is in seconds without a byte from the server. Every method raises Mono3DError when the server cannot be
    reached and Refused when it refuses the request.
    """

    def __init__(self, address: str = "http://127.0.0.1:8760", token: str = "", timeout: float = 60.0) -> None:
        found = urllib.parse.urlsplit(address)
        if found.scheme not in ("http", "https") or not found.hostname:
            raise Mono3DError(f"'{address}' is not the address of a server; it should look like http://127.0.0.1:8760.")
        self._address = found
        self._token = token
        self._timeout = timeout

    def about(self) -> dict[str, Any]:
        """Returns limits, formats and samples of the server."""
        return self._json("GET", "/api/about")

    def settings(self) -> dict[str, Any]:
        """Returns the settings of jobs with bounds and help, and the presets."""
        return self._json("GET", "/api/settings")

    def reconstruct(
        self,
        photo: str | Path,
        settings: Mapping[str, Any] | None = None,
        preset: str = "balanced",
        mask: str | Path | None = None,
        depth: str | Path | None = None,
        on_progress: Progress | None = None,
        patience: float = 0.0,
    ) -> Job:
        """Uploads a photo, waits for the result and returns the job; see `send` and `Job.wait`."""
        job = self.send(photo, settings, preset, mask, depth, patience)
        job.wait(on_progress)
        return job

    def send(
        self,
        photo: str | Path,
        settings: Mapping[str, Any] | None = None,
        preset: str = "balanced",
        mask: str | Path | None = None,
        depth: str | Path | None = None,
        patience: float = 0.0,
    ) -> Job:
        """Uploads a photo, with an optional mask and depth map, and returns its job without waiting for the result.

        `settings` are the differences from the preset. If the server is busy or does not answer, retries for `patience`
        seconds; the photo is processed once, however often it is sent.
        """
        files = {"photo": photo, "mask": mask, "depth": depth}
        given = {name: Path(path) for name, path in files.items() if path is not None}
        texts = {"settings": json.dumps(dict(settings or {})), "preset": preset}
        body, headers = _form(given, texts)
        headers["Idempotency-Key"] = secrets.token_urlsafe(16)
        end = time.monotonic() + patience
        while True:
            try:
                with self._asked("POST", "/api/jobs", body, headers) as answer:
                    return Job(self, json.loads(answer.read()))
            except Mono3DError as error:
                may_help = not isinstance(error, Refused) or error.status in (409, 503)
                wait = min(error.retry_after or _PAUSE, 5.0) if isinstance(error, Refused) else _PAUSE
                if not may_help or time.monotonic() + wait > end:
                    raise
                time.sleep(wait)

    def job(self, id: str) -> Job:
        """Returns an existing job by its `id`."""
        return Job(self, self._json("GET", f"/api/jobs/{urllib.parse.quote(id, safe='')}"))

    def _json(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body, headers = b"", {}
        if content is not None:
            body, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
        with self._asked(method, path, [body], headers) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found

    @contextlib.contextmanager
    def _asked(
        self, method: str, path: str, body: list[bytes] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Sends a request and yields the response."""
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._address.hostname or "", self._address.port, timeout=self._timeout)
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        parts = [part for part in body or () if part]
        if parts:
            sent["Content-Length"] = str(sum(map(len, parts)))
        try:
            # A server that refuses an upload may respond before it has read all of it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._address.path.rstrip("/") + path, iter(parts) if parts else None, sent)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _refusal(answer)
            yield answer
        except (OSError, http.client.HTTPException) as error:
            where = f"{self._address.hostname}:{self._address.port or kind.default_port}"
            raise Mono3DError(f"The server at {where} cannot be reached ({error or type(error).__name__}).") from error
        finally:
            connection.close()


class Job:
    """A job on the server; `status` is the last one that the server reported."""

    def __init__(self, client: Client, status: Status) -> None:
        self.status = status
        self._client = client

    @property
    def id(self) -> str:
        """The job's id; knowing it gives access to the job."""
        return str(self.status["id"])

    @property
    def result(self) -> dict[str, Any]:
        """Counts, camera, seconds, notes and more of the mesh. Raises Mono3DError before there is one."""
        found: dict[str, Any] | None = self.status["result"]
        if found is None:
            raise Mono3DError("There is no result yet; call wait().")
        return found

    def refresh(self) -> Status:
        """Requests the current status from the server."""
        self.status = self._client._json("GET", self._path())
        return self.status

    def wait(self, on_progress: Progress | None = None) -> Status:
        """Waits for the end of the job. Raises Mono3DError when it failed, Cancelled when it was cancelled."""
        while self.status["state"] in ("queued", "running"):
            with self._client._asked("GET", self._path("/events")) as answer:
                for line in answer:
                    if line.startswith(b"data:"):
                        self.status = json.loads(line[5:])
                        if on_progress is not None and self.status["state"] == "running":
                            on_progress(self.status["stage"], self.status["fraction"])
        if self.status["state"] == "cancelled":
            raise Cancelled
        if self.status["error"]:
            raise Mono3DError(self.status["error"])
        return self.status

    def shape(self, settings: Mapping[str, Any], on_progress: Progress | None = None) -> Status:
        """Rebuilds the mesh with other settings, from the same depth, and waits for it.

        `settings` are all live settings that differ from their defaults. Raises Mono3DError on failure, which keeps the
        previous mesh.
        """
        self.status = self._client._json("POST", self._path("/shape"), {"settings": dict(settings), "draft": False})
        return self.wait(on_progress)

    def save(self, folder: str | Path, *formats: str) -> list[Path]:
        """Saves downloads (default: "glb") into `folder` and returns their paths.

        Raises Mono3DError when one is not available or cannot be written.
        """
        target = Path(folder)
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Mono3DError(f"The folder '{target}' cannot be created ({error.strerror or error}).") from error
        saved = []
        for form in formats or ("glb",):
            address = self._path(f"/files/{urllib.parse.quote(form, safe='')}")
            with self._client._asked("GET", address) as answer:
                path = target / _file_name(answer.headers.get("Content-Disposition", ""), form)
                with atomic_write(path) as beside, beside.open("wb") as file:
                    while block := answer.read(_BLOCK):
                        file.write(block)
            saved.append(path)
        return saved

    def cancel(self) -> Status:
        """Cancels the current work of the job."""
        self.status = self._client._json("POST", self._path("/cancel"))
        return self.status

    def delete(self) -> None:
        """Deletes the photo and its results from the server."""
        self._client._json("DELETE", self._path())

    def _path(self, end: str = "") -> str:
        return f"/api/jobs/{urllib.parse.quote(self.id, safe='')}{end}"


def _refusal(answer: http.client.HTTPResponse) -> Refused:
    try:
        sentence = str(json.loads(answer.read(_BLOCK))["error"])
    except (ValueError, KeyError, TypeError):
        sentence = f"The server answered {answer.status} {answer.reason}."
    try:
        retry_after = float(answer.headers.get("Retry-After", 0.0))
    except ValueError:
        retry_after = 0.0
    return Refused(sentence, answer.status, retry_after)


def _form(files: Mapping[str, Path], texts: Mapping[str, str]) -> tuple[list[bytes], dict[str, str]]:
    """Returns the body of a multipart form, in parts, and its headers (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, text in texts.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    for name, path in files.items():
        plain = path.name.replace("\\", "_").replace('"', "%22").replace("\r", "_").replace("\n", "_")
        head = f'Content-Disposition: form-data; name="{name}"; filename="{plain}"'
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Mono3DError(f"'{path}' cannot be read ({error.strerror or error}).") from error
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode("utf-8", "replace"))
        parts += [data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return parts, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _file_name(disposition: str, form: str) -> str:
    """Returns the file name that the server gives a download, without any folder."""
    header = Message()
    header["Content-Disposition"] = disposition
    name = (header.get_filename() or form).replace("\\", "/").rsplit("/", 1)[-1]
    return name if name.strip(". ") else form
