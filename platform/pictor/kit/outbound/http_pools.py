"""HTTP pools that may call different private origins, side by side in one event loop."""

from pictor.kit.outbound.http import HttpPool

STRANGERS_DNS_THREADS = 32
"""Threads for callers' URLs; a tenant's fetches (dispatch/inputs.py) hang at most a third."""


class HttpPools:
    """One pool for each set of private origins, made on first use.

    Pools share no connection, so permission to call a private origin stays with its own pool.
    """

    def __init__(self) -> None:
        self._pools: dict[frozenset[str], HttpPool] = {}
        self._strangers: HttpPool | None = None

    def allowing(self, origins: frozenset[str]) -> HttpPool:
        """Return the pool that may call these private `host:port` origins and public ones."""
        if origins not in self._pools:
            self._pools[origins] = HttpPool(egress_allow=origins)
        return self._pools[origins]

    @property
    def strangers(self) -> HttpPool:
        """The pool for callers' URLs: public addresses only, with look-up threads of its own.

        A caller's name server that never answers thus blocks no look-up of an operator's host.
        """
        if self._strangers is None:
            self._strangers = HttpPool(dns_threads=STRANGERS_DNS_THREADS)
        return self._strangers

    async def aclose(self) -> None:
        strangers = [] if self._strangers is None else [self._strangers]
        for pool in (*self._pools.values(), *strangers):
            await pool.aclose()
        self._pools.clear()
        self._strangers = None
