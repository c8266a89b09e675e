"""The guard of outbound calls: only public addresses, unless an operator allows a host:port.

A host name is resolved here, each of its addresses is checked, and the connection goes to a checked
address, so a name that changes its answer in between gains nothing. An http URL, and a host that is
or resolves to a private, local or reserved address, passes only if its `host:port` is allow-listed.
Raises EgressRefused, or NotReached for a name that does not resolve. Source of the address rules:
IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890, as of 20 November 2026) and
its multicast blocks; written out here because the lists in `ipaddress` differ between Python
versions.
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
from urllib.parse import urljoin

import httpx

from pictor.kit.outbound import connections
from pictor.kit.outbound.http1 import HttpConnection

DNS_CACHE_SECONDS = 5.0
DNS_THREADS = 8
MAX_URL_CHARS = 8192
MAX_PORT = 65_535
ATTEMPT_SECONDS = 2.5
"""Minimum time for each of a host's addresses to answer, so that a dead one is passed over."""

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
    """A call without a complete answer."""


class EgressRefused(HttpError):
    """The url, or an address behind it, is forbidden; nothing was sent."""


class NotReached(HttpError):
    """DNS, connect or TLS failed: nothing of the request's body was sent."""


class LookUpsBusy(NotReached):
    """The time was up before a thread was free for the DNS look-up; the name may be good."""


def joined(base: str, url: str) -> str:
    """The whole address of a url, or of one that is relative to `base`.

    Raises EgressRefused for what is no url, or too long: joining takes more than linear time.
    """
    _refuse_long(url)
    try:
        return urljoin(base, url.strip())
    except ValueError:
        raise EgressRefused("not a url that may be called") from None


def _refuse_long(url: str) -> None:
    """Raise EgressRefused: parsers normalise other letters in quadratic time."""
    if len(url) > (MAX_URL_CHARS if url.isascii() else MAX_URL_CHARS // 4):
        raise EgressRefused("not a url that may be called")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """True if an address is on the open Internet; mapped and NAT64 ones by their IPv4 part.

    In IPv6 only global unicast is public, which excludes IPv4-compatible, local, discard-only and
    other special blocks. Special blocks inside it are not public either, even if reachable.
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
    """The origin of a URL: scheme, ASCII host in lower case, port."""

    scheme: str
    host: str
    port: int

    @property
    def host_port(self) -> str:
        """The origin as an allow-list entry: `host:port`, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Resolve = Callable[[str, int], list[str]]
"""Blocking look-up of a host's addresses, as text; raises OSError if there are none."""


def resolve(host: str, port: int) -> list[str]:
    """Return the operating system's addresses of a host, in its order of preference."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in addresses))


class Addresses:
    """Checked addresses of hosts. Simultaneous look-ups of a host share one."""

    def __init__(
        self, allow: frozenset[str], resolve: Resolve, *, threads: int = DNS_THREADS
    ) -> None:
        self._allow = allow
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dns")
        self._known: dict[tuple[str, int], _LookUp] = {}

    async def of(self, host: str, port: int) -> list[str]:
        """Return a host's addresses, all allowed. Raises EgressRefused or NotReached."""
        try:
            # Others may wait for the same look-up: a caller who leaves must not end it.
            addresses = await asyncio.shield(self._look_up(host, port).addresses)
        except (OSError, UnicodeError) as error:
            raise NotReached(f"{host} does not resolve: {error}") from None
        origin = Origin("", host, port)
        if origin.host_port not in self._allow:
            # All must be public, since any of them may be connected to.
            for address in addresses:
                if not is_public(ip_address(address)):
                    raise EgressRefused(f"{host} has an address that may not be called")
        return addresses

    def is_waiting(self, host: str, port: int) -> bool:
        """True if the host's look-up still waits for a free thread."""
        known = self._known.get((host, port))
        return known is not None and known.is_waiting

    def close(self) -> None:
        """End the look-up threads."""
        # Not waited for: a name server may never answer, and a look-up cannot be interrupted.
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look_up(self, host: str, port: int) -> "_LookUp":
        now = time.monotonic()
        known = self._known.get((host, port))
        if known is None or known.is_over(now):
            begun = self._threads.submit(self._resolve, host, port)
            # Expired ones go with each new look-up, so there are never many.
            kept = {
                key: look_up for key, look_up in self._known.items() if not look_up.is_over(now)
            }
            known = _LookUp(now + DNS_CACHE_SECONDS, begun, asyncio.wrap_future(begun))
            known.addresses.add_done_callback(_has_failed)  # reads the error, or asyncio may log it
            self._known = {**kept, (host, port): known}
        return known


@dataclass(frozen=True, slots=True)
class _LookUp:
    """A look-up: the thread's future, and the event loop's future of the same result."""

    expires_at: float
    begun: Future[list[str]]
    addresses: asyncio.Future[list[str]]

    @property
    def is_waiting(self) -> bool:
        """True if no thread has begun it yet."""
        return not (self.begun.running() or self.begun.done())

    def is_over(self, now: float) -> bool:
        """True if the look-up failed or its result has expired."""
        # A look-up under way is never over, however slow its name server: a host has one thread.
        return self.addresses.done() and (_has_failed(self.addresses) or now >= self.expires_at)


def _has_failed(future: asyncio.Future[list[str]]) -> bool:
    return future.cancelled() or future.exception() is not None


class Connector:
    """Connects only to addresses that were checked, whatever the host name resolves to later."""

    def __init__(self, addresses: Addresses, tls: Callable[[], ssl.SSLContext]) -> None:
        self._addresses = addresses
        self._tls = tls

    async def connect(
        self, origin: connections.Destination, seconds: float | None
    ) -> HttpConnection:
        """Open a connection. Raises ConnectError, ConnectTimeout, EgressRefused or NotReached."""
        host = origin.host.lower()
        failed: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                addresses = await self._addresses.of(host, origin.port)
                share = seconds and max(ATTEMPT_SECONDS, seconds / len(addresses))
                for address in addresses:
                    try:
                        async with asyncio.timeout(share):
                            return await self._connect(origin, address)
                    # A wrong certificate is not cured by the host's next address.
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

    async def _connect(self, origin: connections.Destination, address: str) -> HttpConnection:
        is_tls = origin.scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            HttpConnection,
            address,
            origin.port,
            ssl=self._tls() if is_tls else None,
            # The certificate is checked by the name, whichever address was taken.
            server_hostname=origin.host if is_tls else None,
        )
        return connection


