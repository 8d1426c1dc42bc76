# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the web application."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Match, Mount, Route
from starlette.types import ASGIApp

from ..core.photo.endings import PHOTO_ENDINGS
from ..errors import Mono3DError, is_disk_full, unforeseen
from ..version import version
from ..worker.page_layout import DEPTH, DRAFT, PHOTOS, SIDES, VIEW, smaller
from . import downloads, events, openapi, overview, samples
from .answers import Answer, refused
from .body import FORM_ROOM, drain
from .connections import Connections
from .events import Seen
from .form import read_object
from .guard import Guard, Rules
from .jobs import Job
from .metrics import counter, gauge
from .page_assets import PageAssets
from .refusal import Refusal
from .sending import SharedFile, packed_file
from .service import Service
from .shares import id_of
from .uploads import received
from .visitor import VISITOR

_MOST_STREAMS, _MOST_IN_STREAM = 16, 100
"""Event streams per job, and jobs per event stream."""

_LONGEST_KEY = 200

_GONE = "This job does not exist or has expired; upload the photo again."

_DRAINED_WHEN_BUSY = 100_000_000
"""Bytes of an upload that are read although it is refused; a client that may come again is told so."""

_PHOTO_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
_WORDS = {404: "There is no such page.", 405: "This method is not allowed here; see /openapi.json."}


