# SPDX-License-Identifier: GPL-3.0-or-later
"""How flat walls, floors and tables are in the depth of photos whose true depth is known."""
