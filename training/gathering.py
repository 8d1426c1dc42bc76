# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table of freely licensed photos to a folder with them: packages downloaded, verified, photos made small."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from PIL import Image

from mono3d_addon.core.files import atomic_write
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth import transfer

from . import packages
from .alike import difference_hash, is_near, mirrored_hash
from .photo_table import Package, PhotoRow, by_package

SHORT_SIDE = 288
QUALITY = 90

Progress = Callable[[str], None]


def gather(
    rows: Iterable[PhotoRow],
    folder: Path,
    downloads: Path,
    registries: Mapping[str, str],
    avoided: Collection[int] = (),
    progress: Progress = lambda words: None,
) -> int:
    """Writes the photos of `rows` into `folder` as NAME.jpg and returns how many are new; those there stay.

    A photo's short side becomes SHORT_SIDE; a smaller one keeps its size. Packages come from `registries`, an address
    for each kind, and stay in `downloads`. Photos that are near to a hash of `avoided`, or whose mirror image is, are
    left out. `progress` hears of each package and of each photo left out.
    Raises ValueError or Mono3DError for a package that is not the one that the table names or cannot be read, and
    TransferError for one that does not come.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    for package, photos in by_package(rows).items():
        wanted = {row.path: row for row in photos if not (folder / f"{row.name}.jpg").is_file()}
        if not wanted:
            continue
        progress(package.file.rpartition("/")[2])
        for path, content in packages.read(fetched(package, downloads, registries), set(wanted)):
            picture = _small(content, path)
            if is_near(difference_hash(picture), avoided) or is_near(mirrored_hash(picture), avoided):
                progress(f"{wanted[path].name} is left out: it is near to one to be avoided")
                continue
            with atomic_write(folder / f"{wanted[path].name}.jpg") as beside:
                picture.save(beside, quality=QUALITY)
            new += 1
    return new


def fetched(package: Package, downloads: Path, registries: Mapping[str, str]) -> Path:
    """Returns the package's file in `downloads`, brought there unless it is there already.

    Raises ValueError where what came is not the file that the table names, TransferError where nothing comes.
    """
    # Under its hash no name from the table can lead elsewhere, and no two packages get in each other's way.
    place = downloads / f"{package.sha256[:16]}{Path(package.file).suffix}"
    if place.is_file() and _sha256(place) == package.sha256:
        return place
    downloads.mkdir(parents=True, exist_ok=True)
    address = f"{registries[package.kind].rstrip('/')}/{package.file}"
    partial = place.with_name(f".{place.name}.partial")
    transfer.fetch(transfer.Source(address, package.size, 0, has_hash=True), partial)
    if _sha256(partial) != package.sha256:
        transfer.discard(partial)
        raise ValueError(f"What came from {address} has another SHA-256 than the table says; nothing was used of it.")
    partial.replace(place)
    transfer.discard(partial)
    return place


def _small(content: bytes, path: str) -> Image.Image:
    """Returns the photo upright, in sRGB and no larger than it is stored."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"photo{Path(path).suffix}"
        file.write_bytes(content)
        picture = Image.fromarray(read_photo(file).pixels)
    scale = min(1.0, SHORT_SIDE / min(picture.size))
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
