# SPDX-License-Identifier: GPL-3.0-or-later
"""Detecting the graphics card, with programs and kernel files that imitate real machines."""

from __future__ import annotations

import os
import sys
import time
import types
from pathlib import Path

import pytest

from tests.vendor_installer.local_index import locked, write_lock
from vendor_installer import InstallError, Plan, graphics, planning
from vendor_installer.graphics import detect
from vendor_installer.interpreter import Interpreter
from vendor_installer.platforms import LINUX, MACOS, WINDOWS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake programs are shell scripts")


@pytest.fixture(autouse=True)
def no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the program of a real driver on this machine behind a failing one."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    _program(tmp_path, "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9")


def _program(tmp_path: Path, script: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _cards(tmp_path: Path, *rows: str) -> None:
    _program(tmp_path, "\n".join(f"echo '{row}'" for row in rows))


def _amd(sysfs: Path, *versions: int) -> None:
    for number, version in enumerate(versions):
        node = sysfs / f"class/kfd/kfd/topology/nodes/{number}"
        node.mkdir(parents=True)
        (node / "properties").write_text(f"cpu_cores_count 16\nsimd_count 0\ngfx_target_version {version}\n")


def _intel(sysfs: Path, *devices: tuple[str, str]) -> None:
    for number, (vendor, device) in enumerate(devices):
        folder = sysfs / f"class/drm/card{number}/device"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "device").write_text(f"{device}\n")


CARDS = (
    ("NVIDIA GeForce RTX 4070, 560.35.03, 8.9", "NVIDIA RTX 4070, driver 560 -> CUDA 12.8", ("cu128", "cu126")),
    (
        "NVIDIA GeForce RTX 4070, 580.65.06, 8.9",
        "NVIDIA RTX 4070, driver 580 -> CUDA 13.0",
        ("cu130", "cu128", "cu126"),
    ),
    ("NVIDIA H100 80GB HBM3, 535.129.03, 9.0", "NVIDIA H100 80GB HBM3, driver 535 -> CUDA 12.8", ("cu128", "cu126")),
    ("NVIDIA GeForce RTX 5090, 590.10, 12.0", "NVIDIA RTX 5090, driver 590 -> CUDA 13.0", ("cu130", "cu128")),
    ("NVIDIA GeForce RTX 5090, 572.16, 12.0", "NVIDIA RTX 5090, driver 572 -> CUDA 12.8", ("cu128",)),
    ("NVIDIA GeForce GTX 1080 Ti, 580.65.06, 6.1", "NVIDIA GTX 1080 Ti, driver 580 -> CUDA 12.6", ("cu126",)),
    ("Tesla V100-SXM2-16GB, 550.54.15, 7.0", "Tesla V100-SXM2-16GB, driver 550 -> CUDA 12.8", ("cu128", "cu126")),
)


@pytest.mark.parametrize(("row", "text", "backends"), CARDS)
@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
def test_an_nvidia_card_and_driver_select_a_build(
    row: str, text: str, backends: tuple[str, ...], platform: str, tmp_path: Path
) -> None:
    _cards(tmp_path, row)
    found = detect(platform, tmp_path)
    assert (found.text, found.backends, found.problem) == (text, backends, "")


PROBLEMS = (
    ("NVIDIA GeForce RTX 3060, 470.82.01, 8.6", "driver 525 or newer"),
    ("NVIDIA GeForce RTX 5090, 565.57, 12.0", "driver 570 or newer"),
    ("NVIDIA GeForce GTX 780, 535.1, 3.5", "no longer supports"),
    ("NVIDIA Next, 700.1, 15.0", "not support this card yet"),
)


@pytest.mark.parametrize(("row", "words"), PROBLEMS)
def test_an_unusable_card_is_reported_with_the_reason(row: str, words: str, tmp_path: Path) -> None:
    _cards(tmp_path, row)
    found = detect(LINUX, tmp_path)
    assert found.device and not found.backends and words in found.problem
    assert found.text.endswith("-> the processor")


