# SPDX-License-Identifier: GPL-3.0-or-later
"""The text for bug reports: machine, Python, pip, installed components, end of the log."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from .errors import InstallError
from .folders import Folders, existing_parent, file_sizes, size_text
from .graphics import detect
from .interpreter import probe
from .manifest import find_all
from .upkeep import leftovers

_LOG_LINES = 15

_POISSON_WARNING = re.compile(r"^\[WARNING\] .*PoissonRecon.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
"""Harmless warnings of Open3D's Poisson reconstruction during the smoke test, with their indented lines."""


def doctor(data_folder: Path, python: str = sys.executable) -> str:
    """Returns the report. It names environment variables without their values, which may hold addresses or secrets."""
    folders = Folders(data_folder)
    lines = [f"System: {platform.platform()}", f"Data folder: {data_folder}"]
    try:
        found = probe(python)
        glibc = f", glibc {'.'.join(map(str, found.glibc))}" if found.glibc else ""
        number = ".".join(map(str, found.pip_version))
        pip = f"pip {number}" if found.has_pip else f"bundled pip {number}" if found.pip_wheel else "NO pip"
        platform_text = found.platform or f"no packages for {found.machine}"
        lines.append(f"Python: {found.version} ({found.tag}, {platform_text}{glibc}), {pip}, {python}")
        graphics = detect(found.platform)
        lines.append(f"Graphics: {graphics.text}" + (f" ({graphics.problem})" if graphics.problem else ""))
    except InstallError as error:
        lines.append(f"Python: {error}")
    lines.append(f"Free space: {size_text(shutil.disk_usage(existing_parent(data_folder)).free)}")
    named = sorted(name for name in os.environ if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY"))
    lines.append(f"Set variables: {', '.join(named) or 'none'}")
    installed = find_all(data_folder)
    lines.append(f"Installed: {len(installed) or 'nothing'}")
    for item in installed:
        pinned = "all files pinned" if item.hashes_complete else "some files not pinned by a hash"
        lines.append(f"  {item.name}: {size_text(item.stored_bytes)}, {item.installed_at}, {pinned}")
        lines.append("    " + ", ".join(f"{name} {version}" for name, version in sorted(item.versions.items())))
        if item.system:
            lines.append(
                "    provided by this Python: "
                + ", ".join(f"{name} {version}" for name, version in item.system.items())
            )
    for path in leftovers(folders):
        size = sum(count for _, count in file_sizes(path)) if path.is_dir() else 0
        lines.append(f"Waiting to be removed: {path}, {size_text(size)}")
    if folders.log.is_file():
        lines.append(f"End of {folders.log}:")
        log = _POISSON_WARNING.sub("", folders.log.read_text("utf-8", "replace"))
        lines += [f"  {line}" for line in log.splitlines()[-_LOG_LINES:]]
    return "\n".join(lines)
