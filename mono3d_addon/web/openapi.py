# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of the HTTP interface, by the rules of OpenAPI 3.1 (openapis.org)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..formats import FORMATS
from ..settings import PRESETS, SettingField
from ..version import version
from .form import Form
from .samples import SAMPLES

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_INTEGER: Schema = {"type": "integer"}
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}

_ERRORS = {
    400: "The request cannot be understood.",
    401: "The token is missing or wrong.",
    403: "Another page, or another name of this computer, asks.",
    404: "There is no such job, file or page.",
    408: "The upload is too slow.",
    409: "It is too early or too late for that.",
    413: "Too many bytes or pixels; nothing was decoded.",
    415: "The file is no photo.",
    422: "A setting is out of bounds.",
    503: "The server is busy; Retry-After tells the seconds to wait.",
}


def document(form: Form, cookie: str) -> dict[str, Any]:
    """Returns the description; `form` tells the settings and their bounds, `cookie` is the name of the token's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mono3D",
            "version": version(),
            "description": "One photo in, a coloured, camera-matched 3D mesh out.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "paths": _paths(),
        "security": [{}, {"bearer": []}, {"cookie": []}],
        "components": {
            "schemas": _schemas(form),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
            "responses": {str(status): _error(text) for status, text in _ERRORS.items()},
        },
    }


def _paths() -> dict[str, Any]:
    job = [_parameter("id", "The job's name, as its status has it.", _STRING)]
    sample = [_parameter("name", "The sample's name.", {"enum": list(SAMPLES)})]
    format = [*job, _parameter("format", "The format's name.", {"enum": list(FORMATS)})]
    status = _json("The job's status.", "Status")
    model = {"200": _content("The mesh, binary glTF.", "model/gltf-binary"), "304": {"description": "As before."}}
    photos = {"description": "The picture.", "content": {"image/jpeg": {}, "image/png": {}}}
    return {
        "/": {"get": _operation("page", "The page", {"200": _content("The page.", "text/html")})},
        "/openapi.json": {
            "get": _operation("openapi", "This description", {"200": _content("It.", "application/json")})
        },
        "/api/about": {"get": _operation("about", "What the server takes and can do", {"200": _json("It.", "About")})},
        "/api/settings": {
            "get": _operation("settings", "The settings that a job may have", {"200": _json("They.", "Form")})
        },
        "/api/samples/{name}": {
            "get": _operation("sample", "A sample photo", {"200": _content("It.", "image/jpeg")}, 404) | _with(sample)
        },
        "/api/jobs": {
            "post": _operation("create", "Send a photo", {"202": _created(status)}, 400, 403, 408, 413, 415, 422, 503)
            | {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _ref("Upload")}}}}
        },
        "/api/jobs/{id}": {
            "get": _operation("status", "How a job is", {"200": status}, 404) | _with(job),
            "delete": _operation("delete", "Remove a job", {"204": {"description": "It is gone."}}, 403, 404)
            | _with(job),
        },
        "/api/jobs/{id}/events": {
            "get": _operation(
                "events",
                "Each change of a job, as server-sent events with a status as data; ends with the job",
                {"200": _content("The events.", "text/event-stream")},
                404,
                503,
            )
            | _with(job)
        },
        "/api/jobs/{id}/cancel": {
            "post": _operation("cancel", "Give up what is under way", {"200": status}, 403, 404, 409) | _with(job)
        },
        "/api/jobs/{id}/shape": {
            "post": _operation(
                "shape",
                "Make another mesh of the same photo and depth; a newer request replaces an older one",
                {"202": status},
                400,
                403,
                404,
                409,
                422,
                503,
            )
            | _with(job)
            | {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Shape")}}}}
        },
        "/api/jobs/{id}/photo": {
            "get": _operation("photo", "The upright photo", {"200": photos}, 404, 409) | _with(job)
        },
        "/api/jobs/{id}/depth": {
            "get": _operation(
                "depth", "The disparity in colours, near bright", {"200": _content("It.", "image/png")}, 404, 409
            )
            | _with(job)
        },
        "/api/jobs/{id}/view": {
            "get": _operation("view", "The mesh for a viewer; may be a draft", model, 404, 409) | _with(job)
        },
        "/api/jobs/{id}/files/{format}": {
            "get": _operation(
                "file", "A download", {"200": _content("The file.", "application/octet-stream")}, 404, 409, 503
            )
            | _with(format)
        },
    }


def _schemas(form: Form) -> dict[str, Schema]:
    settings = {name: _setting(item) for name, item in form.fields.items()}
    live = {name: schema for name, schema in settings.items() if form.fields[name].choice.live}
    file: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
    numbers: Schema = {"type": "object", "additionalProperties": _NUMBER}
    return {
        "Error": _object({"error": _said("One sentence for the user.")}),
        "Settings": _object(settings, required=()),
        "LiveSettings": _object(live, required=()),
        "Upload": _object(
            {
                "photo": file,
                "sample": {
                    "enum": list(SAMPLES),
                    "description": "Instead of a photo; near and far are then the sample's own if neither is given.",
                },
                "settings": _said("A JSON object of the schema Settings: what differs from the preset."),
                "preset": {"enum": list(PRESETS)},
                "mask": file,
                "depth": file,
            },
            required=(),
        ),
        "Shape": _object({"settings": _ref("LiveSettings"), "draft": _BOOLEAN}, required=()),
        "Status": _object(
            {
                "id": _STRING,
                "name": _said("The photo's file name."),
                "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
                "stage": _said("What happens now."),
                "fraction": {"type": "number", "minimum": 0, "maximum": 1},
                "position": _INTEGER | {"description": "1: next; 0: not waiting."},
                "elapsed": _NUMBER | {"description": "Seconds."},
                "error": _said("Why it failed; also why the last shape did, though the job is done."),
                "revision": _INTEGER | {"description": "Counts the meshes; 0: none yet."},
                "is_draft": _BOOLEAN | {"description": "Whether the view is coarser than the downloads."},
                "expires": {"type": "string", "format": "date-time"},
                "result": {"anyOf": [{"type": "null"}, _ref("Result")]},
            }
        ),
        "Result": _object(
            {
                "width": _INTEGER,
                "height": _INTEGER,
                "camera": {"type": "object", "description": "As in the camera file: pixels, degrees, metres."},
                "counts": {"type": "object", "additionalProperties": _INTEGER},
                "seconds": numbers,
                "notes": {"type": "array", "items": _STRING},
                "model": _STRING,
                "engine": _STRING,
                "settings": _ref("Settings"),
                "files": {"type": "object", "additionalProperties": _said("Where the file is.")},
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
            }
        ),
        "Form": _object(
            {
                "groups": _list(name=_STRING, fields={"type": "array", "items": _ref("Field")}),
                "presets": {"type": "object", "additionalProperties": _ref("Settings")},
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
                "live": _BOOLEAN | {"description": "Whether it can be changed without running the network again."},
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
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({401, *errors})}
    return {"operationId": name, "summary": summary, "responses": answers | refusals}


def _with(parameters: list[Schema]) -> dict[str, Any]:
    return {"parameters": parameters}


def _parameter(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def _created(status: Schema) -> Schema:
    return status | {"headers": {"Location": {"description": "Where the status is.", "schema": _STRING}}}


def _json(text: str, schema: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _content(text: str, media_type: str) -> Schema:
    return {"description": text, "content": {media_type: {}}}


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
