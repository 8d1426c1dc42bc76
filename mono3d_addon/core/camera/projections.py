# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras and lenses whose pictures are not those of a pinhole: fisheye lenses, action cameras, 360-degree cameras."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["", "fisheye", "action", "sphere"]


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_SPHERE = _any_of(
    *(r"insta ?360", r"ricoh theta", r"gear 360", r"\bsm-[cr]210\b", r"\blg-r105\b", r"virb 360", r"keymission 360"),
    *(r"pixpro (sp360|orbit360|4kvr360)", r"gopro (fusion|max)\b", r"qoocam", r"vuze", r"osmo 360"),
)
_ACTION = _any_of(
    *(r"\bgopro\b", r"\bhdr-as\d", r"\bfdr-x[13]000", r"\bvirb\b", r"keymission", r"osmo action", r"\bsjcam"),
    *(r"\byi ?4k", r"\bxiaoyi\b", r"\bdji action", r"\bac00[1-9]\b"),
)
_FISHEYE = _any_of(r"fish-?\s?eye", r"\b8-15mm f/?4", r"\b10\.5\s?mm f/?2\.8g", r"\b8mm f/?1\.8 pro")


def projection_kind(camera_name: str, lens_name: str) -> Kind:
    """Returns 'fisheye' for a fisheye lens, 'action' and 'sphere' for action and 360-degree cameras, else ''."""
    if _SPHERE.search(camera_name):
        return "sphere"
    if _ACTION.search(camera_name):
        return "action"
    return "fisheye" if _FISHEYE.search(lens_name) else ""
