"""The true caller behind our own proxies.

`X-Forwarded-*` is trusted only from configured proxies, and only as far as they vouch for it: the
caller is the last address in the chain that is not one of them. From other clients these headers,
and others that proxies send, are removed before any code can read them. Their presence is noted,
because an unknown proxy may stand in between.
"""

import ipaddress
import re
from collections.abc import Iterable, MutableMapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from pictor.kit.words.client_addresses import STRANGE_PROXY

FORWARDED = b"x-forwarded-"
OTHERS = frozenset({b"forwarded", b"via", b"x-real-ip"})
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")


class Proxies:
    """The configured proxies, by their networks."""

    def __init__(self, trusted: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = list(trusted)

    def seen_through(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the request's scope with the true client and without untrusted proxy headers."""
        client = scope.get("client")
        if client is not None and self.is_ours(client[0]):
            address = self._caller(scope["headers"]) or client[0]
            return {**scope, "client": (address, 0)}  # the chain names no port
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if not name.startswith(FORWARDED) and name not in OTHERS
        ]
        if len(kept) == len(scope["headers"]):
            return scope
        return {**scope, "headers": kept, STRANGE_PROXY: True}

    def _caller(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the chain's last address that is not ours; None if it is invalid or missing."""
        chain = [
            word.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for word in value.decode("latin-1").split(",")
        ]
        for word in reversed(chain):
            address = _address(word)
            if address is None or not self.is_ours(address):
                return address
        return None

    def is_ours(self, text: str) -> bool:
        """True if a text is the address of one of the proxies."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _address(word: str) -> str | None:
    """Return the address in `A`, `A:port`, `[A]` or `[A]:port`; None for `unknown` or the like."""
    match = _WITH_PORT.fullmatch(word)
    if match is not None:
        word = match["six"] or match["four"]
    if "%" in word:  # a scope, which no database column of addresses takes
        return None
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return None
