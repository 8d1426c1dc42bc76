# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs packages and downloads models from Blender, in threads."""
