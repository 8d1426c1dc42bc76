# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring networks on one picture and one thread, in turns, so that other load affects all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

HEIGHT, WIDTH = 256, 352
"""The starter model's input size for a 4:3 photo."""
_WARM_UP = 3


class Latency(NamedTuple):
    """Median seconds of a run: wall time, and processor time, which other load affects less."""

    clock: float
    processor: float


def measure(networks: Mapping[str, nn.Module], runs: int) -> dict[str, Latency]:
    """Returns the median times of `runs` runs of each network in plain torch: one picture of `HEIGHT` x `WIDTH`."""
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
    return {
        name: Latency(*(statistics.median(one[name][kind] for one in rounds[_WARM_UP:]) for kind in (0, 1)))
        for name in networks
    }


def _timed(network: nn.Module, picture: torch.Tensor) -> Latency:
    began, worked = time.perf_counter(), time.process_time()
    network(picture)
    return Latency(time.perf_counter() - began, time.process_time() - worked)
