# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's copies of other people's code are what their README says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "mono3d_addon" / "web" / "static" / "vendor" / "three"
ROWS = re.findall(
    r"^\| `([\w.]+)` \| `([\w./]+)` \| `([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize(("name", "source", "digest"), ROWS)
def test_a_file_is_the_packages_but_for_its_imports(name: str, source: str, digest: str) -> None:
    text = (FOLDER / name).read_bytes()
    if source.startswith("examples/"):
        text = text.replace(b"from './three.module.min.js'", b"from 'three'")
        text = re.sub(rb"from './(\w+\.js)'", rb"from '../utils/\1'", text)
    assert hashlib.sha256(text).hexdigest() == digest


def test_all_files_are_named_and_nothing_else_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", "LICENSE", *(name for name, _, _ in ROWS)}
    assert len(ROWS) == 6
