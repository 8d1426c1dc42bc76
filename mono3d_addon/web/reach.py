# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can reach an address that the server listens on."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tells whether only this computer reaches an address to listen on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_everywhere(host: str) -> bool:
    """Tells whether an address to listen on stands for all of this computer's."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def hosts_of(host: str) -> frozenset[str]:
    """Returns the names under which a server that listens on the loopback address `host` may be asked."""
    return frozenset({"localhost", "127.0.0.1", "::1", host.strip("[]").lower()})
