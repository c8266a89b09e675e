"""Where we may connect to: only public addresses, unless an operator allows an exact host:port.

A host name is resolved here, every address it has is judged, and the connection goes to an
address that was judged, so a name that changes its answer in between gains nothing. Urls of
http, and hosts that are or resolve to private, local or reserved addresses, pass only for
allow-listed `host:port` entries. Raises EgressRefused, or NotReached for a name that does not
resolve. Source of the address rules: IANA's special-purpose address registries for IPv4 and IPv6
(RFC 6890, as of 20 November 2026) and its multicast blocks; written out here, because what
`ipaddress` knows of them differs between Python versions.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from pictor.kit.outbound import connections
from pictor.kit.outbound.http1 import Connection

DNS_CACHE_SECONDS = 5.0
DNS_THREADS = 8
MAX_URL_CHARS = 8192
MAX_PORT = 65_535
ATTEMPT_SECONDS = 2.5
"""The least time each of a host's addresses gets to answer, so that a dead one is passed over."""

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host and network
        "10.0.0.0/8",
        "100.64.0.0/10",  # between a provider and its customers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; clouds answer with credentials there
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112: answers for private names
        "192.52.193.0/24",  # relays of multicast
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: a tunnel to any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


class HttpError(Exception):
    """A call that brought no complete answer."""


class EgressRefused(HttpError):
    """The url, or an address behind it, is forbidden; nothing was sent."""


class NotReached(HttpError):
    """DNS, connect or TLS failed: nothing of the request's body was sent."""


class LookUpsBusy(NotReached):
    """The time was up before a thread was free to look the name up: no fault of the name's."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """True for an address on the open Internet; a mapped or NAT64 one is judged by its end.

    Of IPv6 only global unicast is: IPv4-compatible, local, discard-only and other special blocks
    lie outside it. Blocks inside that are special in any way are not public, reachable or not.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(address.packed[-4:]))
        if address not in _GLOBAL_UNICAST or address.scope_id is not None:
            return False
        return not any(address in network for network in _NOT_PUBLIC_V6)
    return not any(address in network for network in _NOT_PUBLIC_V4)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a url points: scheme, ASCII host in lower case, port."""

    scheme: str
    host: str
    port: int

    @property
    def host_port(self) -> str:
        """As allow-list entries are written: `host:port`, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Resolve = Callable[[str, int], list[str]]
"""Blocking look-up of a host: its addresses as text; OSError when there are none."""


