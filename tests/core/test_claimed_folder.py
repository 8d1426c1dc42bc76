# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that are claimed while other processes look for abandoned ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mono3d_addon.core import claimed_folder
from mono3d_addon.core.claimed_folder import LOCK, ClaimedFolder, remove_abandoned

NAMES = (".mono3d-", ".partial")


@pytest.mark.parametrize("is_slow", [False, True], ids=["has removed it", "is about to remove it"])
def test_a_folder_that_another_process_finds_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    lock = claimed_folder._try_lock
    found: list[Path] = []

    def late(handle: int) -> bool | None:
        if found:
            return lock(handle)
        (folder,) = tmp_path.iterdir()
        found.append(folder)
        other = os.open(folder / LOCK, os.O_RDWR)
        if not is_slow:
            os.close(other)
            remove_abandoned(tmp_path, *NAMES)
            assert not folder.exists()
            return lock(handle)
        assert lock(other)
        held = lock(handle)
        os.close(other)
        return held

    monkeypatch.setattr(claimed_folder, "_try_lock", late)
    claimed = ClaimedFolder(*NAMES, tmp_path)
    assert claimed.path != found[0]
    remove_abandoned(tmp_path, *NAMES)
    assert list(tmp_path.iterdir()) == [claimed.path]


def test_without_locks_a_folder_is_used_and_never_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claimed_folder, "_try_lock", lambda handle: None)
    claimed = ClaimedFolder(*NAMES, tmp_path)
    remove_abandoned(tmp_path, *NAMES)
    assert claimed.path.is_dir()
