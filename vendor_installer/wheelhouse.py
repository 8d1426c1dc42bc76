# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheelhouses: folders of wheels for machines without a network, with a list of hashes in `sha256sum` format."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

from .errors import InstallError
from .locks import Lock, LockedFile, normalized_name
from .platforms import PLATFORM_TAGS
from .program import COMMAND

SUMS = "SHA256SUMS"


class Wheelhouse:
    """The wheels in `folder`. Raises InstallError if it is no folder."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InstallError(f"There is no folder '{folder}': give the one made by '{COMMAND} bundle'.")
        self.folder = folder

    def find(self, item: LockedFile, lock: Lock) -> Path | None:
        """Returns the wheel of a lock's line, or None. Compares the name and the size only."""
        if item.file:
            path = self.folder / item.file
            return path if path.is_file() and path.stat().st_size == item.bytes else None
        for path in self._wheels:
            name, version, python, abi, platform = _parts(path)
            if (
                name == normalized_name(item.name).replace("-", "_")
                and version == item.version.lower()
                and (abi in ("none", "abi3") or lock.python_tag in python.split("."))
                and (platform == "any" or set(platform.split(".")) & set(PLATFORM_TAGS[lock.platform]))
            ):
                return path
        return None

    def sha256(self, wheel: Path) -> str | None:
        """Returns the SHA-256 of a wheel in the list; None if it is not listed."""
        return self.sums.get(wheel.name)

    @cached_property
    def sums(self) -> dict[str, str]:
        """File name -> SHA-256 from the list."""
        try:
            text = (self.folder / SUMS).read_text("utf-8", "replace")
        except OSError:
            return {}
        return {match[2]: match[1] for match in re.finditer(r"^([0-9a-f]{64}) [ *](.+)$", text, re.MULTILINE)}

    @cached_property
    def _wheels(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.whl") if path.name.count("-") >= 4)


def _parts(path: Path) -> tuple[str, str, str, str, str]:
    head, python, abi, platform = path.name.removesuffix(".whl").lower().rsplit("-", 3)
    name, version = head.split("-")[:2]
    return name, version, python, abi, platform


def fill(folder: Path, wheels: Iterable[Path], sha256_of: Callable[[Path], str]) -> None:
    """Adds wheels to a wheelhouse and to its list; creates the folder if missing. Each file appears atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = dict(Wheelhouse(folder).sums)
    for wheel in wheels:
        name = wheel.name.removeprefix("unpinned-")
        _place(wheel, folder / name)
        sums[name] = sha256_of(folder / name)
    partial = folder / f".{secrets.token_hex(4)}.partial"
    partial.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())), "utf-8")
    partial.replace(folder / SUMS)


def _place(source: Path, target: Path) -> None:
    partial = target.with_name(f".{secrets.token_hex(4)}.partial")
    try:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
