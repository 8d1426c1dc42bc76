# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user or an administrator has told pip about mirrors, proxies and certificates.

For the one file that is fetched without pip: pip itself. Variables go before files, the user's file before the
system's, as pip's documentation has it under "Configuration".
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STANDARD_INDEX = "https://pypi.org/simple"
_OF_THE_MACHINE = Path("/etc/pip.conf")


@dataclass(frozen=True)
class PipSettings:
    """How pip would reach an index.

    index         address of the package index, without a slash at the end
    no_index      whether indexes are switched off
    proxy         address of a proxy for everything; empty: the system's
    certificate   file of the authorities to trust; empty: the system's
    trusted       hosts (with or without a port) whose certificates are not looked at
    """

    index: str = STANDARD_INDEX
    no_index: bool = False
    proxy: str = ""
    certificate: str = ""
    trusted: frozenset[str] = frozenset()


def pip_settings() -> PipSettings:
    """Returns what pip's files and variables say; a file that cannot be read says nothing."""
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
    """Yields pip's configuration files, those that count less first."""
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
        yield _OF_THE_MACHINE
        yield home / ".pip" / "pip.conf"
        yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    yield Path(sys.prefix) / ("pip.ini" if sys.platform == "win32" else "pip.conf")
    if chosen:
        yield Path(chosen)
