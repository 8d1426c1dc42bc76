# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result changed in a 3D view. Imports no bpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Change:
    """What a result changed in a view.

    area           pointer of the view's area
    uid            `session_uid` of the result's mesh object
    before, after  values of the view by name, where they differ
    is_there       whether the view shows `after`
    """

    area: int
    uid: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_there: bool = True
