# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files for the web page are called, for the server, which has no Pillow to write them with."""

from __future__ import annotations

VIEW = "view.glb"
DEPTH = "depth.png"
PHOTOS = ("photo.jpg", "photo.png")
"""The photo as the page shows it; one of both is there."""
