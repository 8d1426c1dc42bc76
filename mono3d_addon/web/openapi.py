# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI 3.1 description of the HTTP API (openapis.org)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.camera.usual_scenes import KINDS
from ..formats import FORMATS, PREVIEWS
from ..settings import GRADES, PRESETS, SettingField
from ..version import version
from .form import Form
from .samples import SAMPLES
from .shares import HEADER

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_INTEGER: Schema = {"type": "integer"}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0}
_BINARY: Schema = {"type": "string", "format": "binary"}
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}

_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Text that is new for each photo. An upload with the key of an earlier one answers with its job.",
    "schema": {"type": "string", "maxLength": 200, "pattern": "^[ -~]*$"},
}

_ERRORS = {
    400: "The request cannot be understood.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site, uses another host name, or would change what was only shared.",
    404: "No such job, file or page.",
    405: "The path has other methods, see Allow.",
    408: "The upload is too slow.",
    409: "The job's state does not allow this, or an upload with this key is just being received.",
    413: "Too many bytes or pixels; the file was not decoded.",
    415: "The file is not a photo.",
    416: "The file has fewer bytes than the range begins with.",
    422: "A setting is out of bounds.",
    429: "Too many wrong tokens; Retry-After gives the seconds to wait.",
    431: "The header of the request is too large.",
    500: "An unforeseen error; the server's log has the details.",
    503: "The server is busy or stops; Retry-After gives the seconds to wait.",
}

_EVERYWHERE = (400, 401, 403, 408, 413, 429, 431, 500, 503)
"""Refusals of any request; one with a body where none belongs gets 400 or 413."""


def document(form: Form, cookie: str, root: str = "") -> dict[str, Any]:
    """Returns the description.

    `form` has the settings and their bounds, `cookie` is the name of the cookie with the session, empty if there is no
    token, and `root` is the path of the server.
    """
    keys: dict[str, Any] = {"bearer": {"type": "http", "scheme": "bearer"}}
    if cookie:
        keys["share"] = {"type": "apiKey", "in": "header", "name": HEADER}
        keys["cookie"] = {"type": "apiKey", "in": "cookie", "name": cookie}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mono3D",
            "version": version(),
            "description": "One photo in, a coloured, camera-matched 3D mesh out.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": root or "/"}],
        "paths": _paths(),
        "security": [{name: []} for name in keys] if cookie else [{}],
        "components": {
            "schemas": _schemas(form),
            "securitySchemes": keys if cookie else {},
            "responses": {str(status): _error(text) for status, text in _ERRORS.items()},
        },
    }


