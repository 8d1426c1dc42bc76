# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files for the web page are called, for the server, which has no Pillow to write them with."""

from __future__ import annotations

VIEW, DRAFT = "view.glb.gz", "draft.glb.gz"
"""The mesh for the viewer; a coarse one, where that has far fewer bytes."""
DEPTH = "depth.png"
PHOTOS = ("photo.jpg", "photo.png")
"""The photo as the page shows it; one of both is there."""
SIDES = (640, 2048)
"""Pixels along the longer side of the smaller copies of a photo. Only those smaller than the photo are there."""


def smaller(side: int) -> tuple[str, ...]:
    """Returns the names of a copy of the photo, of which one is there."""
    return (f"photo-{side}.jpg", f"photo-{side}.png")
