# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading pip's configuration of mirrors, proxies and certificates.

Used to download pip itself, the one file that is not downloaded by pip. Environment variables override files, and the
user's file overrides the system's, as described under "Configuration" in pip's documentation.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STANDARD_INDEX = "https://pypi.org/simple"
_GLOBAL_FILE = Path("/etc/pip.conf")


@dataclass(frozen=True)
class PipSettings:
    """pip's settings for package indexes.

    index         address of the package index, without a trailing slash
    no_index      whether indexes are disabled
    proxy         address of the proxy for all requests; empty for the system's
    certificate   file of certificate authorities to trust; empty for the system's
    trusted       hosts (with or without a port) whose certificates are not verified
    """

    index: str = STANDARD_INDEX
    no_index: bool = False
    proxy: str = ""
    certificate: str = ""
    trusted: frozenset[str] = frozenset()


def pip_settings() -> PipSettings:
    """Returns the settings from pip's configuration files and variables; files that cannot be read are ignored."""
    values: dict[str, str] = {}
    for path in _files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue
        for section in ("global", "download"):
            if parser.has_section(section):
                values |= {name.replace("_", "-"): value or "" for name, value in parser.items(section)}
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            values[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return PipSettings(
        index=(values.get("index-url") or STANDARD_INDEX).rstrip("/"),
        no_index=values.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t"),
        proxy=values.get("proxy", ""),
        certificate=values.get("cert", ""),
        trusted=frozenset(values.get("trusted-host", "").split()),
    )


def _files() -> Iterator[Path]:
    """Yields pip's configuration files; later ones override earlier ones."""
    chosen = os.environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        yield Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "pip" / "pip.ini"
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip/pip.conf")
        for folder in reversed(os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
            yield Path(folder) / "pip" / "pip.conf"
        yield _GLOBAL_FILE
        yield home / ".pip" / "pip.conf"
        yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    yield Path(sys.prefix) / ("pip.ini" if sys.platform == "win32" else "pip.conf")
    if chosen:
        yield Path(chosen)