def _paths() -> dict[str, Any]:
    job = [_parameter("id", "Id of the job.", _STRING)]
    sample = [_parameter("name", "Name of the sample.", {"enum": list(SAMPLES)})]
    format = [*job, _parameter("format", "Name of the format or preview.", {"enum": [*FORMATS, *PREVIEWS]})]
    status = _json("Status of the job.", "Status")
    model = {"200": _content("The mesh as binary glTF.", "model/gltf-binary"), "304": {"description": "Not modified."}}
    healths = {"200": _json("It can.", "Health"), "503": _json("It cannot.", "Health")}
    picture = {"schema": _BINARY}
    file = _content("The file.", "application/octet-stream")
    photos = {"description": "The image.", "content": {"image/jpeg": picture, "image/png": picture}}
    return {
        "/": {"get": _operation("page", "The page", {"200": _content("The page.", "text/html")})},
        "/openapi.json": {
            "get": _operation("openapi", "This description", {"200": _content("The description.", "application/json")})
        },
        "/health": {
            "get": _operation("health", "Whether the server can work on photos; needs no token", healths)
            | {"security": [{}]}
        },
        "/metrics": {
            "get": _operation("metrics", "Counts for Prometheus", {"200": _content("The counts.", "text/plain")})
        },
        "/api/about": {
            "get": _operation("about", "Limits, formats and samples", {"200": _json("The server.", "About")})
        },
        "/api/settings": {
            "get": _operation("settings", "The settings of jobs and the presets", {"200": _json("The form.", "Form")})
        },
        "/api/samples/{name}": {
            "get": _operation("sample", "A sample photo", {"200": _content("Photo.", "image/jpeg")}, 404)
            | _with([*sample, _query("small", "1: its thumbnail.", _COUNT)])
        },
        "/api/events": {
            "get": _operation(
                "all_events",
                "Changes of several jobs as server-sent events; a job that does not exist gets an event named 'gone'",
                {"200": _content("The events.", "text/event-stream")},
            )
            | _with([_query("job", "Ids of the jobs.", {"type": "array", "items": _STRING, "minItems": 1}, True)])
        },
        "/api/jobs": {
            "post": _operation("create", "Upload a photo", {"202": _created(status)}, 409, 415, 422)
            | _with([_IDEMPOTENCY_KEY])
            | {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _ref("Upload")}}}}
        },
        "/api/jobs/{id}": {
            "get": _operation("status", "Status of a job", {"200": status}, 404) | _with(job),
            "delete": _operation("delete", "Delete a job and its files", {"204": {"description": "Deleted."}}, 404)
            | _with(job),
        },
        "/api/jobs/{id}/events": {
            "get": _operation(
                "events",
                "Changes of a job as server-sent events whose data is the status; ends with the job",
                {"200": _content("The events.", "text/event-stream")},
                404,
            )
            | _with(job)
        },
        "/api/jobs/{id}/cancel": {
            "post": _operation("cancel", "Cancel the current work", {"200": status}, 404, 409) | _with(job)
        },
        "/api/jobs/{id}/shape": {
            "post": _operation(
                "shape",
                "Rebuild the mesh with other settings, from the same depth; a newer request replaces an older one",
                {"202": status},
                404,
                409,
                422,
            )
            | _with(job)
            | {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Shape")}}}}
        },
        "/api/jobs/{id}/share": {
            "post": _operation(
                "share",
                "Make a link by which others may look at the result and download it; the same until it is closed",
                {"200": _json("What the link has behind '#share='.", "Share")},
                403,
                404,
            )
            | _with(job),
            "delete": _operation(
                "unshare", "Make that link invalid", {"204": {"description": "It is invalid."}}, 403, 404
            )
            | _with(job),
        },
        "/api/shares": {
            "post": _operation(
                "open_share",
                "Get the cookie for looking at a shared result; programs send the header Share-Secret instead",
                {"200": _json("The id that the result has for those who look at it.", "Shared")},
                404,
            )
            | {"security": [{}]}
            | {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Share")}}}}
        },
        "/api/jobs/{id}/photo": {
            "get": _operation("photo", "The upright photo", {"200": photos}, 404, 409)
            | _with(
                [*job, _query("side", "Least pixels along the longer side of a smaller copy; 0: the photo.", _COUNT)]
            )
        },
        "/api/jobs/{id}/depth": {
            "get": _operation(
                "depth",
                "The disparity in false colours, near is bright",
                {"200": _content("The image.", "image/png")},
                404,
                409,
            )
            | _with(job)
        },
        "/api/jobs/{id}/view": {
            "get": _operation(
                "view", "The mesh for display, without the photo; may be that of a draft", model, 404, 409
            )
            | _with([*job, _query("draft", "1: a coarse copy, if there is one.", _COUNT)])
        },
        "/api/jobs/{id}/files/{format}": {
            "get": _operation(
                "file",
                "A download, also in parts",
                {"200": file, "206": file | {"description": "A part."}},
                404,
                409,
                416,
            )
            | _with([*format, _query("revision", "The mesh that is wanted; 0: the last complete one.", _COUNT)])
        },
    }


def _schemas(form: Form) -> dict[str, Schema]:
    settings = {name: _setting(item) for name, item in form.fields.items()}
    live = {name: schema for name, schema in settings.items() if form.fields[name].choice.live}
    # Both: OpenAPI 3.1 asks for the media type, and most generators of clients look for the format of 3.0.
    file: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    numbers: Schema = {"type": "object", "additionalProperties": _NUMBER}
    return {
        "Health": _object({"status": _said("ok, or a sentence that says what is wrong.")}),
        "Error": _object({"error": _said("One sentence for the user.")}),
        "Settings": _object(settings, required=()),
        "LiveSettings": _object(live, required=()),
        "Upload": _object(
            {
                "photo": file,
                "sample": {
                    "enum": list(SAMPLES),
                    "description": "Used instead of a photo; its near and far are used unless one of them is given.",
                },
                "settings": _said("JSON object of the schema Settings with the differences from the preset."),
                "preset": {"enum": list(PRESETS)},
                "mask": file,
                "depth": file,
            },
            required=(),
        ),
        "Shape": _object({"settings": _ref("LiveSettings"), "draft": _BOOLEAN}, required=()),
        "Share": _object({"share": _said("Id of the share, a point, and its secret.")}),
        "Shared": _object({"id": _said("Stands in place of a job's id in requests that change nothing.")}),
        "Status": _object(
            {
                "id": _STRING,
                "access": {"enum": ["full", "view"], "description": "view: it was shared, and cannot be changed."},
                "is_shared": _BOOLEAN | {"description": "Whether there is a link for looking at it."},
                "name": _said("File name of the photo."),
                "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
                "stage": _said("Current stage."),
                "fraction": {"type": "number", "minimum": 0, "maximum": 1},
                "position": _INTEGER | {"description": "Position in the queue; 1: next, 0: not waiting."},
                "elapsed": _NUMBER | {"description": "Seconds since the request."},
                "error": _said("Reason of the failure; also of a failed rebuild, after which the state is done."),
                "revision": _INTEGER | {"description": "Number of meshes built so far."},
                "is_draft": _BOOLEAN | {"description": "Whether the displayed mesh is coarser than the downloads."},
                "expires": {"type": "string", "format": "date-time"},
                "result": {"anyOf": [{"type": "null"}, _ref("Result")]},
            }
        ),
        "Result": _object(
            {
                "width": _INTEGER,
                "height": _INTEGER,
                "camera": {"type": "object", "description": "As in the camera file; pixels, degrees and metres."},
                "distances": {
                    "type": "object",
                    "description": "Near and far in metres, each with its source, as in the camera file.",
                },
                "kind": {"enum": [*KINDS, ""], "description": "Kind of the scene, as estimated; empty: unknown."},
                "counts": {"type": "object", "additionalProperties": _INTEGER},
                "seconds": numbers,
                "notes": {"type": "array", "items": _STRING},
                "model": _STRING,
                "engine": _STRING,
                "settings": _ref("Settings"),
                "files": {"type": "object", "additionalProperties": _said("Path of the file.")},
            }
        ),
        "About": _object(
            {
                "version": _STRING,
                "max_megapixels": _NUMBER,
                "max_megabytes": _NUMBER,
                "max_jobs": _INTEGER,
                "workers": _INTEGER,
                "keep_hours": _NUMBER,
                "formats": _list(
                    name=_STRING,
                    label=_STRING,
                    ending=_STRING,
                    media_type=_STRING,
                    available=_BOOLEAN,
                    reason=_said("Why it is not available."),
                ),
                "samples": _list(name=_STRING, title=_STRING, thumbnail=_STRING, near=_NUMBER, far=_NUMBER),
                "photo_endings": {"type": "array", "items": _STRING},
                "signed_in": _BOOLEAN | {"description": "Whether the cookie of a session was sent."},
                "is_guest": _BOOLEAN | {"description": "Whether only a share lets the visitor in."},
            }
        ),
        "Form": _object(
            {
                "groups": _list(name=_STRING, fields={"type": "array", "items": _ref("Field")}),
                "models": {"type": "array", "items": _ref("Model")},
                "scenes": _list(name={"enum": [*KINDS]}, near=_NUMBER, far=_NUMBER)
                | {"description": "Usual distances of each kind of scene, metres."},
                "presets": {"type": "object", "additionalProperties": _ref("Settings")},
            }
        ),
        "Model": _object(
            {
                "name": _said("Value of the setting model; accepted only if it is here."),
                "label": _said("What people call it."),
                "grade": {"enum": [*GRADES, ""], "description": "Word for one of three models that are offered first."},
                "is_here": _BOOLEAN | {"description": "Whether its weights are on the server."},
                "summary": _said("Where it is or its size, its terms and its speed."),
                "bytes": _INTEGER,
                "seconds": numbers | {"description": "Seconds for a picture on this server, by device."},
                "gives": _said("What it gives beside relative depth."),
                "accuracy": _said("What is published; empty: nothing."),
                "licence": _STRING,
                "licence_address": _STRING,
                "is_for_all_use": _BOOLEAN,
                "question": _said("What to ask before it is used; empty: nothing."),
                "promise": _said("What it brings and costs, of better and best."),
                "choose_when": _STRING,
            }
        ),
        "Field": _object(
            {
                "name": _STRING,
                "label": _STRING,
                "help": _STRING,
                "kind": {"enum": ["bool", "int", "float", "str"]},
                "options": {"type": "array", "items": _STRING},
                "minimum": {"type": ["number", "null"]},
                "maximum": {"type": ["number", "null"]},
                "unit": {"type": ["string", "null"]},
                "default": {"type": ["boolean", "number", "string"]},
                "typical": _NUMBER | {"description": "About what 0 comes to where it means automatic; else 0."},
                "live": _BOOLEAN | {"description": "Whether it can be changed without running the network again."},
                "only_with": {
                    "description": "A setting and those of its values without which this one changes nothing.",
                    "oneOf": [
                        _object({"name": _STRING, "values": {"type": "array", "items": _STRING}}),
                        {"type": "null"},
                    ],
                },
                "level": {"enum": ["basic", "advanced"], "description": "Basic settings are shown first."},
            }
        ),
    }


def _setting(item: SettingField) -> Schema:
    choice = item.choice
    unit = f" ({choice.unit})" if choice.unit else ""
    schema: Schema = {"type": _KINDS[item.kind], "description": f"{choice.help}{unit}.", "default": item.default}
    if choice.options:
        schema["enum"] = list(choice.options)
    bounds = {"minimum": choice.minimum, "maximum": choice.maximum}
    return schema | {name: value for name, value in bounds.items() if value is not None}


def _operation(name: str, summary: str, answers: dict[str, Any], *errors: int) -> dict[str, Any]:
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({*_EVERYWHERE, *errors})}
    return {"operationId": name, "summary": summary, "responses": refusals | answers}


def _with(parameters: list[Schema]) -> dict[str, Any]:
    return {"parameters": parameters}


def _parameter(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def _query(name: str, text: str, schema: Schema, is_required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": is_required, "description": text, "schema": schema}


def _created(status: Schema) -> Schema:
    return status | {"headers": {"Location": {"description": "Path of the status.", "schema": _STRING}}}


def _json(text: str, schema: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _content(text: str, media_type: str) -> Schema:
    schema = {"type": "object"} if media_type == "application/json" else _STRING
    return {"description": text, "content": {media_type: {"schema": schema if _is_text(media_type) else _BINARY}}}


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type == "application/json"


def _error(text: str) -> Schema:
    return _json(text, "Error")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _said(text: str) -> Schema:
    return {"type": "string", "description": text}


def _list(**properties: Schema) -> Schema:
    return {"type": "array", "items": _object(properties)}


def _object(properties: Mapping[str, Schema], required: tuple[str, ...] | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    wanted = tuple(properties) if required is None else required
    return schema | ({"required": list(wanted)} if wanted else {})
