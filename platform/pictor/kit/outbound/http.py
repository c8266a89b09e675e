"""The HTTP client for calls to other hosts: deadlines, byte caps and guarded addresses.

    async with http.deadline(240):
        async with pool.exchange("POST", url, headers=headers, body=body) as response:
            async for chunk in response.chunks(max_bytes): ...

Connections go only to addresses that egress.py has checked, while Host, SNI and the certificate
check use the name. Redirects are not followed, proxies of the environment are not used. Raises:

    HttpError
    ├── EgressRefused      the URL or an address behind it is forbidden; nothing was sent
    ├── NotReached         DNS, connect or TLS failed: nothing of the body was sent
    │   └── LookUpsBusy    no thread was free to look up the name
    ├── ConnectionLost     sent, at least in part; then reset, closed or not HTTP
    ├── ReadTimedOut       sent; then silent for longer than the read time-out
    ├── BodyTooLarge       more bytes than the caller allows, before or after decompression
    ├── BodyUnreadable     a content encoding we did not ask for and cannot read
    └── DeadlineExceeded   the time for the whole call is over
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType
from typing import Any

import httpx
from prometheus_client import Gauge
from typing_extensions import override

from pictor.kit.bytes.inflate import PIECE_BYTES, CannotInflate, inflater
from pictor.kit.outbound import connections, egress
from pictor.kit.outbound.egress import EgressRefused, HttpError, LookUpsBusy, NotReached

__all__ = [
    "BodyTooLarge",
    "BodyUnreadable",
    "ConnectionLost",
    "DeadlineExceeded",
    "EgressRefused",
    "Exchange",
    "HttpAnswer",
    "HttpError",
    "HttpPool",
    "LookUpsBusy",
    "NotReached",
    "Payload",
    "ReadTimedOut",
    "deadline",
]

CONNECT_TIMEOUT_SECONDS = 10.0
USUAL_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"python-httpx/{httpx.__version__}",
}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
CALLS = Gauge("pictor_http_calls", "Calls to others' hosts that are under way.")


class ConnectionLost(HttpError):
    """The request was sent, at least in part; then the connection failed."""


class ReadTimedOut(HttpError):
    """The request was sent; then the peer was silent for too long."""


class BodyTooLarge(HttpError):
    """The body has more bytes than the caller allows."""


class BodyUnreadable(HttpError):
    """The answer's content encoding is not supported."""


class DeadlineExceeded(HttpError):
    """The time for the whole call is over."""


def deadline(seconds: float) -> "_Deadline":
    """Raise DeadlineExceeded unless the block ends within `seconds`, whatever delays it."""
    return _Deadline(seconds)


class _Deadline:
    """A class, as Exchange is, since thousands of calls wait inside and a generator costs more."""

    __slots__ = ("_limit", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_over = kind is TimeoutError
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError:
            is_over = True
        if is_over and self._limit.expired():
            raise DeadlineExceeded(f"not done within {self._seconds:g} s") from None


class HttpPool:
    """A client for one event loop, with a connection for each call.

    Args:
        egress_allow: exact `host:port` entries that may be private and plain http.
        connect_timeout_seconds: DNS, TCP and TLS together, per connection.
        ssl_context: for tests; the default verifies against the bundled authorities.
        resolve: blocking `resolve(host, port) -> addresses`, for tests.
        dns_threads: the number of simultaneous look-ups.
    """

    def __init__(
        self,
        *,
        egress_allow: Iterable[str] = (),
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
        resolve: egress.Resolve | None = None,
        dns_threads: int = egress.DNS_THREADS,
    ) -> None:
        self._allow = frozenset(entry.lower() for entry in egress_allow)
        self._connect_timeout_seconds = connect_timeout_seconds
        self._addresses = egress.Addresses(
            self._allow, resolve or egress.resolve, threads=dns_threads
        )
        self.transport = connections.Transport(
            egress.Connector(self._addresses, partial(_http1_over, ssl_context)).connect,
        )

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: "bytes | Payload | None" = None,
        read_timeout_seconds: float | None = 60.0,
    ) -> "Exchange":
        """Return one request and its answer as an async context manager; see Exchange.

        `read_timeout_seconds` is None for a call that may be silent until its deadline.
        """
        return Exchange(
            self,
            method=method,
            url=url,
            headers=dict(headers or {}),
            body=Payload.of(body),
            timeout=httpx.Timeout(
                read_timeout_seconds, connect=self._connect_timeout_seconds, pool=None
            ),
        )

    async def aclose(self) -> None:
        """Close idle connections; one in use is closed at the end of its call."""
        await self.transport.aclose()
        self._addresses.close()

    @property
    def allow(self) -> frozenset[str]:
        """The allow-listed `host:port` entries."""
        return self._allow


@cache
def _http1_over(ssl_context: ssl.SSLContext | None) -> ssl.SSLContext:
    """Return a context for HTTP/1.1; the default one is made once per process, on first use."""
    tls = ssl_context or httpx.create_ssl_context(trust_env=False)
    tls.set_alpn_protocols(["http/1.1"])
    return tls


