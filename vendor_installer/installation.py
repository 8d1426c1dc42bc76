# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: download, verify, unpack, run the smoke test, replace the old packages."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import manifest, wheels
from .downloading import download, sha256_of
from .errors import InstallCancelled, InstallError, from_os_error
from .folders import Folders, file_sizes, remove_tree, size_text
from .install_lock import exclusive
from .manifest import Installed
from .planning import plan_with_network
from .plans import Plan
from .smoke import run_smoke_test
from .upkeep import STAGING, deactivate_other_backends, remove_leftovers
from .use import MARK, PACKAGES
from .wheelhouse import fill

Progress = Callable[[str, float], None]

_UNPACKED, _TESTED = 0.9, 0.99
"""Progress, 0..1, after unpacking and after the smoke test."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _never() -> bool:
    return False


def bundle(
    plan: Plan,
    folder: Path,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = _never,
) -> int:
    """Downloads all files of a plan into a wheelhouse, from which `plan` installs on a machine without a network.

    Files that are in the folder already are kept. Returns the number of the plan's files.
    Raises InstallCancelled, InstallError with the cause and remedy.
    """
    folders = Folders(plan.data_folder)
    total = max(1, plan.download_bytes)

    def fetched(stage: str, count: int) -> None:
        progress(stage, min(count, total) / total)

    try:
        with exclusive(folders.install_lock):
            folders.rotate_log()
            files = download(plan, allow_network=True, on_progress=fetched, cancelled=cancelled)
            fill(folder, files.values(), lambda wheel: sha256_of(wheel, cancelled))
            folders.discard(folders.downloads, folders.temporary)
            return len(files)
    except OSError as error:
        raise from_os_error(error, folders.log) from error


def install(
    plan: Plan,
    *,
    allow_network: bool,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = _never,
    repair: bool = False,
    keep_downloads: bool = False,
) -> Installed:
    """Carries out a plan and returns what is installed. Does nothing if it is installed already, unless `repair`.

    `progress` gets a description of the stage and the fraction done, 0..1, ten times a second, from this thread;
    `cancelled` is called as often. On any failure the previous installation stays in use.
    Raises InstallCancelled, InstallError with the cause and remedy.
    """
    if plan.interpreter.foreign:
        raise InstallError("This plan is for another machine: bundle it, and install from the bundle there.")
    folders = Folders(plan.data_folder)
    try:
        with exclusive(folders.install_lock):
            folders.rotate_log()
            current = manifest.read(plan.target)
            if current is not None and current.lock_digest == plan.digest and not repair:
                deactivate_other_backends(current, folders)  # an earlier run may have been killed before this
                return current
            remove_leftovers(folders)
            remove_tree(folders.temporary)
            if allow_network and not plan.sources_checked:
                progress("Querying the package indexes", 0.0)
                plan = plan_with_network(plan)
                for note in plan.notes:
                    progress(note, 0.0)
            installed = _Run(plan, folders, progress, cancelled).carry_out(allow_network)
            folders.discard(folders.temporary, *(() if keep_downloads else (folders.downloads,)))
            deactivate_other_backends(installed, folders)
            remove_leftovers(folders)
            return installed
    except OSError as error:
        raise from_os_error(error, folders.log) from error


@dataclass(frozen=True)
class _Run:
    """One run of an installation. In its progress, a downloaded byte counts as much as an unpacked one."""

    plan: Plan
    folders: Folders
    progress: Progress
    cancelled: Callable[[], bool]

    def carry_out(self, allow_network: bool) -> Installed:
        started = time.monotonic()
        plan = self.plan
        total = max(1, plan.download_bytes + plan.stored_bytes)

        def fetched(stage: str, count: int) -> None:
            self.progress(stage, _UNPACKED * min(count, plan.download_bytes) / total)

        files = download(plan, allow_network=allow_network, on_progress=fetched, cancelled=self.cancelled)
        staging = plan.target / f"{STAGING}{secrets.token_hex(4)}"
        staging.mkdir(parents=True)
        try:
            sizes = self._unpack(files, staging, total)
            self.progress("Testing the packages (may take a minute)", _UNPACKED)
            run_smoke_test(plan.component.smoke, staging, plan.interpreter, plan.backend, self.folders, self.cancelled)
            if self.cancelled():
                raise InstallCancelled
            self.progress("Activating the packages", _TESTED)
            (staging / MARK).touch()
            packages = plan.target / f"{PACKAGES}{plan.digest[:8]}-{secrets.token_hex(2)}"
            staging.rename(packages)
        except BaseException:
            remove_tree(staging)
            raise
        installed = Installed(
            component=plan.component.name,
            python_tag=plan.lock.python_tag,
            platform=plan.lock.platform,
            backend=plan.backend,
            packages=packages,
            lock_digest=plan.digest,
            hashes_complete=all(item.hashed for item in plan.packages),
            versions={item.name: item.version for item in plan.packages},
            system=dict(plan.system),
            files=sizes,
            stored_bytes=sum(size for _, size in file_sizes(packages)),
            seconds=round(time.monotonic() - started, 1),
            installed_at=_now().isoformat(timespec="milliseconds"),
        )
        manifest.write(installed)
        self.progress(f"Installed {plan.component.name}", 1.0)
        return installed

    def _unpack(self, files: dict[str, Path], staging: Path, total: int) -> dict[str, int]:
        """Unpacks every wheel; returns the number of bytes per package."""
        plan = self.plan
        done = 0
        reported_at = 0.0
        sizes: dict[str, int] = {}
        for number, item in enumerate(plan.packages, 1):

            def on_bytes(count: int, item: str = f"{item.name} {item.version}", number: int = number) -> None:
                nonlocal done, reported_at
                done += count
                if self.cancelled():
                    raise InstallCancelled
                if time.monotonic() - reported_at > 0.1:
                    reported_at = time.monotonic()
                    amount = f"{size_text(done)} of {size_text(plan.stored_bytes)}"
                    stage = f"Unpacking {item} ({number} of {len(plan.packages)}): {amount}"
                    self.progress(stage, _UNPACKED * min(1.0, (plan.download_bytes + done) / total))

            trims, moves = plan.component.trims_for(plan.backend), plan.component.moves_for(plan.backend)
            sizes[item.name] = wheels.unpack(files[item.name], staging, trims, on_bytes, moves)
        return sizes
