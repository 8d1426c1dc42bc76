# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing the device and the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mono3d_addon.core import computer  # noqa: E402
from mono3d_addon.depth import devices, threads  # noqa: E402
from mono3d_addon.errors import Mono3DError  # noqa: E402

pytestmark = pytest.mark.torch


def only(monkeypatch: pytest.MonkeyPatch, *present: str) -> None:
    monkeypatch.setattr(devices, "may_have_accelerator", lambda: True)
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
    monkeypatch.setattr(computer, "processors", lambda: 1)
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", str(before))
        threads.use_processors()
        assert torch.get_num_threads() == before
        monkeypatch.delenv("OMP_NUM_THREADS")
        threads.use_processors()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("built", "card", "may"),
    [
        ("cuda = None\nhip = None\nxpu = None\n", True, False),
        ("cuda = '13.0'\nhip = None\nxpu = None\n", True, True),
        ("cuda = '13.0'\nhip = None\nxpu = None\n", False, False),
        ("cuda = None\nhip = None\nxpu = '2026'\n", False, True),
        ("raise ImportError\n", False, True),
        (None, True, False),
    ],
    ids=["processor", "card", "no card", "xpu", "strange", "no torch"],
)
def test_accelerators_are_ruled_out_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: str | None, card: bool, may: bool
) -> None:
    if built is not None:
        (tmp_path / "torch").mkdir()
        # A real import of it would fail.
        (tmp_path / "torch" / "__init__.py").write_text("raise RuntimeError")
        (tmp_path / "torch" / "version.py").write_text(built)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(devices, "_has_cuda_card", lambda: card)
    assert devices.may_have_accelerator() == may
    if not may:
        assert devices.choose("auto") == devices.choose("cpu") == "cpu"


def test_amds_cards_need_their_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_built_for", lambda: {"cuda": None, "hip": "7.0", "xpu": None})
    monkeypatch.setattr(devices, "_AMD_DRIVERS", (tmp_path / "kfd",))
    assert not devices.may_have_accelerator()
    (tmp_path / "kfd").touch()
    assert devices.may_have_accelerator()


def test_no_cuda_driver_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_CUDA_DRIVER", "libnowhere.so.1")
    assert not devices._has_cuda_card()


def test_this_torch_is_told_as_it_is() -> None:
    assert devices._built_for()["cuda"] == torch.version.cuda  # type: ignore[index]
