# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading pip's configuration files and variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vendor_installer.pip_settings import STANDARD_INDEX, PipSettings, pip_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, a system and variables without any pip settings."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    monkeypatch.setattr("vendor_installer.pip_settings._GLOBAL_FILE", tmp_path / "pip.conf")
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    monkeypatch.setenv("PROGRAMDATA", str(tmp_path / "system"))
    return tmp_path


def write(folder: Path, text: str) -> None:
    path = folder / "pip" / ("pip.ini" if os.name == "nt" else "pip.conf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_the_standard_index_is_the_default() -> None:
    assert pip_settings() == PipSettings(STANDARD_INDEX)


def test_the_users_file_overrides_the_systems_and_variables_override_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / "system", "[global]\nindex-url = https://system/simple\nproxy = http://system:1\nno-index = true\n")
    write(home / "config", "[global]\nindex-url = https://user/simple/\ntrusted-host = one\n    two:8443\n")
    found = pip_settings()
    assert found.index == "https://user/simple" and found.proxy == "http://system:1" and found.no_index
    assert found.trusted == {"one", "two:8443"}
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_CERT", "authorities.pem")
    found = pip_settings()
    assert (found.index, found.no_index, found.certificate) == ("https://variable/simple", False, "authorities.pem")


def test_the_commands_section_overrides_the_global_one(home: Path) -> None:
    write(
        home / "config", "[download]\nindex_url = https://download/simple\n[global]\nindex-url = https://all/simple\n"
    )
    assert pip_settings().index == "https://download/simple"


def test_a_file_can_be_given_and_all_can_be_disabled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "config", "[global]\nindex-url = https://user/simple\n")
    (home / "named").write_text("[global]\nindex-url = https://named/simple\n", "utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(home / "named"))
    assert pip_settings().index == "https://named/simple"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert pip_settings().index == STANDARD_INDEX


@pytest.mark.parametrize("content", [b"no section\n", b"[global\n", b"\xff\xfe[global]", b""])
def test_a_broken_file_is_ignored(content: bytes, home: Path) -> None:
    write(home / "config", "")
    next((home / "config" / "pip").iterdir()).write_bytes(content)
    assert pip_settings() == PipSettings(STANDARD_INDEX)
