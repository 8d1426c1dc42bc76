# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that a network can run on. Imports torch only where there may be an accelerator."""

from __future__ import annotations

import ctypes
import importlib.util
import runpy
import sys
from pathlib import Path
from typing import Any

from ..core import extras
from ..errors import Mono3DError

ACCELERATORS = ("cuda", "mps", "xpu")
"""In the order of preference of 'auto'. A torch built for ROCm calls AMD's cards 'cuda' too."""

_CUDA_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_AMD_DRIVERS = (Path("/dev/kfd"), Path("/dev/dxg"))
"""Linux's own, and that of Linux within Windows."""


def choose(asked: str = "auto") -> str:
    """Returns the device to use for `asked`: 'auto', 'cpu' or one of ACCELERATORS.

    Raises Mono3DError when that device is not available.
    """
    if asked == "cpu" or (asked == "auto" and not may_have_accelerator()):
        return "cpu"
    try:
        import torch
    except ModuleNotFoundError as error:
        raise extras.needed(f"Devices such as '{asked}'", error) from error

    found = available()
    if asked == "auto":
        return found[0]
    if asked not in found:
        raise Mono3DError(
            f"The device '{asked}' is not there for torch {torch.__version__}: choose "
            f"{' or '.join(repr(name) for name in ('auto', *found))}, or install the packages made for that device."
        )
    return asked


def available() -> tuple[str, ...]:
    """Returns the devices of this computer that torch can use, the best first; 'cpu' is always the last."""
    return (*(name for name in ACCELERATORS if _is_available(name)), "cpu")


def has_torch() -> bool:
    """Returns whether torch is installed, without importing it."""
    return extras.has("torch")


def may_have_accelerator() -> bool:
    """Returns whether torch may find an accelerator, without importing it; True if that cannot be ruled out.

    torch takes seconds to import, and is not needed to see that it is not installed or built for the CPU only, or that
    the driver is missing.
    """
    if not has_torch():
        return False
    built = _built_for()
    if built is None or sys.platform == "darwin" or built.get("xpu"):
        return True
    if built.get("hip"):
        return sys.platform != "linux" or any(driver.exists() for driver in _AMD_DRIVERS)
    return bool(built.get("cuda")) and _has_cuda_card()


def _built_for() -> dict[str, Any] | None:
    """Returns what the installed torch is built for, the contents of its module `version`; None if it has none."""
    found = importlib.util.find_spec("torch")
    for folder in (found.submodule_search_locations if found else None) or ():
        try:
            return runpy.run_path(str(Path(folder) / "version.py"))
        except Exception:
            break
    return None


def _has_cuda_card() -> bool:
    """Returns whether NVIDIA's driver is installed and finds a card (cuInit and cuDeviceGetCount of its API)."""
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(_CUDA_DRIVER)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def _is_available(name: str) -> bool:
    import torch

    backend = torch.backends.mps if name == "mps" else getattr(torch, name, None)
    return backend is not None and backend.is_available()
