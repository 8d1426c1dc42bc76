# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and what is stored inside and beside them: pixels, masks, companion files, panoramas."""
