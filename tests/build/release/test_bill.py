# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials: valid, complete, and true."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.build.release.bill import bill_of_materials
from mono3d_addon.build.release.licences import Licences, read_licences
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from vendor_installer import locks
from vendor_installer.locks import normalized_name

DATA = os.environ.get("MONO3D_TEST_DATA", "")

WORDS = {"MIT": "MIT", "BSD": "BSD-", "Apache": "Apache-2.0", "GPL": "GPL-", "MPL": "MPL-"}
"""How packages call their licences in free text -> how SPDX's names of them begin."""


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(bill_of_materials())
    return made


def test_it_is_valid_by_the_schema_of_cyclonedx(bill: dict[str, Any]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    problem = validator.validate_str(json.dumps(bill))
    assert problem is None, problem
    wrong = {**bill["components"][-1], "licenses": [{"license": {"id": "No such licence"}}]}
    assert validator.validate_str(json.dumps({**bill, "components": [wrong]})) is not None


def test_every_licence_is_one_of_spdx_or_named_with_its_address(bill: dict[str, Any]) -> None:
    from license_expression import get_spdx_licensing

    spdx = get_spdx_licensing()
    for one in [*bill["components"], bill["metadata"]["component"]]:
        assert one["licenses"], one["name"]
        for choice in one["licenses"]:
            if "expression" in choice:
                assert not spdx.validate(choice["expression"], strict=True).errors, choice
            elif "id" in choice["license"]:
                assert choice["license"]["id"] in spdx.known_symbols, choice
            else:
                assert choice["license"]["url"].startswith("https://") and len(choice["license"]["name"]) > 10
    assert "unknown" not in json.dumps(bill).lower()


def test_it_names_every_package_of_every_lock_and_no_other(bill: dict[str, Any]) -> None:
    locked = {"pip"}
    for path in locks.FOLDER.glob("*.txt"):
        for file in locks.parse(path.read_text(encoding="utf-8"), path.stem).files:
            locked.add(normalized_name(file.name))
            (found,) = [
                one
                for one in bill["components"]
                if one["bom-ref"] == f"package/{normalized_name(file.name)}@{file.version}"
            ]
            assert any(
                one.get("comment", "") == file.file and one.get("hashes", [{}])[0].get("content") == file.sha256
                for one in found["externalReferences"]
            )
    named = {one["name"] for one in bill["components"] if one["bom-ref"].startswith("package/")}
    assert named == locked == set(read_licences().packages), "renew the table of licences"


def test_it_names_every_model(bill: dict[str, Any]) -> None:
    named = {one["name"]: one for one in bill["components"] if one["type"] == "machine-learning-model"}
    assert named.keys() == MODELS.keys()
    assert [name for name, one in named.items() if one["scope"] == "required"] == [
        name for name, one in MODELS.items() if one.bundled
    ]


def test_it_names_what_others_made_of_the_files_in_the_release() -> None:
    paths = {one.path for one in read_licences().bundled}
    for path in paths:
        assert (ROOT / path).exists(), path
    web = ROOT / "mono3d_addon" / "web"
    foreign = [*(web / "static" / "vendor").iterdir(), *(web / "samples").glob("*.jpg")]
    assert {path.relative_to(ROOT).as_posix() for path in foreign} <= paths
    version = next(one.version for one in read_licences().bundled if one.name == "three")
    assert f"Version {version} " in (web / "static" / "vendor" / "three" / "README.md").read_text(encoding="utf-8")


def test_the_same_sources_give_the_same_bytes() -> None:
    assert bill_of_materials() == bill_of_materials()


def test_a_package_without_a_licence_is_one_sentence() -> None:
    with pytest.raises(Mono3DError, match="'new-package' is not known"):
        Licences({}, {}, ()).of_package("new-package")


def installed() -> Iterator[importlib.metadata.Distribution]:
    folders = [str(path) for path in Path(DATA).glob("environments/*/packages-*")]
    yield from importlib.metadata.distributions(path=folders)


@pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')")
def test_the_packages_say_the_same() -> None:
    licences = read_licences().packages
    seen = 0
    for one in installed():
        name = normalized_name(one.metadata["Name"])
        expression = "".join(one.metadata.get_all("License-Expression", []))
        free = " ".join(one.metadata.get_all("License", []) + one.metadata.get_all("Classifier", []))
        if expression:
            wanted = {word for word in re.split(r" AND | OR |[()]", expression) if word}
            assert wanted <= set(re.split(r" AND | OR ", licences[name])), name
        elif words := [start for word, start in WORDS.items() if re.search(rf"\b{word}\b|\b{word}[- ]", free)]:
            assert any(start in licences[name] for start in words), name
        seen += 1
    assert seen > 20
