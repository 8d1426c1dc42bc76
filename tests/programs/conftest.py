# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender program in a Debian of its own, with the built extension and the installed packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
NAMED = os.environ.get("MONO3D_BLENDER_ROOT", "")
WORK = "/mono3d"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks everything here, and leaves it out where there is no Debian with Blender."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("binary")
            if not NAMED:
                item.add_marker(pytest.mark.skip(reason="no Blender program (run 'python3 tests/run.py')"))


@dataclass(frozen=True)
class Program:
    """Blender in the folder `root`; `work` is a folder in it that both sides see, inside it is called WORK."""

    root: Path

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
        settings = [f"HOME={WORK}/home", f"BLENDER_USER_RESOURCES={WORK}/resources", "LC_ALL=C.UTF-8"]
        settings += [f"MONO3D_DATA={WORK}/data"]
        chroot = ["chroot", *([f"--userspec={user}"] if user else []), str(self.root), "env", *settings]
        return [*chroot, *command]

    def blender(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs Blender without a window."""
        return self.run("blender", "-b", "--python-exit-code", "1", *arguments, timeout=timeout)

    def script(
        self, name: str, *arguments: str, options: tuple[str, ...] = (), timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of our scripts in Blender without a window; `options` are Blender's own."""
        return self.blender(*options, "--python", f"{WORK}/scripts/{name}", "--", *arguments, timeout=timeout)


@pytest.fixture(scope="session")
def bare() -> Iterator[Program]:
    """Blender with the repository copied beside it and the worker's packages installed by our own installer."""
    program = Program(Path(NAMED))
    for name in ("home", "resources", "scripts", "repository", "out"):
        shutil.rmtree(program.work / name, ignore_errors=True)
    for name in ("home", "resources", "out"):
        (program.work / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree(SCRIPTS, program.work / "scripts")
    kept = ("mono3d_addon", "vendor_installer", "blender_manifest.toml", "__init__.py", "LICENSE", "README.md")
    for name in kept:
        source, target = ROOT / name, program.work / "repository" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copytree(ROOT / "tests" / "photos", program.work / "repository" / "tests" / "photos")
    install = "cd /mono3d/repository && exec python3 -m vendor_installer install worker"
    done = program.run("sh", "-c", f"{install} --data-folder {WORK}/data --system torch,torchvision", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    yield program


@pytest.fixture(scope="session")
def program(bare: Program) -> Program:
    """The same with the extension built and installed, as a user does it."""
    subprocess.run([sys.executable, "-m", "mono3d_addon.build", "-o", str(bare.work / "dist")], cwd=ROOT, check=True)
    archive = next((bare.work / "dist").glob("mono3d-*.zip"))
    checked = bare.run("blender", "--command", "extension", "validate", bare.inside(archive))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    install = ("extension", "install-file", "-r", "user_default", "--enable", bare.inside(archive))
    done = bare.run("blender", "--command", *install)
    assert done.returncode == 0, done.stdout + done.stderr
    return bare