def resolve(host: str, port: int) -> list[str]:
    """The operating system's answer, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Addresses:
    """Checked addresses of hosts. Look-ups of one host at the same moment are made once."""

    def __init__(
        self, allow: frozenset[str], resolve: Resolve, *, threads: int = DNS_THREADS
    ) -> None:
        self._allow = allow
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dns")
        self._known: dict[tuple[str, int], _LookUp] = {}

    async def of(self, host: str, port: int) -> list[str]:
        """Addresses that may be connected to; EgressRefused or NotReached."""
        try:
            found = await asyncio.shield(self._looked_up(host, port).found)
        except (OSError, UnicodeError) as error:
            raise NotReached(f"{host} does not resolve: {error}") from None
        origin = Origin("", host, port)
        if origin.host_port not in self._allow:
            for address in found:
                if not is_public(ip_address(address)):
                    raise EgressRefused(f"{host} has an address that may not be called")
        return found

    def is_waiting(self, host: str, port: int) -> bool:
        """Whether the host's look-up has not begun, because all threads are at others."""
        known = self._known.get((host, port))
        return known is not None and known.is_waiting

    def close(self) -> None:
        """End the look-up threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _looked_up(self, host: str, port: int) -> "_LookUp":
        now = time.monotonic()
        known = self._known.get((host, port))
        if known is None or known.is_over(now):
            begun = self._threads.submit(self._resolve, host, port)
            kept = {key: one for key, one in self._known.items() if not one.is_over(now)}
            known = _LookUp(now + DNS_CACHE_SECONDS, begun, asyncio.wrap_future(begun))
            known.found.add_done_callback(_failed)  # an error is seen when nobody waits, too
            self._known = {**kept, (host, port): known}
        return known


@dataclass(frozen=True, slots=True)
class _LookUp:
    """One in the threads, and what their event loop waits for."""

    expires_at: float
    begun: Future[list[str]]
    found: asyncio.Future[list[str]]

    @property
    def is_waiting(self) -> bool:
        """Whether no thread has begun it."""
        return not (self.begun.running() or self.begun.done())

    def is_over(self, now: float) -> bool:
        """Whether it has failed, or was found too long ago.

        One that is under way is neither, however long its name server takes: one thread a host.
        """
        return self.found.done() and (_failed(self.found) or now >= self.expires_at)


def _failed(future: asyncio.Future[list[str]]) -> bool:
    return future.cancelled() or future.exception() is not None


class Connector:
    """Connects only to addresses that were checked, whatever the host name resolves to later."""

    def __init__(self, addresses: Addresses, tls: Callable[[], ssl.SSLContext]) -> None:
        self._addresses = addresses
        self._tls = tls

    async def connect(self, origin: connections.Origin, seconds: float | None) -> Connection:
        """An open connection; ConnectError, ConnectTimeout, EgressRefused or NotReached."""
        host = origin.host.lower()
        failed: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                found = await self._addresses.of(host, origin.port)
                share = seconds and max(ATTEMPT_SECONDS, seconds / len(found))
                for address in found:
                    try:
                        async with asyncio.timeout(share):
                            return await self._opened(origin, address)
                    except ssl.SSLError:
                        raise
                    except (OSError, TimeoutError) as error:
                        failed = error
        except ssl.SSLError as error:
            raise httpx.ConnectError(str(error)) from error
        except TimeoutError:
            if self._addresses.is_waiting(host, origin.port):
                raise LookUpsBusy(f"{host} was not looked up in time") from None
            raise httpx.ConnectTimeout(f"{host} did not answer in time") from None
        raise httpx.ConnectError(f"{host} refused the connection: {failed}")

    async def _opened(self, origin: connections.Origin, address: str) -> Connection:
        is_tls = origin.scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection,
            address,
            origin.port,
            ssl=self._tls() if is_tls else None,
            server_hostname=origin.host if is_tls else None,
        )
        return connection


_PRIVATE_NAMES = frozenset(
    {"alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"}
)
"""Last labels that no public host has (RFC 6761, 6762, 7686, 8375, 9476; ICANN's `internal`)."""
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


def check_form(url: str) -> None:
    """Refuse a url that nobody could be asked to fetch, by its text alone: nothing is resolved.

    It must be https without user info, to a public address or a full name that is not set aside
    for private use. So the answer is the same whatever a name means here. EgressRefused.
    """
    found = parse(url)
    host = origin_of(found, frozenset()).host.rstrip(".")
    try:
        is_fit = is_public(ip_address(host))
    except ValueError:
        first, _, last = host.rpartition(".")  # an address in an odd notation ends in a number
        is_fit = bool(first) and last not in _PRIVATE_NAMES and not _NUMBER.fullmatch(last)
    if found.userinfo or not is_fit:
        raise EgressRefused("not a public url")


@lru_cache(maxsize=256)
def parse(url: str) -> httpx.URL:
    """The url, or EgressRefused. Characters that parsers disagree about are refused."""
    if len(url) > MAX_URL_CHARS or not url.isprintable() or " " in url or "\\" in url:
        raise EgressRefused("not a url that may be called")
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise EgressRefused("not a url that may be called") from None


def origin_of(url: httpx.URL, allow: frozenset[str]) -> Origin:
    """Where the url points; EgressRefused unless https, or http to an allow-listed host:port."""
    if url.scheme not in {"http", "https"} or not url.host:
        raise EgressRefused("only https urls are called")
    port = url.port or (443 if url.scheme == "https" else 80)
    if port > MAX_PORT:
        raise EgressRefused("not a url that may be called")
    origin = Origin(url.scheme, url.raw_host.decode("ascii").lower(), port)
    if origin.scheme == "http" and origin.host_port not in allow:
        raise EgressRefused("only https urls are called")
    return origin
