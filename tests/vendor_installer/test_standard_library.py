# SPDX-License-Identifier: GPL-3.0-or-later
"""vendor_installer needs only the standard library, and nothing else of this project."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import vendor_installer

FILES = sorted(Path(vendor_installer.__file__).parent.glob("*.py"))

# The lock tool, which users never run, uses pip's requirement parser.
ALLOWED = {"relock.py": {"pip"}}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_the_standard_library_is_imported(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imported.add(node.module.split(".")[0])
    assert imported - ALLOWED.get(path.name, set()) <= sys.stdlib_module_names


def test_importing_it_imports_nothing_else() -> None:
    import subprocess

    root = Path(vendor_installer.__file__).parent.parent
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import vendor_installer; "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code, str(root)], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) - {"vendor_installer"} <= sys.stdlib_module_names
