# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be known of an interpreter before packages are chosen for it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from .components import LINUX, MACOS, WINDOWS
from .environment import child_environment
from .errors import InstallError

# Runs in the other interpreter, so it must not use anything of ours.
_PROBE = """
import glob, importlib.metadata, importlib.util, json, os, platform, sys
bundled = importlib.util.find_spec("ensurepip")
wheels = []
if bundled:
    wheels = glob.glob(os.path.join(list(bundled.submodule_search_locations)[0], "_bundled", "pip-*.whl"))
versions = {}
for name in sys.argv[1:]:
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
    """A Python and the machine below it. `platform` is empty where nothing is offered for it.

    `versions` holds those of the asked-for packages that the interpreter offers by itself.
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


def probe(executable: str, packages: tuple[str, ...] = ()) -> Interpreter:
    """Returns what `executable` is, by asking it in a child process (about 0.1 s).

    Raises InstallError when it cannot be run.
    """
    try:
        done = subprocess.run(
            [executable, "-I", "-c", _PROBE, *packages],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise InstallError(f"The Python '{executable}' cannot be run ({error}): check the path.") from error
    platform = _PLATFORMS.get((found["system"], found["machine"]), "") if found["bits"] == 64 else ""
    if platform == LINUX and not found["glibc"]:
        platform = ""
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
    )
