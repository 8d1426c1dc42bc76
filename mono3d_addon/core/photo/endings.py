# SPDX-License-Identifier: GPL-3.0-or-later
"""The file endings of photos, for folders, patterns, file dialogs, dropped files and the web page. Imports nothing."""

from __future__ import annotations

PHOTO_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".mpo",
    ".png",
    ".heic",
    ".heif",
    ".hif",
    ".avif",
    ".tif",
    ".tiff",
    ".webp",
    ".bmp",
    ".gif",
    ".jp2",
    ".jxl",
    ".tga",
    ".ppm",
    ".exr",
    ".hdr",
    ".psd",
    ".psb",
)
"""In lower case, with the dot. The content decides about a file that the user names; these only find photos."""
