# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the extension's zip: `python3 -m mono3d_addon.build -o dist/`."""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .core.files import atomic_write
from .errors import Mono3DError
from .version import ROOT, version

SINGLE_FILES = ("blender_manifest.toml", "__init__.py", "LICENSE", "README.md")
FOLDERS = ("mono3d_addon", "vendor_installer")
SUFFIXES = frozenset({".py", ".md", ".txt", ".json", ".toml", ".safetensors"})

_SKIPPED_FOLDERS = frozenset({"__pycache__", "training", "tests", "web"})
"""Folders that the extension does not need; the web page runs in its own process with its own packages."""
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def files(root: Path = ROOT) -> list[Path]:
    """Returns the extension's files, relative to `root`, in the order of the zip.

    Raises Mono3DError when a required one is missing.
    """
    missing = [name for name in SINGLE_FILES if not (root / name).is_file()]
    if missing:
        raise Mono3DError(f"The extension cannot be built: {', '.join(missing)} is missing.")
    walked = (path for folder in FOLDERS for path in _walk(root / folder))
    return [Path(name) for name in SINGLE_FILES] + sorted(
        (path.relative_to(root) for path in walked), key=lambda path: path.as_posix()
    )


def build(folder: Path, root: Path = ROOT) -> Path:
    """Writes the zip into `folder` and returns its path; identical sources give identical bytes.

    Files are stored uncompressed: the output of compression libraries differs, and weights hardly compress.
    Raises Mono3DError when a file is missing or the zip cannot be written.
    """
    path = folder / f"mono3d-{version()}.zip"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mono3DError(f"The folder '{folder}' cannot be created ({error.strerror or error}).") from error
    with atomic_write(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        for name in files(root):
            entry = zipfile.ZipInfo(name.as_posix(), _TIMESTAMP)
            entry.external_attr = _PLAIN_FILE
            entry.create_system = _UNIX
            archive.writestr(entry, (root / name).read_bytes())
    return path


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in _SKIPPED_FOLDERS and not path.name.startswith("."):
                yield from _walk(path)
        elif path.suffix in SUFFIXES and not path.name.startswith("."):
            yield path


def main(arguments: Sequence[str]) -> int:
    """Builds the zip and prints its path; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m mono3d_addon.build", description="Builds the extension's zip.")
    parser.add_argument("-o", "--output", type=Path, default=Path("dist"), help="folder for the zip (default: dist)")
    try:
        print(build(parser.parse_args(arguments).output))
    except Mono3DError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
