"""Addresses of callers as they are counted."""

import ipaddress

_HOST_BITS = 64


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
