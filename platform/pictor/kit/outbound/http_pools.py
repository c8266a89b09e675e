"""Ways out that know different private origins, side by side in one event loop."""

from pictor.kit.outbound.http import HttpPool

STRANGERS_DNS_THREADS = 32
"""A tenant's few fetches (dispatch/inputs.py) can hang in a third of them at the most."""


class HttpPools:
    """One pool for each set of private origins, made when it is first needed.

    Who may call a private origin may so without anybody else: pools share no connection.
    """

    def __init__(self) -> None:
        self._pools: dict[frozenset[str], HttpPool] = {}
        self._strangers: HttpPool | None = None

    def allowing(self, origins: frozenset[str]) -> HttpPool:
        """The pool that may call these private `host:port` origins and public ones."""
        if origins not in self._pools:
            self._pools[origins] = HttpPool(egress_allow=origins)
        return self._pools[origins]

    @property
    def strangers(self) -> HttpPool:
        """The pool for addresses that callers name: public ones, and with look-ups of its own.

        A name server that never answers keeps no thread from the names that operators chose.
        """
        if self._strangers is None:
            self._strangers = HttpPool(dns_threads=STRANGERS_DNS_THREADS)
        return self._strangers

    async def aclose(self) -> None:
        """Close every pool."""
        strangers = [] if self._strangers is None else [self._strangers]
        for pool in (*self._pools.values(), *strangers):
            await pool.aclose()
        self._pools.clear()
        self._strangers = None