@dataclass(frozen=True, slots=True)
class Payload:
    """A request body of known length that is sent in pieces."""

    size_bytes: int
    chunks: Callable[[], AsyncIterable[bytes]]

    @classmethod
    def of(cls, body: "bytes | Payload | None") -> "Payload | None":
        """Return bytes as a body of one piece."""
        if body is None or isinstance(body, Payload):
            return body

        async def one_piece() -> AsyncIterator[bytes]:
            yield body

        return cls(size_bytes=len(body), chunks=one_piece)


class _Sending(httpx.AsyncByteStream):
    """A body in the form that httpx expects."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    @override
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


class Exchange:
    """One request and its answer. Entering sends the request and waits for the answer's headers.

    After any failure, `is_sent` tells whether the peer may have seen part of the request's body (or
    of the request, if it has no body). `status` and `answer_headers` are set once the answer's head
    has arrived.
    """

    def __init__(
        self,
        pool: HttpPool,
        *,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Payload | None,
        timeout: httpx.Timeout,
    ) -> None:
        self.is_sent = False
        self.status: int | None = None
        self.answer_headers = httpx.Headers()
        self._pool = pool
        self._method = method
        self._url = url
        self._headers = headers
        self._body = body
        self._timeout = timeout
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> "HttpAnswer":
        url = egress.parse(self._url)
        egress.origin_of(url, self._pool.allow)
        CALLS.inc()
        try:
            response = await self._pool.transport.handle_async_request(self._request(url))
        except BaseException as error:  # a cancelled call too must leave the gauge
            CALLS.dec()
            if isinstance(error, httpx.TransportError):
                raise _translate(error, self) from error
            raise
        self._response = response
        self.status, self.answer_headers = response.status_code, response.headers
        return HttpAnswer(response, self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._response is not None:
                await self._response.aclose()
        finally:
            self._response = None  # callers keep the exchange for its facts
            CALLS.dec()

    def _request(self, url: httpx.URL) -> httpx.Request:
        """Build the request without httpx's client: no redirects, cookies or proxies apply."""
        extensions: dict[str, Any] = {"timeout": self._timeout.as_dict()}
        given = {name.lower() for name in self._headers}
        usual = {"Host": url.netloc.decode("ascii"), **USUAL_HEADERS}
        headers = {name: value for name, value in usual.items() if name.lower() not in given}
        headers |= self._headers
        # User info in the URL must not replace the caller's Authorization header.
        if url.userinfo and "authorization" not in given:
            headers["Authorization"] = _basic(url)
        stream: httpx.AsyncByteStream = httpx.ByteStream(b"")
        if self._body is not None:
            headers["Content-Length"] = str(self._body.size_bytes)
            stream = _Sending(self._sending(self._body))
        else:
            extensions["sending"] = self._sends
            if self._method in _WITH_BODY:
                headers["Content-Length"] = "0"  # a POST without content says so (RFC 9110, 8.6)
        return httpx.Request(
            self._method, url, headers=headers, stream=stream, extensions=extensions
        )

    async def _sending(self, body: Payload) -> AsyncIterator[bytes]:
        async for chunk in body.chunks():
            self.is_sent = True  # from here on a piece may arrive
            yield chunk

    def _sends(self) -> None:
        self.is_sent = True


class HttpAnswer:
    """Status and headers of an answer, and its body to be read once."""

    def __init__(self, response: httpx.Response, exchange: Exchange) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._response = response
        self._exchange = exchange

    async def chunks(self, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the decoded body in pieces of at most 256 KB.

        Raises BodyTooLarge if it has more than `max_bytes`, encoded or decoded.
        """
        received = decoded = 0
        try:
            # Some servers compress although we ask for `identity`.
            inflate = inflater(self.headers.get("content-encoding", ""))
            async for raw in self._response.aiter_raw():
                received += len(raw)
                _check_size(received, max_bytes)
                for piece in inflate(raw):
                    decoded += len(piece)
                    _check_size(decoded, max_bytes)
                    yield piece
                    if len(piece) == PIECE_BYTES:  # one read may inflate to hundreds of them
                        await asyncio.sleep(0)
        except CannotInflate as error:
            raise BodyUnreadable(str(error)) from error
        except httpx.TransportError as error:
            raise _translate(error, self._exchange) from error


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise BodyTooLarge(f"more than {max_bytes} bytes")


def _basic(url: httpx.URL) -> str:
    """Return a URL's user info as an Authorization header."""
    name_and_password = f"{url.username}:{url.password}".encode()
    return f"Basic {base64.b64encode(name_and_password).decode()}"


def _translate(error: httpx.TransportError, exchange: Exchange) -> HttpError:
    """Translate the transport's error; it is NotReached if none of the body was sent."""
    words = f"{type(error).__name__}: {error}"
    if not exchange.is_sent:
        return NotReached(words)
    return (ReadTimedOut if isinstance(error, httpx.TimeoutException) else ConnectionLost)(words)
