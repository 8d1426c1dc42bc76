# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the test component 'tiny', whose hand-made wheels are installed by the real pip."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vendor_installer.local_index import Index, locked, make_wheel, serve, write_lock
from tests.vendor_installer.tiny import LIT, TINY
from vendor_installer import planning, smoke, upkeep
from vendor_installer.interpreter import Interpreter, probe
from vendor_installer.plans import Plan


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    found = probe(sys.executable)
    if not found.platform:
        pytest.skip(f"no packages for this machine ({found.machine})")
    return found


@pytest.fixture(autouse=True)
def only_local_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Registers the test components, and restricts pip to the wheels of the test."""
    components = {"tiny": TINY, "lit": LIT}
    monkeypatch.setattr(planning, "COMPONENTS", components)
    monkeypatch.setattr(upkeep, "COMPONENTS", components)
    monkeypatch.setattr(smoke, "SCRIPTS", types.MappingProxyType({"tiny": "import alpha, beta\n", "nothing": ""}))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "wheels"
    beta = {"beta/__init__.py": b"", "beta/data.bin": os.urandom(200_000)}
    return {"alpha": make_wheel(folder, "alpha"), "beta": make_wheel(folder, "beta", files=beta)}


@pytest.fixture
def index(wheels: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The wheels on a package index instead of in a folder."""
    with serve(wheels["alpha"].parent) as served:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield served


@pytest.fixture
def locks_folder(tmp_path: Path, wheels: dict[str, Path], interpreter: Interpreter) -> Path:
    folder = tmp_path / "locks"
    write_lock(folder, interpreter, [locked(wheel) for wheel in wheels.values()])
    return folder


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "data of the user, größer 数据"


@pytest.fixture
def tiny_plan(data_folder: Path, locks_folder: Path) -> Callable[[], Plan]:
    return lambda: planning.plan("tiny", data_folder, locks_folder=locks_folder, allow_network=True)