def make_app(service: Service, rules: Rules, connections: Connections | None = None) -> ASGIApp:
    """Returns the application that serves `service`, protected by the guard, which notes requests in `connections`."""
    assets = PageAssets()
    pages = Pages(service, rules, assets, connections)

    app = Starlette(
        routes=[
            Route("/", pages.page),
            Route("/openapi.json", pages.description),
            Route("/health", pages.health),
            Route("/metrics", pages.metrics),
            Route("/api/about", pages.about),
            Route("/api/settings", pages.settings),
            Route("/api/samples/{name}", pages.sample),
            Route("/api/events", pages.all_events),
            Route("/api/jobs", pages.create, methods=["POST"]),
            Route("/api/jobs/{id}", pages.status, methods=["GET"]),
            Route("/api/jobs/{id}", pages.delete, methods=["DELETE"]),
            Route("/api/jobs/{id}/events", pages.events),
            Route("/api/jobs/{id}/cancel", pages.cancel, methods=["POST"]),
            Route("/api/jobs/{id}/shape", pages.shape, methods=["POST"]),
            Route("/api/jobs/{id}/share", pages.share, methods=["POST"]),
            Route("/api/jobs/{id}/share", pages.unshare, methods=["DELETE"]),
            Route("/api/shares", pages.open_share, methods=["POST"]),
            Route("/api/jobs/{id}/photo", pages.photo),
            Route("/api/jobs/{id}/depth", pages.depth),
            Route("/api/jobs/{id}/view", pages.view),
            Route("/api/jobs/{id}/files/{format}", pages.file),
            Mount("/static", assets),
        ],
        exception_handlers={
            Refusal: _on_refusal,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Mono3DError: _on_error,
            OSError: pages.on_system_error,
            Exception: _on_unforeseen_error,
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, rules, service.counts, connections)


class Pages:
    """The handlers of the routes."""

    def __init__(self, service: Service, rules: Rules, assets: PageAssets, connections: Connections | None) -> None:
        self._service = service
        self._rules = rules
        self._assets = assets
        self._connections = connections

    async def page(self, request: Request) -> Response:
        """The page."""
        return self._assets.page(request)

    async def description(self, request: Request) -> Response:
        """The API as OpenAPI."""
        sign_in = self._rules.sign_in
        cookie = sign_in.cookie if sign_in is not None else ""
        return Answer(openapi.document(self._service.form, cookie, self._rules.root))

    async def health(self, request: Request) -> Response:
        """Whether the server can work on photos."""
        sentence = self._service.trouble()
        return Answer({"status": sentence or "ok"}, 503 if sentence else 200)

    async def metrics(self, request: Request) -> Response:
        """What the server counts, for Prometheus."""
        lines = overview.lines(self._service)
        if self._connections is not None:
            lines += gauge("mono3d_connections", "Open connections.", [({}, len(self._connections))])
            text = "Connections refused, because one place or all have too many."
            lines += counter("mono3d_connections_refused", text, [({}, self._connections.refused)])
        if self._rules.sign_in is not None:
            text = "Wrong tokens."
            lines += counter("mono3d_wrong_tokens", text, [({}, self._rules.sign_in.attempts.count)])
        return Response("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def about(self, request: Request) -> Response:
        """Limits, formats and samples of this server."""
        options = self._service.options
        return Answer(
            {
                "version": version(),
                "max_megapixels": options.max_pixels,
                "max_megabytes": options.max_megabytes,
                "max_jobs": options.max_jobs,
                "workers": options.workers,
                "keep_hours": options.keep_hours,
                "formats": downloads.described(self._service.installed),
                "samples": samples.described(self._rules.root),
                "signed_in": bool(request.scope[VISITOR].session),
                "is_guest": request.scope[VISITOR].is_guest,
                "photo_endings": list(PHOTO_ENDINGS),
            }
        )

    async def settings(self, request: Request) -> Response:
        """The settings that visitors may choose."""
        return Answer(self._service.form.described())

    async def sample(self, request: Request) -> Response:
        """A sample photo; with `small`, its thumbnail."""
        found = samples.path_of(request.path_params["name"], is_small=_number(request, "small") > 0)
        if found is None:
            raise Refusal(404, "There is no such sample photo; /api/about lists them.")
        return FileResponse(found, media_type="image/jpeg", headers={"Cache-Control": "max-age=86400"})

    async def create(self, request: Request) -> Response:
        """Receives a photo and starts its job."""
        service, owner, key = self._service, request.scope[VISITOR].owner, _idempotency_key(request)
        most = self._rules.most_bytes
        job = service.earlier(owner, key)
        if job is not None:
            await drain(request.scope, most + FORM_ROOM)
        else:
            length = int(request.headers.get("content-length", most))
            with service.place(owner, key) as (id, folder):
                service.make_room(length)
                async with received(request, folder.path, service.options.max_pixels) as upload:
                    job = service.create(id, folder, upload)
        return Answer(service.status(job), 202, {"Location": f"{self._rules.root}/api/jobs/{job.id}"})

    async def status(self, request: Request) -> Response:
        """The status of a job."""
        return Answer(self._service.status(*self._seen(request)))

    async def events(self, request: Request) -> Response:
        """The changes of a job, as server-sent events."""
        return self._stream({request.path_params["id"]: self._seen(request)})

    async def all_events(self, request: Request) -> Response:
        """The changes of several jobs; a browser has few connections, and one is enough for all its pages."""
        ids = dict.fromkeys(request.query_params.getlist("job"))
        if not 0 < len(ids) <= _MOST_IN_STREAM:
            raise Refusal(400, f"Name one to {_MOST_IN_STREAM} jobs, such as ?job=ID&job=ID.")
        found = {id: self._find(request, id) for id in ids}
        return self._stream({id: seen for id, seen in found.items() if seen}, [id for id in ids if not found[id]])

    def _stream(self, jobs: dict[str, Seen], gone: Sequence[str] = ()) -> Response:
        # All visitors share a limited number of connections.
        if any(job.watchers >= _MOST_STREAMS for job, _ in jobs.values()):
            raise Refusal(503, "Too many clients follow this job; request its status instead.", {"Retry-After": "5"})
        stream = events.events(self._service, jobs, gone)
        # Without this header nginx would buffer the events.
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def cancel(self, request: Request) -> Response:
        """Cancels the current work of a job."""
        job = self._job(request)
        self._service.cancel(job)
        return Answer(self._service.status(job))

    async def delete(self, request: Request) -> Response:
        """Deletes a job."""
        self._service.delete(self._job(request))
        return Response(status_code=204)

    async def shape(self, request: Request) -> Response:
        """Rebuilds the mesh with other settings."""
        job = self._job(request)
        asked = read_object(await request.body(), "The request")
        given, is_draft = asked.get("settings", {}), asked.get("draft", False)
        if not isinstance(given, dict) or not isinstance(is_draft, bool) or set(asked) - {"settings", "draft"}:
            raise Refusal(400, 'Send JSON such as {"settings": {"near": 0.5}, "draft": false}.')
        self._service.shape(job, given, is_draft=is_draft)
        return Answer(self._service.status(job), 202)

    async def share(self, request: Request) -> Response:
        """What a link for looking at the result has behind the "#"; the same until it is closed."""
        return Answer({"share": self._service.shares.open(self._job(request))})

    async def unshare(self, request: Request) -> Response:
        """Makes that link invalid."""
        self._service.shares.close(self._job(request))
        return Response(status_code=204)

    async def open_share(self, request: Request) -> Response:
        """Gives a browser the cookie for looking at a shared result."""
        given = read_object(await request.body(), "The request").get("share")
        if not isinstance(given, str):
            raise Refusal(400, 'Send JSON such as {"share": "..."}, with what the link has behind "#share=".')
        answer = Answer({"id": id_of(given)})
        self._service.shares.admit(request, given, self._rules.root, answer)
        return answer

    async def photo(self, request: Request) -> Response:
        """The photo, upright; with `side`, the smallest copy that has so many pixels along the longer side."""
        job, _ = self._seen(request)
        self._service.whole(job)
        side = _number(request, "side")
        wanted = [name for size in SIDES if 0 < side <= size for name in smaller(size)]
        path = next(path for name in (*wanted, *PHOTOS) if (path := job.folder.path / name).exists())
        return SharedFile(job.folder, path, media_type=_PHOTO_TYPES[path.suffix])

    async def depth(self, request: Request) -> Response:
        """The disparity in false colours."""
        job, _ = self._seen(request)
        self._service.whole(job)
        return SharedFile(job.folder, job.folder.path / DEPTH, media_type="image/png")

    async def view(self, request: Request) -> Response:
        """The mesh for display; with `draft`, a coarse one if there is one."""
        job, _ = self._seen(request)
        shown = job.view or self._service.whole(job)
        draft = shown.folder.path / DRAFT
        is_draft = _number(request, "draft") > 0 and draft.exists()
        tag = f'"{job.revision}{"-draft" if is_draft else ""}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        path = draft if is_draft else shown.folder.path / VIEW
        return await packed_file(request.headers, shown.folder, path, "model/gltf-binary", headers)

    async def file(self, request: Request) -> Response:
        """A download."""
        (job, _), format = self._seen(request), request.path_params["format"]
        if not downloads.is_known(format):
            raise Refusal(404, "There is no such format; /api/about lists them.")
        folder = self._service.whole(job).folder
        with folder.used():
            path = await self._service.file(job, format, _number(request, "revision"))
            name = downloads.file_name(job.name, format)
            media_type = downloads.media_type_of(format)
            return SharedFile(folder, path, is_resumable=True, media_type=media_type, filename=name)

    async def on_system_error(self, request: Request, error: Exception) -> Response:
        """The answer where the disk is full; other errors are unforeseen."""
        if not is_disk_full(error):
            raise error
        await drain(request.scope, _DRAINED_WHEN_BUSY)
        return refused(self._service.full_disk())

    def _job(self, request: Request) -> Job:
        """Returns the job of a request that changes something. Raises Refusal, 403 or 404."""
        job, share = self._seen(request)
        if share:
            raise Refusal(403, "This result was shared with you for looking and downloading; you cannot change it.")
        return job

    def _seen(self, request: Request) -> Seen:
        """Returns the job of a request that changes nothing. Raises Refusal, 404."""
        id = request.path_params["id"]
        found = self._find(request, id)
        if found is None:
            raise Refusal(404, _GONE)
        return found

    def _find(self, request: Request, id: str) -> Seen | None:
        job = self._service.shares.find(id, request.headers)
        if job is not None:
            return job, id
        # The id of a job is no way past the token.
        job = None if request.scope[VISITOR].is_guest else self._service.find(id)
        return (job, "") if job is not None else None


def _number(request: Request, name: str) -> int:
    """Returns a whole number of the query; 0 if it is not given. Raises Refusal, 400, for anything else."""
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, f"'{name}' must be a whole number.")
    return int(text)


def _idempotency_key(request: Request) -> str:
    """Returns the key of an upload that the client may repeat; empty if it gives none. Raises Refusal, 400."""
    key = request.headers.get("idempotency-key", "")
    if len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Refusal(400, f"The Idempotency-Key must be at most {_LONGEST_KEY} printable ASCII characters.")
    return key


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    await drain(request.scope, 2_000_000 if error.status != 503 else _DRAINED_WHEN_BUSY)
    return refused(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = _WORDS.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_of(request)))
    return refused(Refusal(error.status_code, sentence, headers))


def _methods_of(request: Request) -> set[str]:
    """Returns the methods of all routes that have the path of a request."""
    found = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    # The static files have no methods of their own, and their path is not the route's any more.
    return {method for route in found for method in getattr(route, "methods", ())} or {"GET", "HEAD"}


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


async def _on_error(request: Request, error: Exception) -> Response:
    return refused(Refusal(500, str(error)))


async def _on_unforeseen_error(request: Request, error: Exception) -> Response:
    return refused(Refusal(500, unforeseen(place="the server's log")))
