"""Ways out that know different private origins, side by side in one event loop."""

from pictor.kit.http import HttpPool


class HttpPools:
    """One pool for each set of private origins, made when it is first needed.

    Who may call a private origin may so without anybody else: pools share no connection.
    """

    def __init__(self) -> None:
        self._pools: dict[frozenset[str], HttpPool] = {}

    def allowing(self, origins: frozenset[str]) -> HttpPool:
        """The pool that may call these private `host:port` origins and public ones."""
        if origins not in self._pools:
            self._pools[origins] = HttpPool(egress_allow=origins)
        return self._pools[origins]

    @property
    def public(self) -> HttpPool:
        """The pool for public origins alone."""
        return self.allowing(frozenset())

    async def aclose(self) -> None:
        """Close every pool."""
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()
