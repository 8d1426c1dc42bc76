# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a network runs: choosing the device, and telling when its memory is full."""

from __future__ import annotations

import torch

from ..errors import Mono3DError

ACCELERATORS = ("cuda", "mps", "xpu")
"""In the order in which 'auto' takes them. AMD's cards are called 'cuda' too by a torch built for ROCm."""


def available() -> tuple[str, ...]:
    """Returns the devices of this computer that torch can use, the best first; 'cpu' is always the last."""
    return (*(name for name in ACCELERATORS if _is_available(name)), "cpu")


def choose(asked: str = "auto") -> str:
    """Returns the device to use for `asked`: 'auto', 'cpu' or one of ACCELERATORS.

    Raises Mono3DError when the asked-for device is not there.
    """
    found = available()
    if asked == "auto":
        return found[0]
    if asked not in found:
        raise Mono3DError(
            f"The device '{asked}' is not there for torch {torch.__version__}: choose "
            f"{' or '.join(repr(name) for name in ('auto', *found))}, or install the packages made for that device."
        )
    return asked


def is_out_of_memory(error: BaseException) -> bool:
    """Tells whether `error` is how torch reports full memory; CUDA has a class for it, the others only words."""
    words = ("out of memory", "not enough memory", "can't allocate memory", "alloc_cpu")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def _is_available(name: str) -> bool:
    backend = torch.backends.mps if name == "mps" else getattr(torch, name, None)
    return backend is not None and backend.is_available()