def test_the_most_capable_of_several_cards_is_chosen(tmp_path: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce GTX 780, 580.1, 3.5", "NVIDIA GeForce RTX 4090, 580.1, 8.9")
    assert detect(LINUX, tmp_path).text == "NVIDIA RTX 4090, driver 580 -> CUDA 13.0"


def test_without_a_capability_the_driver_is_too_old(tmp_path: Path) -> None:
    script = """case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac
echo 'NVIDIA GeForce GTX 1080, 418.43'"""
    _program(tmp_path, script)
    found = detect(LINUX, tmp_path)
    assert found.device == "NVIDIA GTX 1080, driver 418" and "driver 525" in found.problem


@pytest.mark.parametrize(
    "script", ["exit 9", "echo 'No devices were found'", "echo garbage, with, too, many", "kill $$"]
)
def test_without_output_there_is_no_card(script: str, tmp_path: Path) -> None:
    _program(tmp_path, script)
    assert detect(LINUX, tmp_path) == graphics.Graphics()


def test_an_amd_card_is_found_among_the_kernels_nodes(tmp_path: Path) -> None:
    _amd(tmp_path, 0, 110000)
    assert detect(LINUX, tmp_path).text == "AMD gfx1100 -> ROCm"


def test_a_family_is_written_in_hexadecimal(tmp_path: Path) -> None:
    _amd(tmp_path, 90010)
    assert detect(LINUX, tmp_path).text == "AMD gfx90a -> ROCm"


def test_an_amd_card_without_a_build_is_named(tmp_path: Path) -> None:
    _amd(tmp_path, 0, 80003)
    found = detect(LINUX, tmp_path)
    assert found.device == "AMD gfx803" and "ROCm do not support" in found.problem


def test_a_machine_with_kfd_but_without_a_card(tmp_path: Path) -> None:
    _amd(tmp_path, 0)
    assert detect(LINUX, tmp_path) == graphics.Graphics()


def test_current_intel_cards_are_found_and_older_ones_are_not(tmp_path: Path) -> None:
    _intel(tmp_path, ("0x8086", "0x3e92"), ("0x10de", "0x2786"))
    assert detect(LINUX, tmp_path) == graphics.Graphics()
    _intel(tmp_path / "other", ("0x8086", "0x3e92"), ("0x8086", "0x56a0"))
    assert detect(LINUX, tmp_path / "other").text == "Intel Arc A -> Intel XPU"


def test_an_nvidia_card_is_preferred_to_integrated_graphics(tmp_path: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce RTX 4070, 580.65.06, 8.9")
    _intel(tmp_path, ("0x8086", "0x7d55"))
    assert detect(LINUX, tmp_path).backends[0] == "cu130"


def test_a_usable_card_is_preferred_to_an_unusable_one(tmp_path: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce GTX 780, 470.1, 3.5")
    _amd(tmp_path, 110000)
    assert detect(LINUX, tmp_path).backends == ("rocm",)


def test_apple_silicon_has_metal() -> None:
    assert detect(MACOS).text == "Apple silicon -> Metal"


def test_other_cards_on_windows_are_reported() -> None:
    adapters = (("root\\basicdisplay", "Microsoft Basic Display"), ("PCI\\VEN_1002&DEV_744C", "AMD Radeon RX 7900"))
    assert graphics._named_only(adapters).text == "AMD Radeon RX 7900 -> the processor"


# The plan's choice


@pytest.fixture
def locks_folder(tmp_path: Path, wheels: dict[str, Path], interpreter: Interpreter) -> Path:
    folder = tmp_path / "locks"
    whole = [locked(wheels["alpha"]), locked(wheels["beta"])]
    for backend in ("cpu", "cu130"):
        write_lock(folder, interpreter, whole, "lit", backend)
    write_lock(folder, interpreter, [locked(wheels["alpha"], hashed=False), whole[1]], "lit", "cu128")
    write_lock(folder, interpreter, [locked(wheels["alpha"], hashed=False), whole[1]], "lit", "rocm")
    return folder


def _plan(data_folder: Path, locks_folder: Path, backend: str | None = None) -> Plan:
    return planning.plan("lit", data_folder, locks_folder=locks_folder, backend=backend)


def test_a_pinned_backend_for_the_card_is_chosen(tmp_path: Path, data_folder: Path, locks_folder: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce RTX 4070, 580.65.06, 8.9")
    made = _plan(data_folder, locks_folder)
    assert made.backend == "cu130" and not made.notes
    assert "Found: NVIDIA RTX 4070, driver 580 -> CUDA 13.0" in made.summary()


def test_without_a_pinned_backend_the_processor_is_used_and_the_notes_explain_it(
    tmp_path: Path, data_folder: Path, locks_folder: Path
) -> None:
    _cards(tmp_path, "NVIDIA GeForce RTX 4070, 560.35.03, 8.9")
    made = _plan(data_folder, locks_folder)
    assert made.backend == "cpu" and all(item.hashed for item in made.packages)
    assert "the hash of alpha is not known yet" in made.summary() and "choose the backend 'cu128'" in made.summary()


def test_the_users_choice_overrides_detection(tmp_path: Path, data_folder: Path, locks_folder: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce RTX 4070, 560.35.03, 8.9")
    made = _plan(data_folder, locks_folder, "cu128")
    assert made.backend == "cu128" and "Not pinned by a hash, which is not known yet: alpha" in made.summary()
    assert _plan(data_folder, locks_folder, "cpu").backend == "cpu"
    with pytest.raises(InstallError, match="no backend 'xpu' for lit here: choose one of cpu, cu128, cu130, rocm"):
        _plan(data_folder, locks_folder, "xpu")


def test_the_summary_says_why_a_card_is_not_used(tmp_path: Path, data_folder: Path, locks_folder: Path) -> None:
    _cards(tmp_path, "NVIDIA GeForce RTX 3060, 470.82.01, 8.6")
    assert "is not used, because its driver 470 is too old" in _plan(data_folder, locks_folder).summary()
    _cards(tmp_path, "NVIDIA GeForce GTX 1080, 580.1, 6.1")
    assert "no packages for it with this Python" in _plan(data_folder, locks_folder).summary()


def test_a_component_without_graphics_backends_detects_no_card(
    tmp_path: Path, data_folder: Path, interpreter: Interpreter, wheels: dict[str, Path]
) -> None:
    _program(tmp_path, f"touch '{tmp_path}/asked'")
    write_lock(tmp_path / "one", interpreter, [locked(wheels["alpha"])])
    made = planning.plan("tiny", data_folder, locks_folder=tmp_path / "one")
    assert made.graphics is None and not (tmp_path / "asked").exists()


# Unsupported machines


REFUSED = (
    ({"platform": "", "machine": "Darwin x86_64 64-bit"}, "no longer support Intel Macs"),
    ({"platform": "", "machine": "Windows arm64 64-bit"}, "does not support Windows on ARM"),
    ({"platform": "", "machine": "Linux x86_64 64-bit without glibc"}, "64-bit Linux with glibc"),
    ({"glibc": (2, 27)}, "glibc 2.27, but lit needs 2.28 or newer: use a newer Linux"),
    ({"tag": "cp39", "version": "3.9.1"}, "cannot be installed for Python 3.9.1"),
)


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_unsupported_machines_are_refused_with_the_reason(
    change: dict[str, object],
    words: str,
    data_folder: Path,
    locks_folder: Path,
    interpreter: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "glibc" in change and interpreter.platform != LINUX:
        pytest.skip("concerns Linux")
    other = types.SimpleNamespace(**{**vars(interpreter), **change})
    monkeypatch.setattr(planning, "probe", lambda python, packages=(): other)
    with pytest.raises(InstallError, match=words):
        _plan(data_folder, locks_folder)


@pytest.mark.serial
@pytest.mark.parametrize("script", ["exec sleep 3", "sleep 3"])
def test_a_hung_driver_is_awaited_once_and_reported(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphics, "_TIMEOUT_SECONDS", 0.3)
    _program(tmp_path, script)  # the second one's child keeps the output open after its end
    began = time.monotonic()
    found = detect(LINUX, tmp_path)
    assert time.monotonic() - began < 1.0
    assert not found.backends and "driver does not answer" in found.problem and found.text.endswith("the processor")
    began = time.monotonic()
    assert detect(LINUX, tmp_path) == found and time.monotonic() - began < 0.1
