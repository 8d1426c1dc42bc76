# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from vendor_installer.environment import child_environment


def test_children_write_to_the_temporary_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    found = child_environment(tmp_path)
    for name in ("TMPDIR", "XDG_CACHE_HOME", "BLENDER_USER_RESOURCES"):
        assert found[name] == str(tmp_path)


def test_python_settings_are_removed_and_mirrors_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_INDEX_URL", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "value")
    found = child_environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET"} & set(found)
    assert found["PIP_INDEX_URL"] == found["HTTPS_PROXY"] == "value"
