"""Addresses of callers: as they are counted, and whether they are the caller's own."""

import ipaddress
from collections.abc import Mapping
from typing import Any

STRANGE_PROXY = "pictor.strange_proxy"
"""In a request's scope where it came as if through a proxy, none of ours (web/proxies.py)."""
_HOST_BITS = 64


def is_own_address(scope: Mapping[str, Any]) -> bool:
    """Whether a request's address is its caller's, or a proxy's that nobody told us of.

    Such a proxy may itself be at this machine, or inside, while its callers are not.
    """
    return STRANGE_PROXY not in scope


def counted_address(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: one host has a whole network of them.

    A mapped address counts as the IPv4 address that it maps; what is no address, as itself.
    """
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(found) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
