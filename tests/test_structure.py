# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the architecture, held by a test: which folder may import what, and what may not be in the files."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mono3d_addon.core import extras

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mono3d_addon"

_BASE = {"errors", "settings", "version", "edition"}
_RECONSTRUCTION = {*_BASE, "core", "depth", "surface", "export"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "settings": {"errors"},
    "edition": {"version"},
    "languages": set(),
    "environment": {*_BASE, "core"},
    "core": _BASE,
    "depth": {*_BASE, "core"},
    "surface": {*_BASE, "core"},
    "export": {*_BASE, "core", "formats"},
    "reshape": {*_BASE, "core", "surface"},
    "session": {"depth", "reshape"},
    "depth_source": {*_BASE, "core", "depth", "session"},
    "pipeline": {*_RECONSTRUCTION, "depth_source", "reshape", "session"},
    # The client marks the packages of its child as in use.
    "worker": {*_RECONSTRUCTION, "pipeline", "reshape", "session", "environment"},
    "formats": {"environment", "settings"},
    # Many photos: what to read and write, without an interface.
    "run": {*_BASE, "core", "formats", "worker"},
    "display": {"core", "run"},
    "installing": {"core", "environment", "display", "settings"},
    "arguments": _BASE,
    "models_command": {*_BASE, "core", "depth", "environment", "display"},
    # The server's process may load what needs no packages, and nothing that opens a photo.
    "web": {*_BASE, "core", "depth", "environment", "formats", "worker", "run", "arguments", "installing", "languages"},
    "blender": {*_BASE, "core", "depth", "environment", "session", "worker", "run", "languages"},
    # No part of the product: its bill of materials names the models too.
    "build": {*_BASE, "core", "depth"},
    "equipping": {*_BASE, "core", "environment", "worker", "run", "display", "models_command"},
    # One batch on many machines: who does which part, and the command.
    "farm": {
        *_BASE,
        "core",
        "environment",
        "formats",
        "run",
        "worker",
        "arguments",
        "display",
        "installing",
        "models_command",
        "equipping",
    },
    "cli": {
        *_BASE,
        "core",
        "environment",
        "run",
        "web",
        "arguments",
        "display",
        "installing",
        "models_command",
        "equipping",
        "farm",
    },
    "batch": {"cli", "blender"},
    "__main__": {"cli"},
    "__init__": {"blender"},
}
"""Folder or module of the package -> the others that it may import. Nothing imports what stands below it."""

