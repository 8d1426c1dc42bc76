# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.web_server import WebServer, furnished, need_packages, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server with one worker; whatever the tests did to it, it has not met anything unforeseen."""
    need_packages()
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running
        assert "Traceback" not in running.text() and "unforeseen" not in running.text(), running.text()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder of its own, with the installed packages of the common one."""
    return furnished(tmp_path / "data")
