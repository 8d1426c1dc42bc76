# SPDX-License-Identifier: GPL-3.0-or-later
"""From points to a surface with Open3D, and every file that a reconstruction can be written to."""
