# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits torch to one thread, which is faster with the small networks and pictures of these tests."""

from __future__ import annotations

try:
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)