ONLY_IN = {
    "PIL": ("core", "export"),
    "pillow_heif": ("core",),
    "pillow_jxl": ("core",),
    "safetensors": ("depth",),
    "torch": ("depth",),
    "timm": ("depth",),
    "openvino": ("depth",),
    "open3d": ("surface",),
    "fast_simplification": ("surface",),
    "OpenEXR": ("core",),
    "pyvista": ("export",),
    "DracoPy": ("export",),
    "fsspec": ("run",),
    "ray": ("farm",),
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


@functools.cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Returns the dotted name and the level of every import, those inside functions too.

    For `from package import name` that is `package.name`, which may be a module or something in one.
    """
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            found += ((prefix + alias.name, node.level) for alias in node.names)
    return tuple(found)


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Returns every module of a package by its dotted name without the package's; packages by the folder's."""
    found = {}
    for path in sources(package):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


@functools.cache
def imported_modules(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Returns the modules of a package that each one imports, by their dotted names."""
    known = modules(package)
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        folder = path.relative_to(package).parent.parts
        graph[name] = set()
        for target, level in imports(path):
            if level:
                parts = [*folder[: len(folder) - (level - 1)], *target.split(".")]
            elif target.split(".")[0] == package.name:
                parts = target.split(".")[1:]
            else:
                continue
            # The last part may be a name in the module before it.
            candidates = (".".join(parts), ".".join(parts[:-1]))
            graph[name] |= {one for one in candidates[:1] if one in known} or {x for x in candidates[1:] if x in known}
        graph[name].discard(name)
    return graph


def part_of(module: str) -> str:
    """Returns the folder or module directly in the package to which a module belongs."""
    return module.split(".")[0]


def test_every_part_has_its_place_in_the_order() -> None:
    assert {part_of(module) for module in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_point_one_way(part: str) -> None:
    for module, targets in imported_modules().items():
        if part_of(module) == part:
            for target in targets:
                assert part_of(target) in MAY_IMPORT[part] | {part}, f"{module} imports {target}"


def test_the_order_itself_has_no_circle() -> None:
    assert not circles(MAY_IMPORT)


def test_the_python_interface_stands_above_everything() -> None:
    """It uses what does jobs, no other interface, and imports other libraries only when they are asked for."""
    may_import = {*_BASE, "core", "environment", "export", "formats", "run", "worker"}
    for path in [one for one in sources(ROOT / "mono3d") if one.name != "__main__.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mono3d_addon"):
                names = (node.module or "").split(".")[1:2] or [alias.name for alias in node.names]
                assert set(names) <= may_import, f"{path} imports {names}"
        outside = {name.split(".")[0] for node in tree.body for name in _imported(node)} - {*sys.stdlib_module_names}
        assert outside <= {"numpy", "mono3d_addon"}, f"{path} imports {outside}"
    for path in sources(PACKAGE):
        assert "mono3d" not in {name.split(".")[0] for name, level in imports(path) if level == 0}, path


def _imported(node: ast.stmt) -> Iterator[str]:
    """Yields what a statement itself imports, from elsewhere than its own package."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""


@pytest.mark.parametrize("package", ["mono3d", "mono3d_addon", "vendor_installer", "training"])
def test_no_modules_import_each_other(package: str) -> None:
    """Imports inside functions and for type checkers count too: who reads one module must not need the other."""
    assert not circles(imported_modules(ROOT / package))


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Returns a circle of imports in words, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def test_a_planted_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("folder", ["core", "depth", "surface", "export", "worker", "web", "blender"])
def test_folders_import_relatively(folder: str) -> None:
    for path in sources(PACKAGE / folder):
        for name, level in imports(path):
            assert level or not name.startswith(("mono3d_addon", "vendor_installer")), f"{path}: {name}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_libraries_stay_in_their_folders(library: str) -> None:
    for path in sources(PACKAGE):
        part = path.relative_to(PACKAGE).parts[0]
        used = {name.split(".")[0] for name, level in imports(path) if level == 0}
        if library in used:
            assert part in ONLY_IN[library], f"{path.relative_to(ROOT)} imports {library}"


def test_every_package_beside_numpy_is_an_extra() -> None:
    """So that a bare worker for photos, which forbids the extras, imports none of them."""
    known = {*sys.stdlib_module_names, "numpy", *extras.NAMES}
    for path in sources(PACKAGE):
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") in MAY_IMPORT["worker"] | {"worker"}:
            used = {name.split(".")[0] for name, level in imports(path) if level == 0}
            assert used <= known | {"vendor_installer"}, f"{path.relative_to(ROOT)} imports {used - known}"


def test_only_one_module_knows_the_installer() -> None:
    for path in sources(PACKAGE):
        text = path.read_text(encoding="utf-8")
        if re.search(r"import.*vendor_installer|vendor_installer.*import", text):
            # A release's bill of materials lists what the locks name.
            assert path.name == "environment.py" or path.parent == PACKAGE / "build" / "release", path


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


@pytest.mark.parametrize("package", ["core", "export", "run", "worker", "pipeline", "depth_source"])
def test_nothing_needs_an_extra_at_its_import(package: str) -> None:
    """A bare worker imports these; what a job needs of the extras is asked for when it needs it."""
    names = [name for name in modules() if part_of(name) == package]
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from mono3d_addon.core import extras; extras.forbid()\n"
        f"import importlib; [importlib.import_module('mono3d_addon.' + name) for name in {names}]"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert names and done.returncode == 0, done.stderr


def test_every_source_names_its_licence() -> None:
    for folder in ("mono3d", "mono3d_addon", "vendor_installer", "tests", "benchmarks", "docs"):
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
