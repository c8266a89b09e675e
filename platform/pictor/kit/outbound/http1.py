"""An HTTP/1.1 connection for one request at a time: httptools' parser on an asyncio protocol.

With httpcore's connections (h11 and anyio) a call took a tenth of an image's CPU, and held more
memory while it waited. uvicorn uses the same parser. Loops with many calls are uvloop's, because
asyncio's own allocates 256 KB for each encrypted connection.

Errors are httpx's: ReadTimeout, WriteTimeout, ReadError, LocalProtocolError, RemoteProtocolError.
"""

import asyncio
import select
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import cast

import httptools
import httpx
from typing_extensions import override

PIECE_BYTES = 256 * 1024
"""The size of a loop's read: smaller pieces would be copies."""
MAX_BUFFERED_BYTES = PIECE_BYTES
"""Reading from the socket stops at this size until the caller takes some."""
MAX_IDLE_BYTES = 100 * 1024
"""The most a peer may send without body bytes: heads, trailers, chunk extensions."""

TransportError = httpx.TransportError
"""The base class of all these errors."""

_INTERIM = range(100, 200)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent."""

    method: str
    target: bytes
    """Path and query."""
    headers: Sequence[tuple[bytes, bytes]]
    body: "bytes | AsyncIterable[bytes]" = b""
    read_seconds: float | None = None
    """Timeout for each piece of the answer; None waits without limit."""
    write_seconds: float | None = None
    sending: Callable[[], None] | None = None
    """Called just before the first byte is sent."""


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """The head of an answer, and its body, which must be closed."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: "_Body"