_PRIVATE_NAMES = frozenset(
    {"alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"}
)
"""Last labels without public hosts (RFC 6761, 6762, 7686, 8375, 9476; ICANN's `internal`)."""
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


def check_form(url: str) -> None:
    """Raise EgressRefused for a URL that is not public by its text; nothing is resolved.

    A public URL is https without user info, to a public address or a full name that is not reserved
    for private use. The verdict therefore does not depend on DNS here.
    """
    parsed = parse(url)
    host = origin_of(parsed, frozenset()).host.rstrip(".")
    try:
        is_fit = is_public(ip_address(host))
    except ValueError:
        first, _, last = host.rpartition(".")  # an address in an odd notation ends in a number
        is_fit = bool(first) and last not in _PRIVATE_NAMES and not _NUMBER.fullmatch(last)
    if parsed.userinfo or not is_fit:
        raise EgressRefused("not a public url")


@lru_cache(maxsize=256)
def parse(url: str) -> httpx.URL:
    """Parse a URL. Raises EgressRefused, also for characters that parsers disagree about."""
    _refuse_long(url)
    if not url.isprintable() or " " in url or "\\" in url:
        raise EgressRefused("not a url that may be called")
    try:
        parsed = httpx.URL(url)
        _ = parsed.host  # decodes `xn--…`, which may be no name
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise EgressRefused("not a url that may be called") from None
    return parsed


def origin_of(url: httpx.URL, allow: frozenset[str]) -> Origin:
    """Return a URL's origin. Raises EgressRefused unless it is https or allow-listed."""
    if url.scheme not in {"http", "https"} or not url.host:
        raise EgressRefused("only https urls are called")
    port = url.port or (443 if url.scheme == "https" else 80)
    if port > MAX_PORT:
        raise EgressRefused("not a url that may be called")
    origin = Origin(url.scheme, url.raw_host.decode("ascii").lower(), port)
    if origin.scheme == "http" and origin.host_port not in allow:
        raise EgressRefused("only https urls are called")
    return origin
