# SPDX-License-Identifier: GPL-3.0-or-later
"""Has torch compute with one thread: the networks and pictures here are small, and threads that wait cost more."""

from __future__ import annotations

try:
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)
