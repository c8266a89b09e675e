"""How many connections a web process keeps: in all, and from one address.

Proxies of ours carry many callers each, so they count in all, but not by address.
"""

from collections import Counter
from functools import cache

from django.conf import settings
from prometheus_client import Gauge

from pictor.kit.words.client_addresses import counted_address
from pictor.web.proxies import Proxies

MAX_HELD_BYTES = 16 * 1024**2
"""Of requests whose headers have only begun to arrive, all connections together."""

COUNT = Gauge("pictor_connections", "Connections of a web process that are open.")


class Connections:
    """Counts them. Used on the event loop alone.

    Args:
        most: in all.
        most_by_address: from one address.
        proxies: whose addresses are not counted.
    """

    def __init__(self, *, most: int, most_by_address: int, proxies: Proxies) -> None:
        self._most = most
        self._most_by_address = most_by_address
        self._proxies = proxies
        self._by_caller: Counter[str] = Counter()
        self.count = 0
        self.held_bytes = 0
        self.is_ending = False
        """Whether each ends with its next answer, as the process does."""

    def enter(self, address: str | None) -> bool:
        """Count a new connection; False where it is one too many. `leave` follows in any case."""
        caller = self._caller(address)
        self.count += 1
        self._by_caller[caller] += 1
        is_one_too_many = bool(caller) and self._by_caller[caller] > self._most_by_address
        return self.count <= self._most and not is_one_too_many

    def leave(self, address: str | None) -> None:
        """A connection that entered has ended."""
        caller = self._caller(address)
        self.count -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    def _caller(self, address: str | None) -> str:
        """The address as it is counted; empty where it is not."""
        if address is None or self._proxies.is_ours(address):
            return ""
        return counted_address(address)


@cache
def process_connections() -> Connections:
    """Those of this process, within PICTOR_CONNECTIONS and PICTOR_CONNECTIONS_PER_ADDRESS."""
    connections = Connections(
        most=settings.CONNECTIONS,
        most_by_address=settings.CONNECTIONS_PER_ADDRESS,
        proxies=Proxies(settings.TRUSTED_PROXIES),
    )
    COUNT.set_function(lambda: connections.count)
    return connections
