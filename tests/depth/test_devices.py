# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing the device and the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.depth import devices, threads  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402

pytestmark = pytest.mark.torch


def only(monkeypatch: pytest.MonkeyPatch, *present: str) -> None:
    for name in devices.ACCELERATORS:
        backend = torch.backends.mps if name == "mps" else getattr(torch, name)
        monkeypatch.setattr(backend, "is_available", lambda name=name: name in present)


@pytest.mark.parametrize(
    ("present", "best"), [((), "cpu"), (("xpu",), "xpu"), (("mps", "xpu"), "mps"), (("cuda", "mps", "xpu"), "cuda")]
)
def test_auto_takes_the_best(monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], best: str) -> None:
    only(monkeypatch, *present)
    assert devices.choose() == best
    assert devices.choose("cpu") == "cpu"


def test_an_absent_device_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "xpu")
    with pytest.raises(Mono3DError, match=r"'cuda' is not there .* choose 'auto' or 'xpu' or 'cpu'"):
        devices.choose("cuda")


def test_full_memory_is_recognised() -> None:
    assert devices.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert devices.is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert devices.is_out_of_memory(caught.value)
    assert not devices.is_out_of_memory(RuntimeError("shapes do not match"))
    assert not devices.is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 64), ("200000 100000", 2), ("50000 100000", 1), ("9900000 100000", 64), ("", 64), ("1 0", 64)],
)
def test_processors_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert threads.processors(file) == expected
    assert threads.processors(tmp_path / "absent") == 64


def test_prepare_leaves_the_users_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    threads.prepare()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    threads.prepare()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_prepare_comes_before_torch() -> None:
    code = "from mono3d_addon.depth import threads; threads.prepare(); import sys; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_users_number_of_threads_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "processors", lambda: 1)
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", str(before))
        threads.use_processors()
        assert torch.get_num_threads() == before
        monkeypatch.delenv("OMP_NUM_THREADS")
        threads.use_processors()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
