# SPDX-License-Identifier: GPL-3.0-or-later
"""How many photos a run processes at the same time."""

from __future__ import annotations

from dataclasses import dataclass

from ..core import computer

_WORKER_BYTES = 1_500_000_000
"""Memory of a worker with a photo of 12 megapixels and the default mesh, without the network."""
_WEIGHTS = 3
"""Memory of a network while it runs, in sizes of its weights file."""
_PHOTOS_EACH = 3
"""A worker loads its libraries before its first photo, which takes about as long as two photos."""


@dataclass(frozen=True)
class Available:
    """What a run may use: processors, free memory in bytes (None: unknown), and whether a graphics card computes."""

    processors: int
    free_bytes: int | None
    has_card: bool


def available(*, has_card: bool) -> Available:
    """Returns what this process may use now."""
    return Available(computer.processors(), computer.free_memory(), has_card)


def jobs_for(photos: int, weights_bytes: int, available: Available) -> int:
    """Returns how many workers process `photos` fastest, at least 1.

    One for each processor, as far as the memory goes. A graphics card has one worker, which runs several photos on it
    together. `weights_bytes` is the size of the network's file.
    """
    if available.has_card or available.free_bytes is None:
        return 1
    by_memory = available.free_bytes // (_WORKER_BYTES + _WEIGHTS * weights_bytes)
    return max(1, min(available.processors, by_memory, photos // _PHOTOS_EACH))
