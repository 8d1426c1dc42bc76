# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule for drafts: what is left out while a user still moves a slider."""

from __future__ import annotations

from dataclasses import replace

from ..settings import Settings

DETAIL = 320
"""Samples of a draft along the photo's longer side."""


def draft_of(settings: Settings) -> Settings:
    """Returns settings for a similar mesh of at most `DETAIL` samples, without the slow steps after the surface."""
    return replace(settings, detail=min(settings.detail, DETAIL), target_triangles=0, normal_map=False, solid="off")


def is_quick(settings: Settings) -> bool:
    """Returns whether the draft takes a fraction of the time that the mesh itself takes.

    Other surfaces than the grid take seconds at any detail.
    """
    return settings.surface == "grid" and settings.detail > DETAIL
