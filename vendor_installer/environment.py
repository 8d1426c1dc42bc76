# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables of the installer's child processes."""

from __future__ import annotations

import os
from pathlib import Path

# Mirrors, certificates and proxies of users and administrators. Other variables of pip (PIP_USER, PIP_TARGET,
# PIP_NO_BINARY, ...) change what is installed or where, and are removed.
_KEPT_PIP_VARIABLES = frozenset(
    {
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_CONFIG_FILE",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_KEYRING_PROVIDER",
        "PIP_NO_INDEX",
        "PIP_PROXY",
        "PIP_RETRIES",
        "PIP_TIMEOUT",
        "PIP_TRUSTED_HOST",
    }
)


def child_environment(temporary: Path | None = None) -> dict[str, str]:
    """Returns the variables for a child process: without the user's Python settings, with proxies and mirrors.

    `temporary` is the folder for the child's temporary files.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PYTHON", "PIP_")) or name.upper() in _KEPT_PIP_VARIABLES
    }
    # These override the user's pip configuration, which would make pip refuse the download.
    kept |= {"PYTHONNOUSERSITE": "1", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
    if temporary is not None:
        # pip runs rustc, which may be rustup's launcher and then creates a folder in the home folder. Blender creates
        # thumbnail folders in the desktop's cache, and would load the user's add-ons.
        elsewhere = ("TMPDIR", "TEMP", "TMP", "RUSTUP_HOME", "XDG_CACHE_HOME", "BLENDER_USER_RESOURCES")
        kept |= {name: str(temporary) for name in elsewhere}
    return kept
