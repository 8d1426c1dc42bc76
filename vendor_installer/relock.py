# SPDX-License-Identifier: GPL-3.0-or-later
"""Generating lock files: pip selects the files of a component, the index gives their hashes and sizes.

A tool for maintainers (`python -m vendor_installer lock`); users never run it. Hashes are those that the index states
or, for a wheel on this machine, that of the file.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import locks
from .component import Component, Requirement, name_in
from .components import COMPONENTS
from .errors import InstallError
from .indexes import INDEXES, build_label
from .interpreter import probe
from .locks import normalized_name
from .platforms import LINUX, MACOS, WINDOWS
from .wheels import stored_bytes

# Official builds of Blender contain Python 3.11 or 3.13; builds of Linux distributions also use 3.14.
_PYTHONS = {"cp311": (LINUX, WINDOWS, MACOS), "cp313": (LINUX, WINDOWS, MACOS), "cp314": (LINUX,)}


class _RemoteFile(io.RawIOBase):
    """A remote file read by HTTP range requests; a wheel's central directory takes two requests."""

    def __init__(self, url: str) -> None:
        self._url = url
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=60) as answer:
            self.length = int(answer.headers["Content-Length"])
        self._position = 0
        self._start, self._cache = 0, b""

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.length}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.length - self._position)
        if wanted <= 0:
            return 0
        inside = self._position - self._start
        if inside < 0 or inside + wanted > len(self._cache):
            # The central directory lies at the end and is read in small steps, so fetch the end at once.
            start = min(self._position, max(0, self.length - (1 << 20)))
            end = max(self._position + wanted, min(self.length, start + (1 << 20)))
            request = urllib.request.Request(self._url, headers={"Range": f"bytes={start}-{end - 1}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._start, self._cache = start, answer.read()
            inside = self._position - self._start
        buffer[:wanted] = self._cache[inside : inside + wanted]
        self._position += wanted
        return wanted


def _sizes(url: str, component: Component, backend: str) -> tuple[int, int]:
    trims, moves = component.trims_for(backend), component.moves_for(backend)
    if url.startswith("file:"):
        path = Path(urllib.request.url2pathname(urllib.parse.urlparse(url).path))
        with zipfile.ZipFile(path) as archive:
            return path.stat().st_size, stored_bytes(archive, trims, moves)
    remote = _RemoteFile(url)
    with zipfile.ZipFile(remote) as archive:
        return remote.length, stored_bytes(archive, trims, moves)


def _report(requirements: Sequence[str], python_tag: str, platform: str, extra: Sequence[str]) -> list[dict[str, Any]]:
    machine = dataclasses.replace(probe(sys.executable), tag=python_tag, platform=platform, foreign=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--no-deps"]
        command += ["--only-binary", ":all:", "--report", str(report), "--target", str(Path(folder) / "target")]
        command += machine.pip_target()
        done = subprocess.run([*command, *extra, *requirements], capture_output=True, text=True)
        if done.returncode:
            raise InstallError(f"pip found no files for {', '.join(requirements)}: {done.stderr.strip()[-600:]}")
        found: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["install"]
        return found


def _narrowed(found: Sequence[dict[str, Any]], python_tag: str) -> list[str]:
    """Returns the unmet requirements among the found packages (pydantic pins pydantic_core, ...)."""
    from pip._vendor.packaging.requirements import Requirement as Parsed

    versions = {normalized_name(item["metadata"]["name"]): item["metadata"]["version"] for item in found}
    markers = {"python_version": f"{python_tag[2]}.{python_tag[3:]}", "extra": ""}
    bounds = []
    for item in found:
        for text in item["metadata"].get("requires_dist", ()):
            parsed = Parsed(text)
            version = versions.get(normalized_name(parsed.name))
            if version is None or (parsed.marker and not parsed.marker.evaluate(markers)):
                continue
            if not parsed.specifier.contains(version, prereleases=True):
                bounds.append(f"{parsed.name}{parsed.specifier}")
    return bounds


def _resolve(requirements: Sequence[Requirement], python_tag: str, platform: str) -> list[dict[str, Any]]:
    texts = [item.text for item in requirements]
    for _ in range(6):
        # --isolated ignores the maintainer's pip settings, so that the hashes are those of the public index.
        pinned = {name_in(text) for text in texts if "==" in text}
        exact = [text for text in texts if name_in(text) in pinned]
        others = [text for text in texts if text not in exact]
        # pip compares Requires-Python with its own Python, not the target's, so the check is off for exact versions.
        found = _report(exact, python_tag, platform, ["--isolated", "--ignore-requires-python"]) if exact else []
        found += _report(others, python_tag, platform, ["--isolated"]) if others else []
        bounds = _narrowed(found, python_tag)
        if not bounds:
            return found
        texts += bounds
    raise InstallError(f"The requirements conflict: {', '.join(bounds)}.")


def _locked(item: dict[str, Any], component: Component, backend: str, index: str) -> locks.LockedFile:
    url = item["download_info"]["url"]
    size, stored = _sizes(url, component, backend)
    return locks.LockedFile(
        name=item["metadata"]["name"],
        version=item["metadata"]["version"],
        sha256=item["download_info"]["archive_info"]["hashes"]["sha256"],
        file=urllib.parse.unquote(url.rsplit("/", 1)[1]),
        bytes=size,
        stored=stored,
        index=index,
    )


def _unread(requirement: Requirement, component: Component, platform: str, backend: str) -> locks.LockedFile:
    """Returns the line for a file whose index cannot be read, with sizes from another Python's lock or estimates."""
    name, version = requirement.text.split("==")
    version = f"{version}+{build_label(requirement.index)}"
    for sibling in locks.available(component.name):
        if not sibling.endswith(f"-{platform}-{backend}"):
            continue
        lock = locks.load(component.name, sibling.split("-")[1], platform, backend)
        for item in lock.files if lock else ():
            if item.name == name and item.version == version and item.sha256:
                return locks.LockedFile(
                    name, version, None, "", item.bytes, item.stored, requirement.index, sizes_estimated=True
                )
    if requirement.estimated_sizes:
        return locks.LockedFile(
            name, version, None, "", *requirement.estimated_sizes, requirement.index, sizes_estimated=True
        )
    raise InstallError(f"The index '{requirement.index}' cannot be read and no other lock has the size of {name}.")


def _with_files(lock: locks.Lock, files: Sequence[locks.LockedFile]) -> locks.Lock:
    return dataclasses.replace(lock, files=tuple(sorted(files, key=lambda f: f.name.lower())))


def make_lock(component: Component, python_tag: str, platform: str, backend: str) -> locks.Lock:
    """Returns the lock of a component, from the current content of the indexes.

    Files of an index that cannot be read get no hash. Raises InstallError if the standard index has no file for a
    package.
    """
    wanted = [item for item in component.requirements if item.applies(python_tag, platform, backend)]
    standard = [item for item in wanted if not item.index]
    found = _resolve(standard, python_tag, platform)
    files = [_locked(item, component, backend, "") for item in found]
    for requirement in (item for item in wanted if item.index):
        # The local version label excludes the standard index's build, so pip fails if the extra index is unreachable.
        text = f"{requirement.text}+{build_label(requirement.index)}"
        source = ["--extra-index-url", INDEXES[requirement.index], "--retries", "0", "--timeout", "5"]
        try:
            here = _report([text], python_tag, platform, source)
            files += [_locked(item, component, backend, requirement.index) for item in here]
        except InstallError:
            files.append(_unread(requirement, component, platform, backend))
    return _with_files(locks.Lock(component.name, python_tag, platform, backend, ()), files)


def renew(lock: locks.Lock, component: Component, only: Sequence[str]) -> locks.Lock:
    """Returns the lock with new lines for the packages `only`, from the current content of the standard index.

    All other lines stay as they are. A package that the component does not declare for this lock gets no line. Raises
    InstallError if the component never declares one, if one is of another index or on none, or if one needs other
    versions of the packages that stay.
    """
    names = {normalized_name(name) for name in only}
    if unknown := names - {item.name for item in component.requirements}:
        raise InstallError(f"The component '{component.name}' does not declare {', '.join(sorted(unknown))}.")
    wanted = [
        item
        for item in component.requirements
        if item.name in names and item.applies(lock.python_tag, lock.platform, lock.backend)
    ]
    if foreign := sorted(item.name for item in wanted if item.index):
        raise InstallError(f"{', '.join(foreign)}: files of another index are renewed with the whole lock only.")
    kept = [item for item in lock.files if normalized_name(item.name) not in names]
    found = _resolve(wanted, lock.python_tag, lock.platform) if wanted else []
    staying = [{"metadata": {"name": item.name, "version": item.version}} for item in kept]
    if unmet := _narrowed([*found, *staying], lock.python_tag):
        raise InstallError(f"{', '.join(sorted(names))} need {', '.join(unmet)}, which the lock does not have.")
    return _with_files(lock, [*kept, *(_locked(item, component, lock.backend, "") for item in found)])


def all_names() -> tuple[str, ...]:
    """Returns the names of all lock files of the project."""
    return tuple(
        locks.lock_name(component.name, python_tag, platform, backend)
        for component in COMPONENTS.values()
        for python_tag, platforms in _PYTHONS.items()
        for platform in platforms
        for backend in _backends(component, platform)
        if any(item.applies(python_tag, platform, backend) for item in component.requirements)
    )


def _backends(component: Component, platform: str) -> tuple[str, ...]:
    default = component.default_backends[platform]
    fallback = component.fallbacks.get(default, "")
    declared = any(platform in item.platforms and fallback in item.backends for item in component.requirements)
    return (default, *([fallback] if declared else []), *component.graphics_backends.get(platform, ()))
