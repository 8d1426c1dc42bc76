# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of real assets with their true sizes: furniture, vehicles, trees and people, in metres.

Scenes are generated in plain Python; only `library`, `assembly` and `make` need `bpy`.
"""