class HttpConnection(asyncio.Protocol):
    """An open connection, made by a connector (egress.py). HEAD and CONNECT are not supported."""

    _transport: asyncio.Transport
    _parser: httptools.HttpResponseParser

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_lost = False
        self._is_full = False  # the write buffer is full: the peer is slow to read
        self._is_asking = False
        self._changed: asyncio.Future[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # As lenient as h11, so that no paid image is lost to an outdated server.
        self._parser.set_dangerous_leniencies(
            lenient_chunked_length=True,
            lenient_data_after_close=True,
            lenient_optional_cr_before_lf=True,
        )
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: deque[bytes] | None = None  # None while waiting: an empty one takes 0.6 KB
        self._read: list[bytes] = []
        self._buffered = self._idle_bytes = 0
        self._has_head = self._is_complete = self._is_kept = False
        self._error: httpx.TransportError | None = None

    # --- for the caller -----------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """True if it can take a request: it is open and the last answer was read to its end."""
        if self._is_lost or self._is_asking or self._transport.is_closing():
            return False
        # The loop may not have seen yet that the server closed it.
        poll = select.poll()  # select() takes no descriptor above 1023
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    async def ask(
        self, request: Request, *, ended: "Callable[[HttpConnection], None]"
    ) -> WireAnswer:
        """Send a request and wait for the head of its answer.

        `ended` is called once, when the answer is closed or failed to arrive.
        """
        self._begin()
        self._is_asking = True
        try:
            await self._send(request)
            while not self._has_head:
                await self._change(request.read_seconds, httpx.ReadTimeout)
        except BaseException:  # also when cancelled: the answer may still come
            self.close()
            ended(self)
            raise
        return WireAnswer(self._status, self._headers, _Body(self, request.read_seconds, ended))

    async def pieces(self, seconds: float | None) -> AsyncIterator[bytes]:
        """Yield the answer's body in pieces of at most 256 KB, each within `seconds`."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._buffered -= len(piece)
                if self._buffered < MAX_BUFFERED_BYTES and not self._transport.is_closing():
                    self._transport.resume_reading()
                for start in range(0, len(piece), PIECE_BYTES):
                    yield piece[start : start + PIECE_BYTES]
            if self._is_complete:
                return
            await self._change(seconds, httpx.ReadTimeout)

    def release(self) -> None:
        """Finish with the answer; close the connection unless it was read to its end."""
        self._is_asking = False
        if not (self._is_complete and self._is_kept) or self._pieces:
            self.close()

    def close(self) -> None:
        """Close at once, discarding data under way."""
        self._transport.abort()

    # --- sending ------------------------------------------------------------------------------

    async def _send(self, request: Request) -> None:
        """Send the head with the body's first piece, then the rest until an answer is complete."""
        unsent, seconds = _head(request), request.write_seconds
        if request.sending is not None:
            request.sending()
        if isinstance(request.body, bytes):
            await self._write(unsent + request.body, seconds)
            if self._is_full:  # the answer came before the peer took the whole body
                self._is_kept = False
            return
        async for chunk in request.body:
            # The head goes along, so that a body which cannot be read sends nothing at all.
            await self._write(unsent + chunk if unsent else chunk, seconds)
            unsent = b""
            if self._is_complete or self._is_lost:  # the peer does not need the rest
                self._is_kept = False
                return
        if unsent:
            await self._write(unsent, seconds)

    async def _write(self, data: bytes, seconds: float | None) -> None:
        self._transport.write(data)
        while self._is_full and not (self._is_complete or self._is_lost):
            await self._change(seconds, httpx.WriteTimeout)

    async def _change(self, seconds: float | None, late: type[httpx.TransportError]) -> None:
        """Wait for any event. Raises the connection's error, or `late` after `seconds`."""
        if self._error is not None:
            raise self._error
        self._changed = self._loop.create_future()
        try:
            if seconds is None:  # many calls wait like this, so spare them the timeout's objects
                await self._changed
                return
            async with asyncio.timeout(seconds):
                await self._changed
        except TimeoutError:
            raise late(f"nothing for {seconds:g} s") from None
        finally:
            self._changed = None

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    # --- asyncio's protocol -------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if not self._is_asking or self._is_complete:  # data that answers no request
            self._is_kept = False
            self.close()
            return
        self._idle_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"not HTTP/1.1: {error}"))
        self._take_read()
        if self._idle_bytes > MAX_IDLE_BYTES:
            self._fail(httpx.RemoteProtocolError(f"more than {MAX_IDLE_BYTES} bytes of a head"))
        is_enough = self._error is not None or self._buffered >= MAX_BUFFERED_BYTES
        if is_enough and not self._transport.is_closing():
            self._transport.pause_reading()
        self._wake()

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        # Without a length, the end of the connection is the end of the body.
        if self._has_head and not self._is_complete and self._is_ended_by_close and error is None:
            self._is_complete = True
        elif not self._is_complete:
            words = str(error) if error else "closed before the answer was there"
            self._fail(httpx.ReadError(words))
        self._wake()

    @override
    def pause_writing(self) -> None:
        self._is_full = True

    @override
    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def _take_read(self) -> None:
        """Join a read's chunks to one piece, since a peer may send chunks of one byte."""
        if self._read:
            piece = self._read[0] if len(self._read) == 1 else b"".join(self._read)
            self._read.clear()
            if self._pieces is None:
                self._pieces = deque()
            self._pieces.append(piece)
            self._buffered += len(piece)

    def _fail(self, error: httpx.TransportError) -> None:
        if self._error is None and not self._is_complete:
            self._error = error

    # --- the parser's callbacks ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Do not reuse the connection if a second answer to the request begins."""
        if self._is_complete:
            self._is_kept = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers are ignored."""
        if not self._has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the final answer's head; interim ones are skipped."""
        status = self._parser.get_status_code()
        if self._has_head or status in _INTERIM:  # the parser itself refuses a 101
            return
        self._status, self._has_head = status, True
        self._is_kept = self._parser.should_keep_alive()
        names = {name.lower(): value.lower() for name, value in self._headers}
        coding = names.get(b"transfer-encoding")
        has_length = b"content-length" in names
        self._is_ended_by_close = not (
            has_length if coding is None else coding.endswith(b"chunked")
        )
        if has_length and coding is not None:
            self._is_kept = False  # length and coding may disagree about the body's end

    def on_body(self, body: bytes) -> None:
        """Collect a part of the body."""
        self._idle_bytes = 0
        if not self._is_complete:
            self._read.append(body)

    def on_message_complete(self) -> None:
        """Complete the answer, or drop an interim one."""
        if self._has_head:
            self._is_complete = True
        else:
            self._headers.clear()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, read from its connection."""

    def __init__(
        self,
        connection: HttpConnection,
        seconds: float | None,
        ended: Callable[[HttpConnection], None],
    ) -> None:
        self._connection = connection
        self._seconds = seconds
        self._ended: Callable[[HttpConnection], None] | None = ended

    @override
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.pieces(self._seconds)

    @override
    async def aclose(self) -> None:
        if self._ended is not None:
            ended, self._ended = self._ended, None
            self._connection.release()
            ended(self._connection)


def _head(request: Request) -> bytes:
    """Return the request line and headers as bytes. Raises LocalProtocolError."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.target)]
    lines += [b"%b: %b" % header for header in request.headers]
    head = b"\r\n".join([*lines, b"", b""])
    ends = len(lines) + 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
        raise httpx.LocalProtocolError("a line's end within a header")
    return head
