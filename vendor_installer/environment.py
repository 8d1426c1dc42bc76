# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables that child processes of the installation get."""

from __future__ import annotations

import os
from pathlib import Path

# What users and administrators set to name their mirrors, certificates and proxies. Everything else that pip
# would read (PIP_USER, PIP_TARGET, PIP_NO_BINARY, ...) changes what is installed or where, and is left out.
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
    """Returns the variables for a child process: no Python settings of the user's, proxies and mirrors kept.

    `temporary` is where the child puts its temporary files.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PYTHON", "PIP_")) or name.upper() in _KEPT_PIP_VARIABLES
    }
    # A user's pip configuration may ask for these; here they would only make pip refuse.
    kept |= {"PYTHONNOUSERSITE": "1", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
    if temporary is not None:
        # pip asks rustc for its version, and the launcher that rustup puts in its place makes a folder at home.
        # Blender makes folders for thumbnails in the desktop's cache, and would load the user's own add-ons.
        elsewhere = ("TMPDIR", "TEMP", "TMP", "RUSTUP_HOME", "XDG_CACHE_HOME", "BLENDER_USER_RESOURCES")
        kept |= {name: str(temporary) for name in elsewhere}
    return kept
