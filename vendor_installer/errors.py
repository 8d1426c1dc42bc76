# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of an installation, and the translation of other programs' output into cause and remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


class InstallError(Exception):
    """One sentence for the user: what happened and what to do. `details` holds the last lines of the log."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class InstallCancelled(InstallError):
    """The user stopped the installation."""

    def __init__(self) -> None:
        super().__init__("Cancelled; installed packages are unchanged, and finished downloads are kept.")


@dataclass(frozen=True)
class Translation:
    """A regular expression for a program's output, and the sentence for the user if it matches."""

    pattern: str
    message: str


TRANSLATIONS = (
    Translation(
        r"no space left on device|not enough space on the disk|WinError 112|Errno 28|disk quota exceeded",
        "The disk is full: free some space, or choose another data folder, and install again.",
    ),
    Translation(
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|certificate verify failed",
        "The server's certificate is not trusted, perhaps because of a company proxy or a wrong clock: set the "
        "environment variable PIP_CERT to your organisation's certificate file and check the date.",
    ),
    Translation(
        r"DO NOT MATCH THE HASHES|hash mismatch|HashMismatch",
        "A downloaded file is not the one that was pinned, because the download was damaged or a mirror serves "
        "another file: install again, and if that does not help, use the standard package index.",
    ),
    Translation(
        r"ProxyError|Cannot connect to proxy|407 Proxy Authentication",
        "The proxy refuses the connection: check the environment variables HTTPS_PROXY and NO_PROXY.",
    ),
    Translation(
        r"Read timed out|ReadTimeout|ConnectTimeout|IncompleteRead|Connection broken|Connection reset|"
        r"RemoteDisconnected|Connection aborted|incomplete-download|enough bytes \(",
        "The connection broke off while downloading: install again, finished downloads are kept.",
    ),
    Translation(
        r"Name or service not known|Temporary failure in name resolution|getaddrinfo failed|"
        r"Network is unreachable|NewConnectionError|Connection refused|nodename nor servname",
        "The package index cannot be reached: check the internet connection, or the mirror named in pip's "
        "configuration.",
    ),
    Translation(
        r"\b(401|403|404) (Client )?(Error|Not Found|Forbidden|Unauthorized)",
        "The package index refused a file: check the mirror and its credentials in pip's configuration.",
    ),
    Translation(
        r"Could not find a version|No matching distribution found|is not a supported wheel on this platform",
        "A package is not offered for this Python and system: use Python 3.11 or 3.13 on 64-bit Linux "
        "(glibc 2.35 or newer), Windows or Apple silicon, and check the mirror named in pip's configuration.",
    ),
    Translation(
        r"WinError (5|32)\b|being used by another process",
        "A file is in use by another program: close other Blender windows and install again.",
    ),
    Translation(
        r"WinError 126.*|c10\.dll|vcruntime140",
        "Windows lacks the Visual C++ runtime: install Microsoft's 'Visual C++ Redistributable' for x64 and try again.",
    ),
    Translation(
        r"Permission denied|Errno 13|Read-only file system|Errno 30|Access is denied",
        "The data folder cannot be written to: choose another one, or change its permissions.",
    ),
    Translation(
        r"libusb-1\.0",
        "Open3D needs the library libusb-1.0: install the system package libusb-1.0-0 and try again.",
    ),
    Translation(
        r"GLIBC_2\.\d+' not found|GLIBCXX_[\d.]+' not found",
        "The system's C library is too old for these packages: glibc 2.35 or newer is needed, as in Ubuntu 22.04 or "
        "Debian 12.",
    ),
    Translation(
        r"lib(GL|EGL|X11|Xrender|Xxf86vm|Xfixes|Xi|xkbcommon|SM|ICE|Xext|gomp)\.so[.\d]*: cannot open shared object",
        "A system library is missing: install the packages libgl1 libegl1 libgomp1 libx11-6 libxrender1 libxxf86vm1 "
        "libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libxext6 (Debian's names) and try again.",
    ),
    Translation(
        r"no kernel image is available",
        "The installed CUDA build does not support this graphics card: install again with the backend 'cpu'.",
    ),
    Translation(
        r"NVIDIA driver on your system is too old|driver version is insufficient|Found no NVIDIA driver|"
        r"no CUDA-capable device|No HIP GPUs|No CUDA GPUs are available|not compiled with (CUDA|XPU) enabled|"
        r"No XPU devices are available|libze_loader",
        "The packages for the graphics card do not find it: install the manufacturer's latest driver, or install "
        "again with the backend 'cpu'.",
    ),
    Translation(
        r"torchvision::nms does not exist",
        "torch and torchvision come from different indexes and are incompatible: uninstall and install again.",
    ),
    Translation(
        r"MemoryError|Cannot allocate memory|out of memory|Errno 12\b",
        "There is not enough memory: close other programs and install again.",
    ),
)
"""The first match wins, so more specific patterns come first."""


def translate(text: str, log: Path | None = None) -> InstallError:
    """Returns the error for the output `text` of a failed program.

    If no translation matches, the message has the last lines of the output and the path of the log, if given.
    """
    details = "\n".join(text.strip().splitlines()[-12:])
    for item in TRANSLATIONS:
        if re.search(item.pattern, text, re.IGNORECASE):
            return InstallError(item.message, details)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    reason = " / ".join(lines[-3:]) if lines else "no output"
    where = f" (full log: {log})" if log else ""
    return InstallError(f"The installation failed: {reason}{where}.", details)


def from_os_error(error: OSError, log: Path | None = None) -> InstallError:
    """Returns the error for a failed file operation."""
    text = f"[Errno {error.errno}] {error.strerror or error}: {error.filename or ''}"
    if getattr(error, "winerror", None):
        text = f"[WinError {error.winerror}] {text}"  # type: ignore[attr-defined,unused-ignore]
    return translate(text, log)
