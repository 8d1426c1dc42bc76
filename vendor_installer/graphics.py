# SPDX-License-Identifier: GPL-3.0-or-later
"""Detecting the graphics card and the builds of PyTorch that can use it.

No driver library is loaded: NVIDIA cards are found by running nvidia-smi, others by reading Linux's sysfs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .platforms import LINUX, MACOS, WINDOWS

BACKEND_NAMES: Mapping[str, str] = {
    "cpu": "the processor",
    "cpu-pypi": "the processor (the standard index's build)",
    "mps": "Metal",
    "cu126": "CUDA 12.6",
    "cu128": "CUDA 12.8",
    "cu130": "CUDA 13.0",
    "rocm": "ROCm",
    "xpu": "Intel XPU",
}
"""Backend -> its name in messages."""

_TIMEOUT_SECONDS = 10
_HUNG: set[str] = set()
"""Programs that once gave no answer in time. They are not run again, so that the delay happens once per process."""


@dataclass(frozen=True)
class Graphics:
    """A graphics card.

    device     name for people, such as "NVIDIA RTX 4070, driver 560"; empty if there is no suitable card
    backends   backends that can use it, the best one first
    problem    why no backend can use it; empty if one can
    """

    device: str = ""
    backends: tuple[str, ...] = ()
    problem: str = ""

    @property
    def text(self) -> str:
        """The card and the backend for it: "NVIDIA RTX 4070, driver 560 -> CUDA 12.8"."""
        if not self.device:
            return "no graphics card that PyTorch can use"
        return f"{self.device} -> {BACKEND_NAMES[self.backends[0]] if self.backends else BACKEND_NAMES['cpu']}"


def detect(platform: str, system_files: Path = Path("/sys")) -> Graphics:
    """Returns the graphics card of this machine, for a platform of `platforms`.

    Takes well under a second. `system_files` is the folder where sysfs is mounted.
    """
    if platform == MACOS:
        return Graphics("Apple silicon", ("mps",))
    found = [_nvidia(platform)]
    if platform == LINUX:
        found += [_amd(system_files), _intel(system_files)]
    elif platform == WINDOWS:
        found += [_named_only(_windows_devices())]
    here = [item for item in found if item.device]
    return next((item for item in here if item.backends), here[0] if here else Graphics())


# NVIDIA


@dataclass(frozen=True)
class _Cuda:
    """A CUDA build: its minimum driver on Linux and Windows, and the compute capabilities that it supports."""

    backend: str
    driver: int
    lowest: tuple[int, int]
    highest: tuple[int, int]
    driver_of_newest: int = 0


# Drivers: from NVIDIA's CUDA release notes. A driver for CUDA 12.0 runs every 12.x, but supports only the cards of its
# time, so Blackwell (10.0 and above) needs 570. Capabilities: those for which PyTorch compiles each build.
_BUILDS = (
    _Cuda("cu130", 580, (7, 5), (12, 1)),
    _Cuda("cu128", 525, (7, 0), (12, 1), driver_of_newest=570),
    _Cuda("cu126", 525, (5, 0), (9, 0)),
)
_BLACKWELL = (10, 0)


def _nvidia(platform: str) -> Graphics:
    program = _nvidia_smi(platform)
    if program is None:
        return Graphics()
    cards = _query(program, "name,driver_version,compute_cap") or _query(program, "name,driver_version")
    if program in _HUNG:
        return Graphics("The NVIDIA card", (), "its driver does not answer; restart the machine to use the card")
    if not cards:
        return Graphics()
    name, driver, *rest = max(cards, key=lambda card: _capability(card[2]) if len(card) > 2 else (0, 0))
    major = int(driver.split(".")[0]) if driver.split(".")[0].isdigit() else 0
    device = f"{_short(name)}, driver {major}"
    # An nvidia-smi that cannot report the capability belongs to a driver that is too old anyway.
    capability = _capability(rest[0]) if rest else (0, 0)
    backends = tuple(build.backend for build in _BUILDS if _fits(build, major, capability))
    return Graphics(device, backends, "" if backends else _nvidia_problem(major, capability))


def _fits(build: _Cuda, driver: int, capability: tuple[int, int]) -> bool:
    needed = build.driver_of_newest if capability >= _BLACKWELL and build.driver_of_newest else build.driver
    return driver >= needed and build.lowest <= capability <= build.highest


def _nvidia_problem(driver: int, capability: tuple[int, int]) -> str:
    if driver < 525 or (capability >= _BLACKWELL and driver < 570):
        needed = 570 if capability >= _BLACKWELL else 525
        return f"its driver {driver} is too old: install NVIDIA's driver {needed} or newer to use the card"
    if capability < (5, 0):
        return "PyTorch no longer supports cards of this age"
    return "PyTorch does not support this card yet"


def _nvidia_smi(platform: str) -> str | None:
    found = shutil.which("nvidia-smi")
    if found:
        return found
    places = ["/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"]
    if platform == WINDOWS:
        places = [rf"{os.environ.get('SYSTEMROOT', 'C:/Windows')}\System32\nvidia-smi.exe"]
    return next((place for place in places if os.access(place, os.X_OK)), None)


def _query(program: str, fields: str) -> list[list[str]]:
    """Returns one row per card; none if the program fails, as it does without a running driver.

    With a hung driver the program cannot even be killed, so its end is not awaited after the timeout.
    """
    if program in _HUNG:
        return []
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    try:
        process = subprocess.Popen(
            [program, f"--query-gpu={fields}", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            **options,
        )
    except OSError:
        return []
    try:
        output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        _HUNG.add(program)
        process.kill()
        return []
    rows = [[part.strip() for part in line.split(",")] for line in output.splitlines()]
    return [row for row in rows if len(row) == fields.count(",") + 1] if process.returncode == 0 else []


def _capability(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _short(name: str) -> str:
    return re.sub(r"\b(GeForce|Graphics|Laptop GPU) ?", "", name).strip()


# AMD

# The architectures for which PyTorch compiles its ROCm builds.
_ROCM_FAMILIES = frozenset(
    f"gfx{number}"
    for number in ("900", "906", "908", "90a", "942", "950", *range(1100, 1103), 1030, 1150, 1151, 1200, 1201)
)


def _amd(system_files: Path) -> Graphics:
    families = [_family(path) for path in sorted((system_files / "class/kfd/kfd/topology/nodes").glob("*/properties"))]
    named = [family for family in families if family]
    if not named:
        return Graphics()
    usable = [family for family in named if family in _ROCM_FAMILIES]
    if not usable:
        return Graphics(f"AMD {named[0]}", (), "PyTorch's builds for ROCm do not support this card")
    return Graphics(f"AMD {usable[0]}", ("rocm",))


def _family(properties: Path) -> str:
    """Returns the name of a card's architecture, such as gfx1100; '' for the processor, which is listed as well."""
    with contextlib.suppress(OSError):
        match = re.search(r"^gfx_target_version (\d+)$", properties.read_text("ascii", "replace"), re.MULTILINE)
        number = int(match[1]) if match else 0
        if number:
            return f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}"
    return ""


