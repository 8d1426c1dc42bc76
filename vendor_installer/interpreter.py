# SPDX-License-Identifier: GPL-3.0-or-later
"""Querying an interpreter: version, platform, pip and packages."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from .environment import child_environment
from .errors import InstallError
from .platforms import LINUX, MACOS, PLATFORM_TAGS, WINDOWS

# Runs in the other interpreter, so it can import the standard library only.
_PROBE = """
import glob, importlib.metadata, importlib.util, json, os, platform, sys
bundled = importlib.util.find_spec("ensurepip")
wheels = []
if bundled:
    wheels = glob.glob(os.path.join(list(bundled.submodule_search_locations)[0], "_bundled", "pip-*.whl"))
versions = {}
for name in ["pip", *sys.argv[1:]]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps({
    "tag": {"CPython": "cp"}.get(platform.python_implementation(), "other") + "%d%d" % sys.version_info[:2],
    "version": platform.python_version(),
    "system": platform.system(),
    "machine": platform.machine().lower(),
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "glibc": platform.libc_ver()[1] if platform.libc_ver()[0] == "glibc" else "",
    "pip": importlib.util.find_spec("pip") is not None,
    "pip_wheel": wheels[0] if wheels else "",
    "versions": versions,
}))
"""

_PLATFORMS = {
    ("Linux", "x86_64"): LINUX,
    ("Windows", "amd64"): WINDOWS,
    ("Darwin", "arm64"): MACOS,
}


@dataclass(frozen=True)
class Interpreter:
    """A Python and its machine.

    tag           Python tag of wheels, such as cp311
    platform      one of `platforms`; empty if there are no packages for it
    machine       system and processor, for messages
    glibc         version of the C library on Linux; () elsewhere
    has_pip       whether pip is installed
    pip_wheel     wheel or folder of a pip to use instead; empty if there is none
    versions      name -> version of the requested packages that the interpreter provides itself
    pip_version   version of the pip that is used; () without one
    foreign       whether tag and platform are those of another machine, for which files can only be downloaded
    """

    executable: str
    tag: str
    version: str
    platform: str
    machine: str
    glibc: tuple[int, ...]
    has_pip: bool
    pip_wheel: str
    versions: dict[str, str]
    pip_version: tuple[int, ...] = ()
    foreign: bool = False

    def pip_target(self) -> list[str]:
        """Returns the options that make pip select another machine's files; none for this machine."""
        if not self.foreign:
            return []
        tags = [part for tag in PLATFORM_TAGS[self.platform] for part in ("--platform", tag)]
        abis = [part for abi in (self.tag, "abi3", "none") for part in ("--abi", abi)]
        return ["--implementation", "cp", "--python-version", f"{self.tag[2]}.{self.tag[3:]}", *abis, *tags]


def foreign(base: Interpreter, tag: str, platform: str, glibc: tuple[int, ...]) -> Interpreter:
    """Returns the interpreter of another machine, for downloading its files with the pip of `base`.

    Raises InstallError if the tag or the platform is unknown.
    """
    if not re.fullmatch(r"cp3\d+", tag) or platform not in PLATFORM_TAGS:
        raise InstallError(
            f"There is no machine with '{tag}' and '{platform}': give a Python tag such as cp311 and one of the "
            f"platforms {', '.join(PLATFORM_TAGS)}."
        )
    if (tag, platform) == (base.tag, base.platform):
        return base
    version = f"{tag[2]}.{tag[3:]}"
    return dataclasses.replace(
        base, tag=tag, version=version, platform=platform, machine=platform, glibc=glibc, versions={}, foreign=True
    )


def probe(executable: str, packages: tuple[str, ...] = ()) -> Interpreter:
    """Returns the description of the interpreter `executable`, which runs as a child process (about 0.1 s).

    `packages` are names whose versions are wanted. Raises InstallError if it cannot be run.
    """
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    try:
        done = subprocess.run(
            [executable, "-I", "-c", _PROBE, *packages],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            **options,
        )
        found = json.loads(done.stdout.strip().rpartition("\n")[2])  # a sitecustomize may print first
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"The Python '{executable}' did not answer within a minute: try again.") from error
    except OSError as error:
        raise InstallError(
            f"The Python '{executable}' cannot be run ({error.strerror or error}): check the path."
        ) from error
    except ValueError as error:
        raise InstallError(f"'{executable}' is not a Python interpreter: check the path.") from error
    platform = _PLATFORMS.get((found["system"], found["machine"]), "") if found["bits"] == 64 else ""
    if platform == LINUX and not found["glibc"]:
        platform = ""
    installed = found["versions"].pop("pip", "") if found["pip"] else ""
    bundled = re.search(r"pip-([\d.]+)-", found["pip_wheel"])
    return Interpreter(
        executable=executable,
        tag=found["tag"],
        version=found["version"],
        platform=platform,
        machine=f"{found['system']} {found['machine']} {found['bits']}-bit"
        + ("" if found["glibc"] or found["system"] != "Linux" else " without glibc"),
        glibc=tuple(int(part) for part in found["glibc"].split(".")[:2] if part.isdigit()),
        has_pip=found["pip"],
        pip_wheel=found["pip_wheel"],
        versions=found["versions"],
        pip_version=_numbers(installed or (bundled[1] if bundled and not found["pip"] else "")),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
