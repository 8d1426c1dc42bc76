# SPDX-License-Identifier: GPL-3.0-or-later
"""Path handling for Windows, as far as it can be tested elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from tests.vendor_installer.local_index import make_wheel
from vendor_installer import folders, interpreter, wheels


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (r"C:\Users\A B\data", r"\\?\C:\Users\A B\data"),
        (r"C:/Users/x/../y/./data/", r"\\?\C:\Users\y\data"),
        (r"\\server\share\data", r"\\?\UNC\server\share\data"),
        (r"\\?\C:\data", r"\\?\C:\data"),
        (r"\\?\UNC\server\share\data", r"\\?\UNC\server\share\data"),
        (r"data\relative", r"data\relative"),
        (r"\data", r"\data"),
        (r"C:data", r"C:data"),
    ],
)
def test_the_prefix_of_long_windows_paths(given: str, expected: str) -> None:
    found = folders.long_path(PureWindowsPath(given))
    assert str(found) == expected and isinstance(found, PureWindowsPath)
    assert folders.long_path(PurePosixPath("/a/../b")) == PurePosixPath("/a/../b")
    if found.is_absolute():
        assert str(found / "torch/a.py") == expected + r"\torch\a.py"


def test_packages_are_written_counted_and_removed_by_their_long_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulates Windows: the folder exists only under the other path."""
    wheel = make_wheel(tmp_path, "alpha", "1.0")
    asked, real = tmp_path / "asked", tmp_path / "real"

    def elsewhere(path: Path) -> Path:
        return real / path.relative_to(asked)

    for module in (folders, wheels):
        monkeypatch.setattr(module, "long_path", elsewhere)
    written = wheels.unpack(wheel, asked / "packages", (), lambda count: None)
    assert (real / "packages").is_dir() and not asked.exists()
    found = dict(folders.file_sizes(asked / "packages"))
    assert sum(found.values()) == written and all(path.is_relative_to(asked) for path in found)
    assert folders.remove_tree(asked / "packages") and not (real / "packages").exists()


def test_asking_an_interpreter_opens_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    run = subprocess.run

    def watched(command: Any, creationflags: int = 0, **options: Any) -> Any:
        asked.append({"creationflags": creationflags})
        return run(command, **options)

    executable = sys.executable
    monkeypatch.setattr(subprocess, "run", watched)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    interpreter.probe(executable)
    assert asked == [{"creationflags": 0x08000000}]
