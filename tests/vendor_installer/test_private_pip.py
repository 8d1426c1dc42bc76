# SPDX-License-Identifier: GPL-3.0-or-later
"""The private pip, for interpreters with none or an old one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import vendor_installer
from tests.vendor_installer.local_index import Index, make_wheel, serve
from vendor_installer import InstallError, install, private_pip
from vendor_installer.folders import Folders
from vendor_installer.interpreter import Interpreter
from vendor_installer.locks import LockedFile
from vendor_installer.pip import pip_command
from vendor_installer.private_pip import PIP, with_resuming_pip


@pytest.fixture
def index(wheels: dict[str, Path], interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index with a pip wheel that only runs a function of the test."""
    folder = wheels["alpha"].parent
    own = {"pip/__init__.py": b"", "pip/__main__.py": b"print('ours')\n"}
    wheel = make_wheel(folder, "pip", "99.1", files=own)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(private_pip, "PIP", LockedFile("pip", "99.1", digest, wheel.name, wheel.stat().st_size, 0))
    with serve(folder) as served:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"{served.url}/")
        yield served


@pytest.fixture
def old(interpreter: Interpreter) -> Interpreter:
    return dataclasses.replace(interpreter, pip_version=(23, 2))


@pytest.fixture
def bare(interpreter: Interpreter) -> Interpreter:
    return dataclasses.replace(interpreter, has_pip=False, pip_wheel="", pip_version=())


def test_the_interpreters_pip_version_is_read(interpreter: Interpreter) -> None:
    assert interpreter.has_pip == bool(interpreter.pip_version) or interpreter.pip_wheel
    assert "pip" not in interpreter.versions


def test_an_old_pip_is_replaced_by_the_private_one_once(index: Index, old: Interpreter, data_folder: Path) -> None:
    found = with_resuming_pip(old, data_folder)
    assert found.pip_version == (99, 1) and Path(found.pip_wheel) == Folders(data_folder).tools / "pip-99.1"
    assert (Path(found.pip_wheel) / "pip/__main__.py").read_text() == "print('ours')\n"
    assert pip_command(found)[-1] == found.pip_wheel
    assert len(index.requests) == 1
    assert with_resuming_pip(old, data_folder) == found and len(index.requests) == 1
    assert [item.name for item in Folders(data_folder).tools.iterdir()] == ["pip-99.1"]


def test_a_recent_pip_is_kept(index: Index, interpreter: Interpreter, data_folder: Path) -> None:
    good = dataclasses.replace(interpreter, pip_version=(25, 2))
    assert with_resuming_pip(good, data_folder) == good and not index.requests


def test_a_python_without_pip_gets_the_private_one(index: Index, bare: Interpreter, data_folder: Path) -> None:
    with pytest.raises(InstallError, match="has no pip"):
        pip_command(bare)
    assert pip_command(with_resuming_pip(bare, data_folder))


@pytest.mark.parametrize("fault", ["lost", "another", "absent", "unreachable", "no index"])
def test_without_the_private_pip_the_interpreters_own_is_used(
    fault: str,
    index: Index,
    old: Interpreter,
    data_folder: Path,
    wheels: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wheel = wheels["alpha"].with_name("pip-99.1-py3-none-any.whl")
    if fault == "lost":
        index.lost.add(wheel.name)
    elif fault == "another":
        make_wheel(wheel.parent, "pip", "99.1", files={"pip/__main__.py": b"print('evil')\n"})
    elif fault == "absent":
        wheel.unlink()
    elif fault == "unreachable":
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    else:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert with_resuming_pip(old, data_folder) == old
    assert not Folders(data_folder).tools.exists() or not list(Folders(data_folder).tools.iterdir())
    if fault != "no index":
        assert "pip 99.1 was not downloaded" in Folders(data_folder).log.read_text("utf-8")


def test_an_installation_uses_it_and_a_plan_without_network_does_not_download_it(
    index: Index, old: Interpreter, data_folder: Path, locks_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendor_installer.planning.probe", lambda python, packages=(): old)
    unasked = vendor_installer.plan("tiny", data_folder, locks_folder=locks_folder)
    assert unasked.interpreter == old and not index.requests
    with pytest.raises(InstallError):  # this pip downloads nothing
        install(unasked, allow_network=True)
    assert "ours" in Folders(data_folder).log.read_text("utf-8")


def test_the_private_pip_is_pinned() -> None:
    assert PIP.sha256 and PIP.file == f"pip-{PIP.version}-py3-none-any.whl" and PIP.bytes > 1_000_000


def test_a_mirrors_password_is_used_and_never_logged(
    index: Index, old: Interpreter, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = index.url.replace("//", "//me:p%40ss@")
    monkeypatch.setenv("PIP_INDEX_URL", address)
    index.lost.add(private_pip.PIP.file)
    assert with_resuming_pip(old, data_folder) == old
    monkeypatch.setattr(private_pip, "PIP", dataclasses.replace(private_pip.PIP, file="pip-0-py3-none-any.whl"))
    assert with_resuming_pip(old, data_folder) == old
    log = Folders(data_folder).log.read_text()
    assert log.count("was not downloaded") == 2 and "does not offer" in log and "ss@" not in log
    request = private_pip._request(address)
    assert request.get_header("Authorization") == "Basic bWU6cEBzcw==" and "@" not in request.full_url


def test_an_index_that_does_not_speak_http_is_ignored(
    index: Index, old: Interpreter, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:port/simple")
    assert with_resuming_pip(old, data_folder) == old


def test_the_mirror_of_pips_configuration_is_used(
    index: Index, old: Interpreter, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n", "utf-8")
    assert with_resuming_pip(old, data_folder).pip_version == (99, 1) and len(index.requests) == 1


def test_the_proxy_of_pips_configuration_is_used(
    index: Index, old: Interpreter, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy gets the complete URL, so the index acts as proxy for any host."""
    monkeypatch.setenv("PIP_PROXY", index.url.removesuffix("/simple"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://mirror.invalid/simple")
    monkeypatch.delenv("NO_PROXY")
    assert with_resuming_pip(old, data_folder).pip_version == (99, 1)
    assert index.requests == [private_pip.PIP.file]
