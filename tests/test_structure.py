# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the architecture, held by a test: which folder may import what, and what may not be in the files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mono3d_addon"

MAY_IMPORT = {
    "core": {"core", "settings", "errors"},
    "depth": {"core", "depth", "settings", "errors"},
    "surface": {"core", "surface", "settings", "errors"},
    "export": {"core", "surface", "export", "settings", "errors", "version"},
    # The client marks the packages of its child as in use.
    "worker": {"core", "surface", "export", "worker", "pipeline", "shaping", "settings", "errors", "version", "environment"},
    # The server's process may load what needs no packages, and nothing that opens a photo.
    "web": {
        *("web", "worker", "scenes", "outputs", "settings", "errors", "version"),
        *("environment", "arguments", "installing", "core", "depth"),
    },
}
"""Parts of ours that each folder may import; imports point one way."""

ONLY_IN = {
    "torch": ("depth",),
    "timm": ("depth",),
    "openvino": ("depth",),
    "open3d": ("surface",),
    "fast_simplification": ("surface",),
    "OpenEXR": ("core",),
    "pyvista": ("export",),
    "bpy": ("blender",),
    "bmesh": ("blender",),
    "bpy_extras": ("blender",),
    "mathutils": ("blender",),
    "starlette": ("web",),
    "uvicorn": ("web",),
    "imagesize": ("web",),
}


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yields the dotted name and the level of every import, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.module, node.level
            else:
                yield from ((alias.name, node.level) for alias in node.names)


def part_of(path: Path, name: str, level: int) -> str:
    """Returns the part of mono3d_addon (a folder or a module) that a relative import leads to."""
    parts = ("mono3d_addon", *path.relative_to(PACKAGE).with_suffix("").parts)
    target = (*parts[: len(parts) - level], *name.split("."))
    return target[1] if len(target) > 1 and target[0] == "mono3d_addon" else ""


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_point_one_way(folder: str) -> None:
    for path in sources(PACKAGE / folder):
        for name, level in imports(path):
            if level:
                assert part_of(path, name, level) in MAY_IMPORT[folder], f"{path.relative_to(ROOT)} imports {name}"
            else:
                assert not name.startswith(("mono3d_addon", "vendor_installer")), f"{path.relative_to(ROOT)}: {name}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_libraries_stay_in_their_folders(library: str) -> None:
    for path in sources(PACKAGE):
        part = path.relative_to(PACKAGE).parts[0]
        used = {name.split(".")[0] for name, level in imports(path) if level == 0}
        if library in used:
            assert part in ONLY_IN[library], f"{path.relative_to(ROOT)} imports {library}"


def test_only_one_module_knows_the_installer() -> None:
    for path in sources(PACKAGE):
        text = path.read_text(encoding="utf-8")
        if re.search(r"import.*vendor_installer|vendor_installer.*import", text):
            assert path.name == "environment.py", path


def test_the_installer_needs_the_standard_library_only() -> None:
    for path in sources(ROOT / "vendor_installer"):
        for name, level in imports(path):
            if level == 0:
                # Making locks, a maintainer's job, reads requirements with pip's own parser.
                allowed = {*sys.stdlib_module_names, *(["pip"] if path.name == "relock.py" else [])}
                assert name.split(".")[0] in allowed, f"{path}: {name}"


def test_the_command_line_starts_on_a_bare_python() -> None:
    """Before the first install there is neither numpy nor Pillow."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from mono3d_addon.cli import main; sys.exit(main(['--help']))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--field-of-view" in done.stdout


def test_every_source_names_its_licence() -> None:
    for folder in ("mono3d_addon", "vendor_installer", "tests", "benchmarks"):
        for path in sources(ROOT / folder):
            first = path.read_text(encoding="utf-8").split("\n", 1)[0]
            assert first == "# SPDX-License-Identifier: GPL-3.0-or-later", path


def test_no_module_works_at_import() -> None:
    """Top-level statements define; they do not call for effect."""
    allowed = re.compile(r"^(sys\.(path|exit)|if |try|with |settings\.|main\()")
    for path in sources(PACKAGE):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                assert allowed.match(ast.unparse(node)), f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_photo_has_its_licence_beside_it() -> None:
    text = (ROOT / "tests" / "photos" / "README.md").read_text(encoding="utf-8")
    for path in (one for one in (ROOT / "tests" / "photos").iterdir() if one.name != "README.md"):
        assert path.name in text, f"{path.name} has no licence in tests/photos/README.md"
