# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloading a plan's wheels with pip, and verifying each of them.

Complete files stay in `downloads` even when a later one fails, so the next attempt downloads only the rest. pip gets
the hashes of the lock, by which it also selects the file. Size and SHA-256 are checked again afterwards, because a
file may come from an earlier run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from . import pip
from .errors import InstallCancelled, InstallError, translate
from .folders import Folders, file_sizes, remove_tree, size_text
from .plans import Plan, PlannedPackage
from .program import COMMAND

_ATTEMPTS = 3
_CHUNK = 1 << 22


def download(
    plan: Plan,
    *,
    allow_network: bool,
    on_progress: Callable[[str, int], None],
    cancelled: Callable[[], bool],
) -> dict[str, Path]:
    """Returns the verified wheel of every package of the plan, by package name.

    `on_progress` gets a description of the stage and the bytes received in this run. Raises InstallError if a file
    cannot be downloaded, is not the pinned one, or needs the network without `allow_network`; InstallCancelled.
    """
    folders = Folders(plan.data_folder)
    folders.downloads.mkdir(parents=True, exist_ok=True)
    wheels: dict[str, Path] = {}
    missing = _verified(plan.packages, folders, wheels, cancelled)
    if missing and not allow_network:
        raise InstallError(
            f"{len(missing)} packages have to be downloaded ({size_text(sum(p.locked.bytes for p in missing))}), "
            "but the network may not be used: allow network access and install again."
        )
    arrived = 0
    for attempt in range(_ATTEMPTS):
        failure: InstallError | None = None
        for group in _groups(missing):
            before = arrived

            def report(stage: str, fresh: int, before: int = before) -> None:
                on_progress(stage, before + fresh)

            error = _fetch(group, plan, folders, wheels, report, cancelled)
            failure = failure or error
            arrived += sum(
                item.locked.bytes
                for item in group
                if item.locked.file and (folders.downloads / item.locked.file).is_file()
            )
        still = _verified(missing, folders, wheels, cancelled)
        if not still:
            return wheels
        progressed = len(still) < len(missing)
        missing = still
        if failure is None:
            failure = translate("DO NOT MATCH THE HASHES")
        if not (progressed or _transient(failure)) or attempt == _ATTEMPTS - 1:
            raise failure
    return wheels


def _transient(failure: InstallError) -> bool:
    """Returns whether another attempt may help: after a broken connection, but not after a refusal.

    Older versions of pip, such as 23.2 of Python 3.11, report a truncated file as a wrong hash.
    """
    return any(words in str(failure) for words in ("connection broke", "was damaged"))


def _groups(packages: Sequence[PlannedPackage]) -> list[list[PlannedPackage]]:
    """Groups the packages by call of pip: either all packages of a call have hashes or none, and an extra index,
    which serves other builds under the same names, is used only for the packages that come from it."""
    groups: dict[tuple[bool, str], list[PlannedPackage]] = {}
    for item in packages:
        groups.setdefault((item.hashed, item.extra_index), []).append(item)
    return [sorted(group, key=lambda item: item.locked.bytes) for group in groups.values()]


def _verified(
    packages: Sequence[PlannedPackage], folders: Folders, wheels: dict[str, Path], cancelled: Callable[[], bool]
) -> list[PlannedPackage]:
    """Adds the intact files in `downloads` to `wheels` and deletes the others; returns the packages still missing."""
    missing = []
    for item in packages:
        if item.name in wheels:
            continue
        if item.wheel is not None:
            wheels[item.name] = _checked(item, item.wheel, cancelled)
            continue
        path = folders.downloads / item.locked.file if item.locked.file else None
        if path is None or not path.is_file():
            missing.append(item)
        elif path.stat().st_size == item.locked.bytes and sha256_of(path, cancelled) == item.locked.sha256:
            wheels[item.name] = path
        else:
            path.unlink()
            missing.append(item)
    return missing


