# SPDX-License-Identifier: GPL-3.0-or-later
"""The models a user can choose.

What the networks look like inside is told by `networks.architectures`, under the same names.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path

from ..errors import Mono3DError
from .midas_models import MIDAS, STARTER
from .model import Model
from .newer_models import DEPTH_ANYTHING_2, DEPTH_ANYTHING_3, MOGE_2

BUNDLED_FOLDER = Path(__file__).parent / "bundled"

FAMILIES = ((STARTER,), MIDAS, DEPTH_ANYTHING_2, MOGE_2, DEPTH_ANYTHING_3)
"""The models by family, each from small to large."""

MODELS: Mapping[str, Model] = types.MappingProxyType({row.name: row for family in FAMILIES for row in family})
"""The rows by name, in the order in which they are shown."""


def model_named(name: str) -> Model:
    """Returns the model `name`. Raises Mono3DError when the catalogue has none of that name."""
    if name not in MODELS:
        raise Mono3DError(f"There is no model '{name}'; choose one of {', '.join(MODELS)}.")
    return MODELS[name]
