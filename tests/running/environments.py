# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up what the tests need: virtual environments, the product's packages, a Chromium, Debians with Blender."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("MONO3D_TEST_ENVIRONMENTS") or ROOT / ".environments").resolve()
DATA = HOME / "data"
WHEELHOUSE = HOME / "wheelhouse"

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CORE_COMPONENTS = ("worker", "scene", "web")
IMPORTED_COMPONENTS = ("worker", "web")
"""The components that the core's tests import."""

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")

DEBIAN_PACKAGES = [
    "blender",
    "python3-numpy",
    "python3-cattr",
    "python3-requests",
    "python3-zstandard",
    "python3-pip",
    "python3-venv",
    "python3-torch",
    "python3-torchvision",
    "xvfb",
    "xdotool",
    "imagemagick",
    "x11-utils",
    "libgl1-mesa-dri",
    "libegl1",
    "libgl1",
    "libglx-mesa0",
    "libegl-mesa0",
    "xauth",
]


_APT = threading.Lock()
_INSTALLER = threading.Lock()


class LeftOut(Exception):
    """This machine cannot offer a part; the text says why."""


def call(command: Sequence[str]) -> None:
    """Runs a step of the set-up in the repository; its output is shown only when it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # In one piece: tests may be writing at the same time.
    print(f"  $ {' '.join(command)[:150]}  ({time.monotonic() - began:.0f} s)\n", end="", flush=True)
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        raise SystemExit(f"setting up the tests failed: {' '.join(command)[:200]}")


def make_environment(folder: Path, python: str, requirements: Sequence[str]) -> Path:
    """Returns the Python of a virtual environment with the requirements, made where it is missing or outdated."""
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "requirements.txt", "\n".join(requirements)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    if python == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        call([python, "-m", "venv", str(folder)])
    call([str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    stamp.write_text(wanted, encoding="utf-8")
    return inside


def make_folder(folder: Path, python: str, requirements: Sequence[str]) -> Path:
    """Returns a folder for PYTHONPATH with packages for a Python, without their dependencies."""
    stamp, wanted = folder / "requirements.txt", "\n".join(requirements)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder)]
        call([python, "-m", "pip", "install", *options, *requirements])
        stamp.write_text(wanted, encoding="utf-8")
    return folder


def find_python(version: str) -> str:
    """Returns a Python of the version, such as "3.13": this one, one on the path, or one of pyenv's."""
    if version == THIS_PYTHON:
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    pyenv = os.environ.get("PYENV_ROOT")
    candidates += sorted(str(path) for path in Path(pyenv or "/nowhere").glob(f"versions/{version}.*/bin/python"))
    for candidate in candidates:
        # A shim of pyenv is found but may not run.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    raise LeftOut(f"there is no Python {version} here")


def vendor_installer(command: str, *arguments: str) -> None:
    """Runs the product's installer on DATA; two at a time would be refused."""
    with _INSTALLER:
        call([sys.executable, "-m", "vendor_installer", command, "--data-folder", str(DATA), *arguments])


def install_product(environment: Path) -> None:
    """Installs CORE_COMPONENTS from the network with the product's installer, for the tests in `environment`.

    The downloaded files are kept for the wheelhouse.
    """
    vendor_installer("install", "--keep-downloads", *CORE_COMPONENTS)
    code = "import sys, vendor_installer; from pathlib import Path\n"
    code += "print(vendor_installer.find(sys.argv[2], Path(sys.argv[1])).packages)"
    for component in IMPORTED_COMPONENTS:
        command = [sys.executable, "-c", code, str(DATA), component]
        found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        # A .pth file, unlike PYTHONPATH, also holds for the isolated children that the tests start.
        place = next(site_packages(environment)) / f"{component}.pth"
        place.write_text(str(linked(Path(found.stdout.strip()), environment / component)), encoding="utf-8")


def site_packages(environment: Path) -> Iterator[Path]:
    """Yields the folder of a virtual environment that holds its packages."""
    yield from environment.glob("lib/python*/site-packages")
    yield from environment.glob("Lib/site-packages")