def _checked(item: PlannedPackage, wheel: Path, cancelled: Callable[[], bool]) -> Path:
    """Returns a wheelhouse's file. Raises InstallError if its hash is not that of the lock, or else of the list."""
    expected = item.locked.sha256 or item.wheel_sha256
    if expected is not None and sha256_of(wheel, cancelled) != expected:
        raise InstallError(
            f"The file '{wheel}' is damaged or not the one that was pinned: copy the folder again, or recreate it with "
            f"'{COMMAND} bundle'."
        )
    return wheel


def sha256_of(path: Path, cancelled: Callable[[], bool] = lambda: False) -> str:
    """Returns the SHA-256 of a file in hexadecimal. Raises InstallCancelled between two chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            if cancelled():
                raise InstallCancelled
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(
    group: Sequence[PlannedPackage],
    plan: Plan,
    folders: Folders,
    wheels: dict[str, Path],
    on_progress: Callable[[str, int], None],
    cancelled: Callable[[], bool],
) -> InstallError | None:
    temporary = folders.temporary / secrets.token_hex(4)
    arriving = temporary / "wheels"
    arriving.mkdir(parents=True)
    requirements = temporary / "requirements.txt"
    requirements.write_text("".join(f"{item.locked.requirement()}\n" for item in group), "utf-8")
    command = [*pip.pip_command(plan.interpreter), "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--dest", str(arriving)]
    command += plan.interpreter.pip_target()
    command += ["--extra-index-url", group[0].extra_index] if group[0].extra_index else []
    command += ["--requirement", str(requirements)]
    total = sum(item.locked.bytes for item in group)
    watch = _Watch(group, temporary, folders.downloads)

    def on_poll(output: str) -> None:
        arrived = min(watch.bytes_arrived(), total)
        on_progress(f"Downloading {_current(output, group)}: {size_text(arrived)} of {size_text(total)}", arrived)

    try:
        done = pip.run(command, log=folders.log, temporary=temporary, cancelled=cancelled, on_poll=on_poll)
        watch.bytes_arrived()
        for item in group:
            if not item.hashed:
                _take_unhashed(item, arriving, wheels, folders)
        return translate(done.output, folders.log) if done.code else None
    finally:
        remove_tree(temporary)


def _take_unhashed(item: PlannedPackage, arriving: Path, wheels: dict[str, Path], folders: Folders) -> None:
    # A file from an earlier run cannot be verified without a hash, so it is downloaded again in each run.
    pattern = re.sub(r"[-_.]+", "_", item.name)
    for path in arriving.glob("*.whl"):
        if path.name.lower().startswith(f"{pattern.lower()}-{item.version.lower()}-"):
            target = folders.downloads / f"unpinned-{path.name}"
            path.replace(target)
            wheels[item.name] = target


def _current(output: str, group: Sequence[PlannedPackage]) -> str:
    named = re.findall(r"^Collecting ([A-Za-z0-9._-]+)==(\S+)", output, re.MULTILINE)
    if not named:
        return group[0].name
    name, version = named[-1]
    return f"{name} {version} ({len(named)} of {len(group)})"


class _Watch:
    """Counts the bytes that pip has received, and keeps each file as soon as it is complete.

    pip deletes its finished files when a later one fails; a hard link preserves them.
    """

    def __init__(self, group: Sequence[PlannedPackage], temporary: Path, downloads: Path) -> None:
        self._expected = {item.locked.file: item.locked.bytes for item in group if item.locked.file}
        self._temporary = temporary
        self._downloads = downloads
        self._seen: dict[str, int] = {}

    def bytes_arrived(self) -> int:
        for path, size in file_sizes(self._temporary):
            if path.suffix != ".whl":
                continue
            self._seen[path.name] = max(size, self._seen.get(path.name, 0))
            kept = self._downloads / path.name
            if size == self._expected.get(path.name) and not kept.exists():
                with contextlib.suppress(OSError):
                    self._keep(path, kept)
        return sum(self._seen.values())

    def _keep(self, path: Path, kept: Path) -> None:
        try:
            os.link(path, kept)
        except OSError:
            if path.parent.name == "wheels":
                path.replace(kept)
