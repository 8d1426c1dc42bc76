# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends a request: the address behind trusted proxies, and whether the way to it is encrypted."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from ..errors import Mono3DError

VISITOR = "mono3d.visitor"
"""Key of the `Visitor` in the scope of a request."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Visitor:
    """Who sends a request.

    address    the address, as far as trusted proxies tell it
    is_secure  whether it came by HTTPS
    session    the session of one who has signed in; empty: none
    is_guest   whether only a share lets the visitor in, see `shares`
    """

    address: str
    is_secure: bool = False
    session: str = ""
    is_guest: bool = False

    @property
    def owner(self) -> str:
        """A hash that tells visitors apart: by session, else by address."""
        return hashlib.sha256((self.session or network_of(self.address)).encode()).hexdigest()[:16]

    def signed_in(self, session: str) -> Visitor:
        """Returns the visitor with a session."""
        return dataclasses.replace(self, session=session)

    def as_guest(self) -> Visitor:
        """Returns the visitor as one who sees what was shared."""
        return dataclasses.replace(self, is_guest=True)


class Proxies:
    """The proxies in front of the server, whose word about the visitor is believed."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)

    @classmethod
    def of(cls, text: str) -> Proxies:
        """Returns the proxies of an option: addresses or networks, separated by commas. Raises Mono3DError."""
        try:
            return cls(ipaddress.ip_network(word.strip(), strict=False) for word in text.split(",") if word.strip())
        except ValueError as error:
            raise Mono3DError(f"--trusted-proxies: {error}; write addresses such as 127.0.0.1,10.0.0.0/8.") from error

    def has(self, address: str) -> bool:
        """Returns whether an address is that of a proxy."""
        found = _parsed(address)
        return found is not None and any(found in network for network in self._networks)

    def visitor(self, scope: Scope) -> Visitor:
        """Returns who sends a request."""
        address = scope["client"][0] if scope.get("client") else ""
        headers = Headers(scope=scope)
        if not self.has(address):
            return Visitor(address, scope.get("scheme") == "https")
        is_secure = headers.get("x-forwarded-proto", "").lower() == "https"
        # Each proxy adds the address that it saw; what stands before the first one that is not ours may be invented.
        for word in reversed(",".join(headers.getlist("x-forwarded-for")).split(",")):
            if not (word := word.strip()):
                continue
            if _parsed(word) is None:
                break
            address = word
            if not self.has(word):
                break
        return Visitor(address, is_secure)


def network_of(address: str) -> str:
    """Returns what limits count as one place: an IPv4 address, or the network of an IPv6 address that one house has."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address if found is None else str(found)


def cookie_of(headers: Headers, name: str) -> str:
    """Returns the value of a cookie; empty if there is none."""
    for part in ";".join(headers.getlist("cookie")).split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value
    return ""


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns an address, an IPv4 address that is written as IPv6 as the former; None if it is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
