# SPDX-License-Identifier: GPL-3.0-or-later
"""For who builds the extension and its releases; no part of what users get."""

from .extension import MANIFEST, build, files

__all__ = ["MANIFEST", "build", "files"]
