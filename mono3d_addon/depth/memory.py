# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises out-of-memory errors, which every library reports in its own way."""

from __future__ import annotations

import sys

_WORDS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "alloc_cpu",
    "bad_alloc",
    "alloc_failed",
    "cublas_status_not_initialized",
    "invalid buffer size",
    "out_of_device_memory",
    "out_of_host_memory",
    "could not create a memory",
    "failed to allocate",
)


def is_full(error: BaseException) -> bool:
    """Returns whether `error` is a library's out-of-memory error: by its class, else by the words of its message."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)
