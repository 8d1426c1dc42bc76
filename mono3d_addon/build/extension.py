# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip: which files are in it, and how it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core.files import atomic_write
from ..errors import Mono3DError
from ..version import ROOT, version
from .deflate import Compress, compressed
from .editions import EDITIONS, Edition, manifest_of
from .zip_file import write_zip

MANIFEST = "blender_manifest.toml"
SINGLE_FILES = (MANIFEST, "__init__.py", "LICENSE", "README.md")
FOLDERS = ("mono3d_addon", "vendor_installer")
SUFFIXES = frozenset({".py", ".md", ".txt", ".json", ".toml", ".po", ".safetensors"})

_SKIPPED_FOLDERS = frozenset({"__pycache__", "training", "tests", "web"})
"""Folders that the extension does not need; the web page runs in its own process with its own packages."""
WEIGHTS = frozenset({".safetensors"})
"""Suffixes of files that hardly compress."""


def files(root: Path = ROOT, edition: Edition = EDITIONS["full"]) -> list[Path]:
    """Returns an edition's files, relative to `root`, in the order of the zip.

    Raises Mono3DError when a required one is missing, or one that the edition leaves out: then its list is wrong.
    """
    absent = [name for name in (*SINGLE_FILES, *sorted(edition.left_out)) if not (root / name).exists()]
    if absent:
        raise Mono3DError(f"The extension cannot be built: {', '.join(absent)} is missing.")
    walked = (path.relative_to(root) for folder in FOLDERS for path in _walk(root / folder))
    kept = (path for path in walked if not any(part in edition.left_out for part in _and_parents(path)))
    return [Path(name) for name in SINGLE_FILES] + sorted(kept, key=lambda path: path.as_posix())


def build(
    folder: Path, root: Path = ROOT, edition: str = "full", website: str = "", compress: Compress = compressed
) -> Path:
    """Writes the zip of an edition into `folder` and returns its path; identical sources give identical bytes.

    `website` is the address that the manifest is to state, see `manifest_of`.
    Raises Mono3DError when a file is missing or the zip cannot be written.
    """
    chosen = EDITIONS[edition]
    path = folder / f"mono3d-{version()}{chosen.suffix}.zip"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mono3DError(f"The folder '{folder}' cannot be created ({error.strerror or error}).") from error
    names = files(root, chosen)
    with atomic_write(path) as beside:
        write_zip(
            beside, ((name.as_posix(), _content(root, name, chosen, website)) for name in names), WEIGHTS, compress
        )
    return path


def _content(root: Path, name: Path, edition: Edition, website: str) -> bytes:
    content = (root / name).read_bytes()
    if name.as_posix() == MANIFEST:
        return manifest_of(edition, content.decode(), website).encode()
    return content


def _and_parents(path: Path) -> Iterator[str]:
    yield from (one.as_posix() for one in (path, *path.parents))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in _SKIPPED_FOLDERS and not path.name.startswith("."):
                yield from _walk(path)
        elif path.suffix in SUFFIXES and not path.name.startswith("."):
            yield path
