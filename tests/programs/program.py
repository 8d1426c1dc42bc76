# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender program in a Debian root folder."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

WORK = "/mono3d"

ONE_EDITION = ("full", pytest.param("store", marks=pytest.mark.thorough))
"""Values of the fixture `bare` for what does not depend on the edition."""


@dataclass(frozen=True)
class Program:
    """Blender in the root folder `root`; `work` is a folder in it, whose path inside is WORK.

    profile    folder in `work` of Blender's settings and extensions
    data       folder in `work` of the command line's packages
    is_online  whether there is a network
    """

    root: Path
    profile: str = "resources"
    data: str = "data"
    is_online: bool = True

    @property
    def work(self) -> Path:
        return self.root / WORK.lstrip("/")

    def inside(self, path: Path) -> str:
        """Returns the path of a file below `work` as the program sees it."""
        return "/" + str(path.relative_to(self.root))

    def run(self, *command: str, timeout: float = 300, user: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a command in the Debian and returns its exit code and output."""
        return subprocess.run(
            self.command(*command, user=user),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def command(self, *command: str, user: str = "") -> list[str]:
        """Returns the command that runs `command` in the Debian."""
        settings = [f"HOME={WORK}/home", f"BLENDER_USER_RESOURCES={WORK}/{self.profile}", "LC_ALL=C.UTF-8"]
        settings += [f"MONO3D_DATA={WORK}/{self.data}"]
        chroot = [
            *([] if self.is_online else ["unshare", "--net"]),
            "chroot",
            *([f"--userspec={user}"] if user else []),
            str(self.root),
            "env",
            *settings,
        ]
        return [*chroot, *command]

    def blender(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs Blender without a window."""
        return self.run("blender", "-b", "--python-exit-code", "1", *arguments, timeout=timeout)

    def install_extension(self, archive: Path) -> None:
        """Validates the zip of the extension and installs it, as a user does."""
        checked = self.run("blender", "--command", "extension", "validate", self.inside(archive))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        install = ("extension", "install-file", "-r", "user_default", "--enable", self.inside(archive))
        done = self.run("blender", "--command", *install)
        assert done.returncode == 0, done.stdout + done.stderr

    def with_extension(self, archive: Path, profile: str) -> Program:
        """Returns it with a fresh profile that has the zip of the extension, but no packages, and without a network."""
        one = replace(self, profile=profile, data=f"{profile}/none", is_online=False)
        shutil.rmtree(one.work / profile, ignore_errors=True)
        (one.work / profile).mkdir()
        one.install_extension(archive)
        return one

    def script(
        self, name: str, *arguments: str, options: tuple[str, ...] = (), timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of the scripts here in Blender without a window; `options` are those of Blender."""
        return self.blender(*options, "--python", f"{WORK}/scripts/{name}", "--", *arguments, timeout=timeout)
