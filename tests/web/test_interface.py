# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of the interface says what is there: its schemas hold for real answers, its paths for the routes."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from mono3d_addon.settings import Settings, WebOptions, fields_of
from mono3d_addon.web.app import make_app
from mono3d_addon.web.form import Form, shown_settings
from mono3d_addon.web.guard import Guard, Rules
from mono3d_addon.web.metrics import Counts
from mono3d_addon.web.openapi import document
from tests.web.web_server import COFFEE, DATA, SMALL, WebServer, need_packages

need_packages()


class NoService:
    """Stands where a service is wanted and none is asked."""

    options = WebOptions()
    counts = Counts()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(Form.of(WebOptions(), DATA), "the_cookie")


def check(described: dict[str, Any], schema: str, value: Any) -> None:
    """Fails where a value does not keep to a schema of the description."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_every_route_is_described_and_nothing_else(described: dict[str, Any]) -> None:
    app = make_app(NoService(), Rules(frozenset(), 1))  # type: ignore[arg-type]
    assert isinstance(app, Guard) and isinstance(app._app, Starlette)
    routes: dict[str, set[str]] = {}
    for route in app._app.routes:
        if isinstance(route, Route):
            routes.setdefault(route.path, set()).update(method.lower() for method in (route.methods or {"GET"}))
    assert {path: methods - {"head"} for path, methods in routes.items()} == {
        path: set(operations) for path, operations in described["paths"].items()
    }


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    for reference in re.findall(r"'\$ref': '#/([^']+)'", repr(described)):
        found = described
        for part in reference.split("/"):
            found = found[part]
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    for path, operations in described["paths"].items():
        for operation in operations.values():
            given = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path)), path


def test_answers_keep_to_their_schemas(server: WebServer) -> None:
    described = server.get("/openapi.json").json()
    check(described, "About", server.get("/api/about").json())
    check(described, "Form", server.get("/api/settings").json())
    check(described, "Error", server.get("/api/jobs/unknown").json())
    seen = list(server.events(server.started(COFFEE, SMALL)))
    for status in seen:
        check(described, "Status", status)
    check(described, "Settings", SMALL)
    with pytest.raises(jsonschema.ValidationError):
        check(described, "Settings", {"detail": 1e9})
    with pytest.raises(jsonschema.ValidationError):
        check(described, "Status", seen[-1] | {"more": 1})


def test_the_form_has_every_setting_that_is_the_visitors(described: dict[str, Any]) -> None:
    form = Form.of(WebOptions(), DATA)
    left_out = {item.name for item in fields_of(Settings)} - set(form.fields)
    assert left_out == {"weights", "depth_file", "mask", "max_pixels", "pack_texture"}
    listed = [field for group in form.described()["groups"] for field in group["fields"]]
    assert {field["name"] for field in listed} == set(form.fields) == set(shown_settings(Settings()))
    assert all(field["default"] == getattr(Settings(), field["name"]) for field in listed)
    assert set(described["components"]["schemas"]["LiveSettings"]["properties"]) == {
        field["name"] for field in listed if field["live"]
    }
