# SPDX-License-Identifier: GPL-3.0-or-later
"""The task "describe": facts about a photo, without running a network. Blender itself has no Pillow to read it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.camera.field_of_view import angle_of, photo_camera
from ..core.photo.hand_over import handed_over
from ..core.photo.panorama import is_panorama
from ..core.photo.photo import read_photo
from ..core.photo.straighten import straightened
from ..core.resampling import thumbnail
from ..core.stages import Progress
from ..session import Session
from ..settings import Settings


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Returns `width`, `height` and `camera`, where the field of view comes from, of the upright `photo`.

    Saves an upright picture of at most `side` pixels a side at `thumbnail`, uint8 (h, w, 3). Raises Mono3DError for
    photos of more than `max_pixels` megapixels, and for files that are not photos.
    """
    photo = straightened(
        read_photo(Path(request["photo"]), request["max_pixels"], handed=handed_over(request)), Settings()
    )
    np.save(request["thumbnail"], thumbnail(photo.pixels, request["side"]), allow_pickle=False)
    width, height = photo.size
    is_all_around = is_panorama(photo, "auto")
    source = photo_camera(photo.size, photo.lens, Settings(), is_panorama=is_all_around).source
    if not is_all_around and not angle_of(photo.size, photo.lens):
        source += ", unless the network estimates it"
    return {"width": width, "height": height, "camera": source}
