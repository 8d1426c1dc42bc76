# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloading the packages of a photo table, and writing their photos, scaled down, and lenses to a folder."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from PIL import Image

from mono3d_addon.core.files import atomic_write
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth import transfer

from . import packages
from .known_lens import known_focal
from .near_duplicates import difference_hash, is_near_duplicate, mirrored_hash
from .photo_table import Package, PhotoRow, by_package
from .sets import METRIC_ENDING

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
    """Writes the photos of `rows` into `folder` as NAME.jpg and returns how many are new; existing ones are kept.

    A photo is scaled to a short side of SHORT_SIDE; smaller ones keep their size. Where its file tells the lens beyond
    doubt (`known_focal`), NAME.json has it, as `sets.Metric` describes. Packages come from `registries`, an
    address per kind, and are kept in `downloads`. Near-duplicates of a hash in `avoided`, also mirrored ones, are
    skipped. `progress` is called for each package and each skipped photo.
    Raises ValueError or Mono3DError if a package is not the one in the table or cannot be read, TransferError if it
    cannot be downloaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    for package, photos in by_package(rows).items():
        wanted = {row.path: row for row in photos if not (folder / f"{row.name}.jpg").is_file()}
        if not wanted:
            continue
        progress(package.file.rpartition("/")[2])
        for path, content in packages.read(fetched(package, downloads, registries), set(wanted)):
            picture, focal = _small(content, path)
            if is_near_duplicate(difference_hash(picture), avoided) or is_near_duplicate(
                mirrored_hash(picture), avoided
            ):
                progress(f"{wanted[path].name} is left out: it is a near-duplicate of a photo to avoid")
                continue
            if focal is not None:
                with atomic_write(folder / f"{wanted[path].name}{METRIC_ENDING}") as beside:
                    beside.write_text(json.dumps({"focal": round(focal, 5)}), encoding="utf-8")
            # The photo is written last: it marks both as complete.
            with atomic_write(folder / f"{wanted[path].name}.jpg") as beside:
                picture.save(beside, quality=QUALITY)
            new += 1
    return new


def fetched(package: Package, downloads: Path, registries: Mapping[str, str]) -> Path:
    """Returns the package's file in `downloads`, downloaded unless it is there already.

    Raises ValueError if the downloaded file is not the one in the table, TransferError if the download fails.
    """
    # Named by its hash, no name in the table can lead outside the folder, and packages cannot overwrite each other.
    place = downloads / f"{package.sha256[:16]}{Path(package.file).suffix}"
    if place.is_file() and _sha256(place) == package.sha256:
        return place
    downloads.mkdir(parents=True, exist_ok=True)
    address = f"{registries[package.kind].rstrip('/')}/{package.file}"
    partial = place.with_name(f".{place.name}.partial")
    transfer.fetch(transfer.Source(address, package.size, 0, has_hash=True), partial)
    if _sha256(partial) != package.sha256:
        transfer.discard(partial)
        raise ValueError(
            f"The file from {address} has another SHA-256 than in the table: check the mirror. It was not used."
        )
    partial.replace(place)
    transfer.discard(partial)
    return place


def _small(content: bytes, path: str) -> tuple[Image.Image, float | None]:
    """Returns the photo upright and in sRGB, with a short side of at most SHORT_SIDE, and its focal length if known."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"photo{Path(path).suffix}"
        file.write_bytes(content)
        photo = read_photo(file)
    picture = Image.fromarray(photo.pixels)
    scale = min(1.0, SHORT_SIDE / min(picture.size))
    small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    return small, known_focal(photo.size, photo.lens)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
