# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials of a release in CycloneDX 1.6, https://cyclonedx.org: what it bundles, and what it can install.

Bundled components are `required`. Packages of the locks and weights of models, which come to a computer only when its
user asks for them, are `optional`.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from vendor_installer import locks
from vendor_installer.components import COMPONENTS
from vendor_installer.indexes import INDEXES
from vendor_installer.locks import LockedFile
from vendor_installer.private_pip import PIP

from ...depth.catalogue import MODELS
from ...depth.model import Model
from ...version import version
from .licences import Bundled, Licences, read_licences

LICENCE = "GPL-3.0-or-later"

Component = dict[str, Any]


def bill_of_materials() -> str:
    """Returns the bill as JSON; the same sources give the same text.

    Raises Mono3DError when the licence of a package is not known.
    """
    licences = read_licences()
    components = [
        *(_bundled(one, licences) for one in licences.bundled),
        *(_model(one, licences) for one in MODELS.values()),
        *_packages(licences),
    ]
    components.sort(key=lambda one: str(one["bom-ref"]))
    product = _product(licences)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([product, components], sort_keys=True))
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        # No time: it would differ from build to build.
        "metadata": {"supplier": {"name": "The Mono3D authors"}, "component": product},
        "components": components,
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": [one["bom-ref"] for one in components]}],
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"


def _product(licences: Licences) -> Component:
    return {
        "type": "application",
        "bom-ref": "mono3d",
        "name": "mono3d",
        "version": version(),
        "licenses": licences.choice(LICENCE),
        "purl": f"pkg:pypi/mono3d@{quote(version())}",
    }


def _bundled(one: Bundled, licences: Licences) -> Component:
    return {
        "type": one.kind,
        "bom-ref": f"bundled/{one.name}",
        "name": one.name,
        "version": one.version,
        "scope": "required",
        "licenses": licences.choice(one.licence),
        "copyright": one.copyright,
        "externalReferences": [{"type": "website", "url": one.address}],
        "properties": [{"name": "mono3d:path", "value": one.path}],
    }


def _model(model: Model, licences: Licences) -> Component:
    licence, _, remark = model.licence.partition(", ")
    made: Component = {
        "type": "machine-learning-model",
        "bom-ref": f"model/{model.name}",
        "name": model.name,
        "scope": "required" if model.bundled else "optional",
        "licenses": licences.choice(licence),
    }
    if remark:
        made["description"] = f"Licence: {model.licence}"
    if model.sha256:
        made["hashes"] = _hashes(model.sha256)
    if model.address:
        made["externalReferences"] = [{"type": "distribution", "url": model.address}]
    return made


def _packages(licences: Licences) -> Iterator[Component]:
    """Yields the packages of all locks, each version once, and the installer's own pip."""
    found: defaultdict[tuple[str, str], set[tuple[str, LockedFile]]] = defaultdict(set)
    found[PIP.name, PIP.version].add(("installer", PIP))
    for component in COMPONENTS:
        for name in locks.available(component):
            lock = locks.parse((locks.FOLDER / f"{name}.txt").read_text(encoding="utf-8"), name)
            for file in lock.files:
                found[locks.normalized_name(file.name), file.version].add((component, file))
    for (name, number), files in found.items():
        yield {
            "type": "library",
            "bom-ref": f"package/{name}@{number}",
            "name": name,
            "version": number,
            "scope": "optional",
            "licenses": licences.choice(licences.of_package(name)),
            "purl": f"pkg:pypi/{name}@{quote(number, safe='')}",
            "externalReferences": _distributions(name, {file for _, file in files}),
            "properties": [{"name": "mono3d:component", "value": one} for one in sorted({one for one, _ in files})],
        }


def _distributions(name: str, files: set[LockedFile]) -> list[dict[str, Any]]:
    # Locks differ in the sizes of one file, which depend on what is trimmed.
    told = {(file.index, file.file, file.sha256 or "") for file in files}
    return [
        {
            "type": "distribution",
            "url": f"{INDEXES[index]}/{name}/" if index else f"https://pypi.org/project/{name}/",
            **({"comment": file} if file else {}),
            **({"hashes": _hashes(digest)} if digest else {}),
        }
        for index, file, digest in sorted(told)
    ]


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]
