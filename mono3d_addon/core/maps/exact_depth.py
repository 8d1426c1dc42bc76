# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for depth that is exact. Imports nothing else, because Blender's process asks for them too."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...settings import Settings

_AGAINST_NOISE = ("min_island", "outlier_neighbours", "trim_density")
"""Settings whose defaults remove what is probably an error of a network."""


def for_source(settings: Settings, *, is_exact: bool) -> Settings:
    """Returns the settings for the source of the depth: an exact map of the user's has no errors of a network to
    remove, so that there the defaults of `_AGAINST_NOISE` remove nothing."""
    if not is_exact:
        return settings
    usual = [name for name in _AGAINST_NOISE if getattr(settings, name) == getattr(Settings, name)]
    none: dict[str, Any] = dict.fromkeys(usual, 0)
    return dataclasses.replace(settings, **none)
