# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry Nodes groups, built by code, and the modifiers that use them."""
