# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog's section of a version."""

from __future__ import annotations

import pytest

from mono3d_addon.build.release.changelog import changes_of
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT, version

TEXT = """# Changelog

## Unreleased

- The next thing.

## 0.2.0 (2026-12-01)

### Added

- A thing.

## 0.1.0

- First.
"""


def test_the_section_ends_where_the_next_version_begins() -> None:
    assert changes_of(TEXT, "0.2.0") == "# Mono3D 0.2.0 (2026-12-01)\n\n### Added\n\n- A thing.\n"
    assert changes_of(TEXT, "0.1.0", is_draft=True) == "# Mono3D 0.1.0\n\n- First.\n"


def test_a_version_without_a_heading_is_a_draft_or_a_failure() -> None:
    assert changes_of(TEXT, "0.3.0", is_draft=True) == "# Mono3D 0.3.0 (draft)\n\n- The next thing.\n"
    with pytest.raises(Mono3DError, match=r"no heading '## 0\.3\.0'"):
        changes_of(TEXT, "0.3.0")
    with pytest.raises(Mono3DError, match="no heading"):
        changes_of("# Changelog\n", "0.3.0", is_draft=True)


def test_the_changelog_of_the_repository_can_be_read() -> None:
    text = changes_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version(), is_draft=True)
    assert text.startswith(f"# Mono3D {version()}") and len(text.splitlines()) > 5
