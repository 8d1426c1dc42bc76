# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports Open3D, in this module only: loads its system libraries, silences it and explains missing ones."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from ..core import extras
from ..errors import Mono3DError
from .requirements import OF_POINTS, OPEN3D

_USB = "libusb-1.0.so.0"

_PACKAGES = {
    _USB: ("libusb-1.0-0", "libusb1"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libgomp.so.1": ("libgomp1", "libgomp"),
    "libudev.so.1": ("libudev1", "systemd-libs"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
}
"""System library -> its package in Debian and Ubuntu, and its package in Fedora."""


def load() -> Any:
    """Returns the module `open3d`, which then prints errors only.

    Raises Mono3DError, with the package to install, if Open3D or a system library is missing.
    """
    _preload_usb()
    try:
        library = importlib.import_module(OPEN3D)
    except ModuleNotFoundError as error:
        raise extras.needed(OF_POINTS, error) from error
    except (ImportError, OSError) as error:
        raise Mono3DError(explain(str(error))) from error
    library.utility.set_verbosity_level(library.utility.VerbosityLevel.Error)
    return library


def explain(message: str) -> str:
    """Returns a sentence for the user that explains the failed import of Open3D with the error `message`."""
    if "GLIBC" in message:
        return (
            "Open3D needs a newer system (glibc 2.35, as in Ubuntu 22.04 and Debian 12); use the grid surface instead."
        )
    missing = re.search(r"(lib[\w+.-]+\.so[.\d]*): cannot open", message)
    if missing is None:
        return f"Open3D cannot be loaded ({message}); install Mono3D's packages again."
    name = missing.group(1)
    if name not in _PACKAGES:
        return f"Open3D needs the system library {name}; install the package of your system that holds it."
    debian, fedora = _PACKAGES[name]
    return (
        f"Open3D needs the system library {name}; install the package {debian} (Debian, Ubuntu) or {fedora} (Fedora)."
    )


def _preload_usb() -> None:
    """Loads the libusb of the wheel `libusb-package` if the system has none.

    Open3D links libusb for depth cameras. The dynamic linker reuses a library that is already loaded under the same
    name. The wheel's module is not imported because it needs another package just to find the file.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(_USB, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        found = importlib.util.find_spec("libusb_package")
        for folder in (found.submodule_search_locations or ()) if found else ():
            library = Path(folder) / "libusb-1.0.so"
            if library.is_file():
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
                return
