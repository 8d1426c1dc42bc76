# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognising full memory."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.depth import memory  # noqa: E402

pytestmark = pytest.mark.torch


def test_full_memory_is_recognised() -> None:
    assert memory.is_full(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert memory.is_full(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert memory.is_full(caught.value)
    for words in (
        "CUBLAS_STATUS_ALLOC_FAILED",
        "UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
        "std::bad_alloc",
        "Invalid buffer size: 19 GB",
    ):
        assert memory.is_full(RuntimeError(f"failure: {words}"))
    assert not memory.is_full(RuntimeError("shapes do not match"))
    assert not memory.is_full(ValueError("out of memory"))
