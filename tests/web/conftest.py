# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.web_server import REAL, STAND_IN, WebServer, furnished, need_packages, serving


def one_for_all(folder: Path, program: str) -> Iterator[WebServer]:
    """Runs a server with one worker; whatever the tests do to it, it must not meet anything unforeseen."""
    need_packages()
    with serving(folder, program=program) as running:
        yield running
        assert "Traceback" not in running.text() and "unforeseen" not in running.text(), running.text()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """The product: its worker estimates depth, and loses what it knows when a surface is cancelled."""
    yield from one_for_all(tmp_path_factory.mktemp("server"), REAL)


@pytest.fixture(scope="session")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """The same with a quick worker, see `stand_in`: for tests of what becomes of jobs and their files."""
    yield from one_for_all(tmp_path_factory.mktemp("quick"), STAND_IN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder of its own, with the installed packages of the common one."""
    return furnished(tmp_path / "data")
