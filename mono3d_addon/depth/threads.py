# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads torch uses, and what they do while they wait."""

from __future__ import annotations

import os

from ..core import computer


def prepare() -> None:
    """Makes the threads of torch sleep while they wait for each other; call it before torch is first imported.

    By default they spin. Where another program needs the processor too, each spins away the time in which the other
    could do its part: on two busy cores the starter model took 2 to 3 s instead of 0.15 s.
    The user's own OMP_WAIT_POLICY stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def use_processors() -> None:
    """Lets torch use no more threads than this process has processors for.

    torch counts the processors of the machine, not those of the container: with 2 of 64 it would start 64 threads that
    wait for each other. The user's own OMP_NUM_THREADS stands.
    """
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), computer.threads()))
