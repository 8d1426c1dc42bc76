# SPDX-License-Identifier: GPL-3.0-or-later
"""Querying package indexes before a download: which ones offer a lock's files, and the fallback if none does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import locks, manifest, pip
from .component import Component
from .errors import InstallError
from .folders import Folders, remove_tree, size_text
from .indexes import INDEXES
from .interpreter import Interpreter

_TIMEOUT_SECONDS = 4


def check_indexes(
    component: Component,
    interpreter: Interpreter,
    lock: locks.Lock,
    fallback: str | None,
    excluded: frozenset[str],
    folders: Folders,
    locks_folder: Path | None,
) -> tuple[locks.Lock, dict[str, str], list[str]]:
    """Returns the lock to install, the extra index of each of its packages, and sentences for the user.

    The extra index is the address to give to pip, '' if pip's own indexes offer the file. When an index cannot be
    reached, the lock of the backend `fallback` is returned; a backend that is installed already is kept without a
    query. Packages in `excluded` (normalized names) are not queried.
    Raises InstallError when an index cannot be reached and there is no fallback.
    """
    special = [
        item
        for item in lock.files
        if item.index and locks.normalized_name(item.name) not in excluded and not is_downloaded(item, folders)
    ]
    if not special or manifest.read(folders.environment(lock.name)) is not None:
        return lock, {item.name: INDEXES[item.index] for item in special}, []
    other = (
        locks.load(component.name, interpreter.tag, interpreter.platform, fallback, locks_folder) if fallback else None
    )
    if other is not None and manifest.read(folders.environment(other.name)) is not None:
        return other, {}, []
    addresses = {item.name: _extra_index(interpreter, item, folders) for item in special}
    unreachable = [item for item in special if addresses[item.name] is None]
    if not unreachable:
        return lock, {name: address or "" for name, address in addresses.items()}, []
    names = ", ".join(f"{item.name} {item.version}" for item in unreachable)
    index = unreachable[0].index
    if other is None:
        raise InstallError(
            f"{names} cannot be downloaded, because the package index '{index}' does not answer: try again later, "
            "or name a mirror in pip's configuration."
        )
    more = sum(item.bytes for item in other.files) - sum(item.bytes for item in lock.files)
    note = (
        f"The index '{index}' with {names} cannot be reached, so the build from the standard index is installed, which "
        "works the same but contains libraries for graphics cards: "
        f"{size_text(max(more, 0))} more to download."
    )
    return other, {}, [note]


def is_downloaded(item: locks.LockedFile, folders: Folders) -> bool:
    """Returns whether a file with the locked name and size is in the downloads folder."""
    try:
        return bool(item.file) and (folders.downloads / item.file).stat().st_size == item.bytes
    except OSError:
        return False


def _extra_index(interpreter: Interpreter, item: locks.LockedFile, folders: Folders) -> str | None:
    """Returns the address of the extra index to use: '' if the user's pip settings suffice, None if none answers."""
    temporary = folders.temporary / secrets.token_hex(4)
    temporary.mkdir(parents=True, exist_ok=True)

    def offers(*arguments: str) -> bool:
        command = _query(interpreter, item.name, arguments)
        try:
            done = pip.run(
                command, log=folders.log, temporary=temporary, cancelled=lambda: False, seconds=3 * _TIMEOUT_SECONDS
            )
        except InstallError:
            return False
        return done.code == 0 and item.version in done.output.translate(str.maketrans(",()", "   ")).split()

    try:
        address = INDEXES[item.index]
        with ThreadPoolExecutor(2) as pool:
            own = pool.submit(offers)
            public = pool.submit(offers, "--index-url", address)
            return "" if own.result() else address if public.result() else None
    finally:
        remove_tree(temporary)


def _query(interpreter: Interpreter, name: str, arguments: Sequence[str]) -> list[str]:
    """Returns the command that lists the versions of a package in pip's indexes."""
    command = [*pip.pip_command(interpreter), "index", "versions", name, "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--retries", "0", "--timeout", str(_TIMEOUT_SECONDS)]
    return [*command, *interpreter.pip_target(), *arguments]
