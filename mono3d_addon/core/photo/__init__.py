# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading photos: pixels, colour profiles, masks, companion files, panorama metadata."""
