# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers by which .blend files and preferences store the options of a setting. Imports no bpy.

Blender stores an option's number, not its word. A number never changes and is never given to another option, whatever
the order in the interface. A new option gets the next free number.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NUMBERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "model": {
            "starter": 0,
            "midas_v21_small_256": 1,
            "midas_v21_384": 2,
            "dpt_beit_base_384": 3,
            "dpt_hybrid_384": 4,
            "dpt_large_384": 5,
            "dpt_beit_large_384": 6,
            "dpt_beit_large_512": 7,
            "dpt_swin2_tiny_256": 8,
            "dpt_levit_224": 9,
            "dpt_next_vit_large_384": 10,
            "dpt_swin2_base_384": 11,
            "dpt_swin_large_384": 12,
            "dpt_swin2_large_384": 13,
            "depth_anything_v2_vits": 14,
            "depth_anything_v2_metric_hypersim_vits": 15,
            "depth_anything_v2_metric_vkitti_vits": 16,
            "depth_anything_v2_vitb": 17,
            "depth_anything_v2_metric_hypersim_vitb": 18,
            "depth_anything_v2_metric_vkitti_vitb": 19,
            "depth_anything_v2_vitl": 20,
            "depth_anything_v2_metric_hypersim_vitl": 21,
            "depth_anything_v2_metric_vkitti_vitl": 22,
            "moge_2_vits_normal": 23,
            "moge_2_vitb_normal": 24,
            "moge_2_vitl_normal": 25,
            "da3mono_large": 26,
            "da3metric_large": 27,
        },
        "device": {"auto": 0, "cpu": 1, "cuda": 2, "mps": 3, "xpu": 4},
        # It was a switch, which Blender stores as 0 or 1.
        "tiles": {"off": 0, "on": 1, "auto": 2},
        "engine": {"auto": 0, "plain": 1},
        "depth_kind": {"auto": 0, "disparity": 1, "metres": 2, "millimetres": 3},
        "projection": {"auto": 0, "pinhole": 1, "equirectangular": 2},
        "sky": {"keep": 0, "clamp": 1, "remove": 2, "auto": 3},
        "edges": {"tear": 0, "fill": 1, "connected": 2},
        "surface": {"grid": 0, "adaptive": 1, "poisson": 2, "ball_pivoting": 3},
        "solid": {"off": 0, "flat": 1, "mirrored": 2},
        "build_as": {"mesh": 0, "nodes": 1, "points": 2},
        "material": {"texture": 0, "vertex_colours": 1},
        "shading": {"emission": 0, "principled": 1},
        "preset": {"fast": 0, "balanced": 1, "best": 2, "custom": 3},
        "place": {"beside": 0, "cursor": 1, "replace": 2},
        "show": {"frame": 0, "camera": 1, "keep": 2},
        "collection": {"own": 0, "active": 1},
        "log_level": {"error": 0, "warning": 1, "info": 2, "debug": 3},
        "backend": {"auto": 0, "cpu": 1, "cu126": 2, "cu128": 3, "cu130": 4, "rocm": 5, "mps": 6, "xpu": 7},
    }
)
"""Name of the setting -> word of each option -> number."""
