# SPDX-License-Identifier: GPL-3.0-or-later
"""Which computers can reach the address that the server listens on."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Returns whether only this computer can reach the listening address `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_everywhere(host: str) -> bool:
    """Returns whether the listening address `host` means all addresses of this computer."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def hosts_of(host: str) -> frozenset[str]:
    """Returns the host names that requests to a server on the loopback address `host` may use."""
    return frozenset({"localhost", "127.0.0.1", "::1", host.strip("[]").lower()})
