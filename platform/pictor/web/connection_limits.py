"""Limits of a web process's connections: in all, and from one address.

Connections of our own proxies count only in all, since each proxy carries many callers.
"""

from collections import Counter
from functools import cache

from django.conf import settings
from prometheus_client import Gauge

from pictor.kit.words.client_addresses import counted_address
from pictor.web.proxies import Proxies

MAX_HELD_BYTES = 16 * 1024**2
"""The most bytes of incomplete headers that all connections together may hold."""

COUNT = Gauge("pictor_connections", "Connections of a web process that are open.")


class Connections:
    """Counters of connections. For use on the event loop only.

    Args:
        most: connections in all.
        most_by_address: connections from one address.
        proxies: our proxies, whose addresses are not counted.
    """

    def __init__(self, *, most: int, most_by_address: int, proxies: Proxies) -> None:
        self._most = most
        self._most_by_address = most_by_address
        self._proxies = proxies
        self._by_caller: Counter[str] = Counter()
        self.count = 0
        self.held_bytes = 0
        self.is_ending = False
        """True while the process ends: each connection closes after its next answer."""

    def enter(self, address: str | None) -> bool:
        """Count a new connection; return False if it is one too many. Always call `leave` later."""
        caller = self._caller(address)
        self.count += 1
        self._by_caller[caller] += 1
        is_one_too_many = bool(caller) and self._by_caller[caller] > self._most_by_address
        return self.count <= self._most and not is_one_too_many

    def leave(self, address: str | None) -> None:
        """Uncount a connection that has ended."""
        caller = self._caller(address)
        self.count -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    def _caller(self, address: str | None) -> str:
        """Return the address as it is counted, or "" if it is not."""
        if address is None or self._proxies.is_ours(address):
            return ""
        return counted_address(address)


@cache
def process_connections() -> Connections:
    """Return this process's counters, with the limits of the PICTOR_CONNECTIONS settings."""
    connections = Connections(
        most=settings.CONNECTIONS,
        most_by_address=settings.CONNECTIONS_PER_ADDRESS,
        proxies=Proxies(settings.TRUSTED_PROXIES),
    )
    COUNT.set_function(lambda: connections.count)
    return connections
