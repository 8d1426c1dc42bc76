# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about a picture besides its disparity: the kind of scene, metres and the lens, as `NAME.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

ENDING = ".json"
KINDS = ("person", "object", "room", "street", "landscape", "flat")
"""The kinds of scenes that `mono3d_addon.core.estimate` distinguishes."""


@dataclass(frozen=True)
class Metric:
    """The measures of a rendered picture."""

    kind: str
    """One of `KINDS`."""
    inverse_metres: float
    """Inverse of the depth along the optical axis, per metre, of a disparity of 65535."""
    focal: float
    """Focal length divided by the picture's longer side."""
    generator: str
    """What made the scene."""
    held: bool = False
    """Whether it shows an asset held out from training."""

    def text(self) -> str:
        """Returns the content of the file."""
        return json.dumps(asdict(self)) + "\n"
