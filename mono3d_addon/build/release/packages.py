# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheel and sdist, built by pinned tools and then packed anew, because zlib's output differs between its versions."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import Mono3DError
from ...version import ROOT
from ..deflate import Compress, compressed
from ..extension import WEIGHTS
from ..gzip_file import write_gzip
from ..zip_file import write_zip

TOOLS = Path(__file__).parent / "tools.txt"

TIME = 315_532_800
"""The first day of 1980, the earliest that a zip knows, in seconds since 1970."""

_COMPRESSED = WEIGHTS | {".jpg", ".png"}
"""Suffixes of files that hardly become smaller."""


def build_packages(folder: Path, compress: Compress = compressed, root: Path = ROOT) -> tuple[Path, Path]:
    """Builds the sdist, and the wheel from it, into `folder` and returns wheel and sdist.

    The same sources give the same bytes. Downloads the tools with pip. Raises Mono3DError when a tool fails, OSError
    when something cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="mono3d-") as temporary:
        tools, built = Path(temporary, "tools"), Path(temporary, "built")
        pip = ("pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:")
        _run((*pip, "--target", str(tools), "-r", str(TOOLS)), temporary)
        # Without isolation, which would ask the index for the newest versions of what the backend needs.
        _run(("build", "--no-isolation", "--outdir", str(built), str(root)), temporary, str(tools))
        (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
        repack_wheel(wheel, folder / wheel.name, compress)
        repack_sdist(sdist, folder / sdist.name, compress)
    return folder / wheel.name, folder / sdist.name


def repack_wheel(wheel: Path, target: Path, compress: Compress = compressed) -> None:
    """Writes a wheel anew: the same files in their order of name, `.dist-info` last, without times and modes."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted((name for name in archive.namelist() if not name.endswith("/")), key=_dist_info_last)
        write_zip(target, ((name, archive.read(name)) for name in names), _COMPRESSED, compress)


def repack_sdist(sdist: Path, target: Path, compress: Compress = compressed) -> None:
    """Writes an sdist anew: the same files in their order of name, with the same times, modes and owners."""
    with tarfile.open(sdist) as archive:
        write_gzip(target, _tar_pieces(archive), compress)


def _dist_info_last(name: str) -> tuple[bool, bool, str]:
    # As the specification recommends, so that the metadata of a wheel can be changed without reading all of it.
    return ".dist-info/" in name, name.endswith("/RECORD"), name


def _tar_pieces(archive: tarfile.TarFile) -> Iterator[tuple[bytes, bool]]:
    """Yields the pieces of a plain tar file, and whether each can be compressed."""
    for member in sorted(archive.getmembers(), key=lambda one: one.name):
        content = archive.extractfile(member)
        if content is None:
            continue
        data = content.read()
        about = tarfile.TarInfo(member.name)
        about.size, about.mtime, about.mode = len(data), TIME, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
        yield about.tobuf(tarfile.PAX_FORMAT), True
        yield data, Path(member.name).suffix not in _COMPRESSED
        yield bytes(-len(data) % tarfile.BLOCKSIZE), True
    yield bytes(2 * tarfile.BLOCKSIZE), True


def _run(module: Sequence[str], folder: str, packages: str = "") -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {"SOURCE_DATE_EPOCH": str(TIME), "PYTHONDONTWRITEBYTECODE": "1"}
    variables |= {"PYTHONPATH": packages} if packages else {}
    words = [sys.executable, "-m", *module]
    done = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise Mono3DError(f"'{module[0]}' failed while wheel and sdist were built: {said}")
