# SPDX-License-Identifier: GPL-3.0-or-later
"""The editions of the extension: what each leaves out of the sources, and the permissions that its manifest asks for.

The store's edition is for extensions.blender.org and repositories with the same rules: an add-on there is complete by
itself, installs and downloads nothing, and changes no import path in Blender. Weights of other models are data, but
they need PyTorch to run, which this edition cannot get; so it downloads no weights either and asks for no network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..edition import INSTALLER


@dataclass(frozen=True)
class Edition:
    """One edition.

    suffix       what its zip's name ends in
    left_out     files and folders that it does not contain, relative to the root
    permissions  pairs of a permission and its reason in the manifest, where they differ from the sources'; an empty
                 reason: the permission is not asked for
    """

    suffix: str
    left_out: frozenset[str]
    permissions: tuple[tuple[str, str], ...] = ()


_BUILDING = frozenset({"mono3d_addon/build", "mono3d_addon/core/camera/collect_sensors.py"})
"""For who builds the extension."""

_COMMAND_LINE = frozenset(
    {
        "mono3d_addon/__main__.py",
        "mono3d_addon/arguments.py",
        "mono3d_addon/batch.py",
        "mono3d_addon/blender/addon_folder.py",
        "mono3d_addon/blender/scene/headless.py",
        "mono3d_addon/blender/scene/scene_task.py",
        "mono3d_addon/cli.py",
        "mono3d_addon/display.py",
        "mono3d_addon/equipping.py",
        "mono3d_addon/farm",
        "mono3d_addon/installing.py",
        "mono3d_addon/models_command.py",
        "mono3d_addon/run",
    }
)
"""The batch command changes the import path of the Blender that runs it."""

_INSTALLING = frozenset(
    {INSTALLER, "mono3d_addon/blender/installing", "mono3d_addon/depth/download.py", "mono3d_addon/depth/transfer.py"}
)

_WITH_TORCH = frozenset(
    {
        "mono3d_addon/depth/checkpoint.py",
        "mono3d_addon/depth/engines/torch_engine.py",
        "mono3d_addon/depth/loading.py",
        "mono3d_addon/depth/networks/architectures.py",
        "mono3d_addon/depth/networks/beit.py",
        "mono3d_addon/depth/networks/decoder.py",
        "mono3d_addon/depth/networks/depth_anything.py",
        "mono3d_addon/depth/networks/dinov2.py",
        "mono3d_addon/depth/networks/efficientnet_lite.py",
        "mono3d_addon/depth/networks/hybrid.py",
        "mono3d_addon/depth/networks/levit.py",
        "mono3d_addon/depth/networks/moge.py",
        "mono3d_addon/depth/networks/nextvit.py",
        "mono3d_addon/depth/networks/resnext.py",
        "mono3d_addon/depth/networks/scene_heads.py",
        "mono3d_addon/depth/networks/swin.py",
        "mono3d_addon/depth/networks/timm_bodies.py",
        "mono3d_addon/depth/networks/torchvision_operators.py",
        "mono3d_addon/depth/networks/vit.py",
    }
)
"""What runs networks with PyTorch; without it nothing imports these."""

EDITIONS: Mapping[str, Edition] = MappingProxyType(
    {
        "full": Edition("", _BUILDING),
        "store": Edition(
            "-store",
            _BUILDING | _COMMAND_LINE | _INSTALLING | _WITH_TORCH,
            (("files", "Read photos, write meshes and a cache in its own folder"), ("network", "")),
        ),
    }
)


def manifest_of(edition: Edition, text: str, website: str = "") -> str:
    """Returns the manifest of an edition, made from that of the sources.

    `website` is the address of the page that offers the full edition; empty: as in the sources.
    """
    for name, reason in edition.permissions:
        text = _with(text, name, reason)
    return _with(text, "website", website, after="maintainer") if website else text


def _with(text: str, key: str, value: str, after: str = "") -> str:
    """Returns TOML with another value in the line of `key`, which is removed if `value` is empty.

    `after` is the key after whose line it is put if it has none. Raises ValueError if there is no place for it.
    """
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}\n" if value else ""
    lines = text.splitlines(keepends=True)
    found = [number for number, one in enumerate(lines) if one.startswith(f"{key} = ")]
    if found:
        lines[found[0]] = line
    else:
        lines.insert(1 + [one.partition(" = ")[0] for one in lines].index(after), line)
    return "".join(lines)