def linked(packages: Path, folder: Path) -> Path:
    """Returns another path of `packages`, whose name tells hypothesis that these are installed packages.

    It searches all modules outside a "site-packages" for constants, which takes 40 s for torch's.
    """
    if os.name == "nt":
        return packages  # links need a special right there
    link = folder / "site-packages"
    folder.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(packages, target_is_directory=True)
    return link


def make_wheelhouse() -> Path:
    """Returns the wheelhouse for this Python, bundled once, from what `install_product` has downloaded."""
    done = WHEELHOUSE / f"made-{THIS_PYTHON}"
    digest = ",".join(sorted(path.name for path in (DATA / "environments").glob("worker-*/packages-*")))
    if not done.exists() or done.read_text(encoding="utf-8") != digest:
        vendor_installer("bundle", "worker", "-o", str(WHEELHOUSE))
        done.write_text(digest, encoding="utf-8")
    return WHEELHOUSE


def apt_install(*packages: str) -> None:
    """Installs Debian packages on this machine; two calls at a time would be refused."""
    with _APT:
        call(["apt-get", "update", "-qq"])
        call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])


def find_chromium() -> str:
    """Returns the path of a Chromium, installed where this is Debian and we are root."""
    if found := next(filter(None, map(shutil.which, CHROMIUMS)), None):
        return found
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LeftOut("there is no Chromium here, and installing it needs root on Debian")
    try:
        # The fonts of the page's texts; Chromium recommends far more than a headless one needs.
        apt_install("chromium", "fonts-dejavu-core")
    except SystemExit as failure:
        raise LeftOut(str(failure)) from failure
    if found := shutil.which("chromium"):
        return found
    raise LeftOut("apt-get installed no Chromium")


def find_proxy(name: str) -> str:
    """Returns the path of nginx or Caddy, unpacked from Debian's package where it is not installed.

    It is not installed, because Debian would start it as a service. Raises LeftOut with a reason.
    """
    unpacked = HOME / "proxies" / name
    places = os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/sbin", *(str(unpacked / f"usr/{d}bin") for d in ("s", ""))]
    )
    if found := shutil.which(name, path=places):
        return found
    if os.name == "nt" or shutil.which("apt-get") is None or os.geteuid() != 0:
        raise LeftOut(f"there is no {name} here, and unpacking it needs root on Debian")
    unpacked.mkdir(parents=True, exist_ok=True)
    try:
        with _APT:
            call(["apt-get", "update", "-qq"])
            call(["sh", "-c", f"cd '{unpacked}' && apt-get download -qq {name} && dpkg -x {name}_*.deb ."])
    except SystemExit as failure:
        raise LeftOut(str(failure)) from failure
    if found := shutil.which(name, path=places):
        return found
    raise LeftOut(f"Debian's package has no {name}")


def make_debian(release: str) -> Path:
    """Returns the root folder of a small Debian with Blender, made where it is missing."""
    root = HOME / f"debian-{release}"
    done = root / "made-by-mono3d"
    if done.exists():
        return root
    if os.name == "nt" or os.geteuid() != 0:
        raise LeftOut("making a Debian of its own needs root")
    if shutil.which("debootstrap") is None:
        if shutil.which("apt-get") is None:
            raise LeftOut("there is no debootstrap here")
        apt_install("debootstrap")
    shutil.rmtree(root, ignore_errors=True)
    call(["debootstrap", "--variant=minbase", "--include=ca-certificates", release, str(root)])
    (root / "etc/apt/apt.conf.d/99novalid").write_text('Acquire::Check-Valid-Until "false";\n', encoding="utf-8")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, root / "etc/ssl/certs/ca-certificates.crt")
    call(["chroot", str(root), "apt-get", "update", "-qq"])
    # Made anew if anything goes wrong, so nothing needs to be flushed to the disk.
    unsafe = ["-o", "Dpkg::Options::=--force-unsafe-io"]
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *unsafe, *DEBIAN_PACKAGES]
    call(["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", *install])
    call(["chroot", str(root), "apt-get", "clean"])
    done.write_text(release, encoding="utf-8")
    return root
