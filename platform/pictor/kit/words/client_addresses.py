"""Callers' addresses: the form in which limits count them, and proxies that hide them."""

import ipaddress
from collections.abc import Mapping
from typing import Any

STRANGE_PROXY = "pictor.strange_proxy"
"""Set in a request's scope if it seems to come through an unknown proxy (web/proxies.py)."""
_HOST_BITS = 64


def is_own_address(scope: Mapping[str, Any]) -> bool:
    """True if a request's address is the caller's, not that of an unconfigured proxy.

    Such a proxy may run on this machine or network while its callers are elsewhere.
    """
    return STRANGE_PROXY not in scope


def counted_address(address: str) -> str:
    """Return an IPv4 address, or an IPv6 address's /64, since one host has a whole network.

    A mapped address counts as its IPv4 address; a text that is no address is returned unchanged.
    """
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(parsed) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