# Intel

# The first two digits of the PCI device ids that Intel's current compute runtime supports: Arc A and B, Data Center GPU
# Max, Core Ultra. It does not support the graphics of older processors.
_XPU_DEVICES = {
    "0x56": "Arc A",
    "0xe2": "Arc B",
    "0x0b": "Data Center GPU Max",
    "0x64": "Arc 140V",
    "0x7d": "Core Ultra",
    "0xb0": "Core Ultra 3",
}


def _intel(system_files: Path) -> Graphics:
    for device in sorted((system_files / "class/drm").glob("card[0-9]*/device")):
        with contextlib.suppress(OSError):
            vendor, number = ((device / name).read_text("ascii", "replace").strip() for name in ("vendor", "device"))
            name = _XPU_DEVICES.get(number[:4].lower()) if vendor == "0x8086" else None
            if name:
                return Graphics(f"Intel {name}", ("xpu",))
    return Graphics()


# Windows: there are no builds for AMD's and Intel's cards, but the report names them.


def _windows_devices() -> Iterator[tuple[str, str]]:
    """Yields hardware id and name of every display adapter in the registry."""
    if sys.platform != "win32":
        return
    import winreg

    path = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
    with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as adapters:
        for number in range(winreg.QueryInfoKey(adapters)[0]):
            with contextlib.suppress(OSError), winreg.OpenKey(adapters, winreg.EnumKey(adapters, number)) as adapter:
                yield (
                    str(winreg.QueryValueEx(adapter, "MatchingDeviceId")[0]),
                    str(winreg.QueryValueEx(adapter, "DriverDesc")[0]),
                )


def _named_only(devices: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> Graphics:
    for number, name in devices:
        if re.search(r"ven_(1002|8086)", number, re.IGNORECASE):
            return Graphics(name, (), "there are no packages for it on Windows")
    return Graphics()
