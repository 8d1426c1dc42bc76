# SPDX-License-Identifier: GPL-3.0-or-later
"""How long networks take for one picture on one thread, in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

import torch
from torch import nn

HEIGHT, WIDTH = 256, 352
"""The size at which the starter model sees a photo of 4:3."""
_WARM_UP = 3


def seconds(networks: Mapping[str, nn.Module], runs: int) -> dict[str, float]:
    """Returns the median seconds of `runs` runs of each network in plain torch, one picture of `HEIGHT` x `WIDTH`."""
    picture = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            rounds = [
                {name: _timed(network, picture) for name, network in networks.items()} for _ in range(_WARM_UP + runs)
            ]
    finally:
        torch.set_num_threads(threads)
    return {name: statistics.median(one[name] for one in rounds[_WARM_UP:]) for name in networks}


def _timed(network: nn.Module, picture: torch.Tensor) -> float:
    began = time.perf_counter()
    network(picture)
    return time.perf_counter() - began
