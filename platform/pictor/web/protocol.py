"""uvicorn's HTTP protocol with limits on the bytes and time of a connection.

    64 KiB, 100 headers   of a request, its trailers and the frames of its chunks; else 431
    15 s                  until headers are complete (408), or the rest of a body already answered
    75 s                  between an answer and the next request
    30 s                  for the client to read each 32 KiB of an answer; else it is cut off
    16                    requests sent ahead of their answers; with more, these are the last

The parser copies an unfinished line with each read, so it is given whole lines. A client that
cannot be answered in turn is cut off: no refusal is ever sent in place of another answer.
"""

import asyncio
import enum
import re
from typing import Any, cast

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pictor.web.connection_limits import MAX_HELD_BYTES, process_connections
from pictor.web.raw_answers import CROWDED, HEAD_TOO_LATE, INVALID, TOO_LARGE, Refusal

HEAD_SECONDS = 15.0
IDLE_SECONDS = 75.0
READER_SECONDS = 30.0
READER_BYTES = 32 * 1024
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_AHEAD = 16
LAST_SECONDS = 0.5
"""Time for one more request on an idle connection while the process ends."""
LINGER_SECONDS = 1.0
"""Time for which the rest is still read after a refusal: a reset would lose the answer."""
_AROUND_A_HEADER = len(": \r\n")
_UPGRADE = re.compile(rb"(?im)^upgrade:[^\n]*\n")


class RequestPart(enum.Enum):
    """The next part of a request."""

    START = "start"
    HEAD = "head"
    BODY = "body"


class Wait(enum.Enum):
    """The client's action that the connection is waiting for."""

    HEAD = "head"
    REST = "rest"
    NEXT = "next"
    LINGER = "linger"


_SECONDS = {
    Wait.HEAD: lambda: HEAD_SECONDS,
    Wait.REST: lambda: HEAD_SECONDS,
    Wait.NEXT: lambda: IDLE_SECONDS,
    Wait.LINGER: lambda: LINGER_SECONDS,
}


class RefusedError(Exception):
    """The request is refused, and nothing more of the connection is read."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class UnframedCycle(RequestResponseCycle):
    """A cycle for HTTP/1.0, without chunks: an answer without a length ends the connection."""

    _is_unframed = False

    @override
    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            self._is_unframed = b"content-length" not in names
            if self._is_unframed:
                self.chunked_encoding = False
        elif self._is_unframed:  # uvicorn counts down to the announced length
            more = message.get("more_body", False)
            self.expected_content_length = len(message.get("body", b"")) + more
        await super().send(message)


class Ahead(list[Any]):
    """Requests that wait for their turn, in place of uvicorn's deque (0.6 KB while empty)."""

    def appendleft(self, one: Any) -> None:
        """Insert at the front; at most MAX_AHEAD others are moved."""
        self.insert(0, one)


class Protocol(HttpToolsProtocol):
    """One connection. Data that cannot be parsed is answered with a JSON error."""

    __slots__ = (  # with more than 30 names in all, each connection's dict would take 1.6 KB
        *("_all", "_part", "_line", "_head_bytes", "_head_count", "_open_bytes", "_has_ended"),
        *("_frame_bytes", "_has_body", "_verdict", "_is_refused", "_wait", "_timer", "_reader"),
        "_unread_bytes",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pipeline = cast("Any", Ahead())
        self._all = process_connections()
        self._part = RequestPart.START
        self._line = bytearray()
        self._head_bytes = 0
        self._head_count = 0
        self._open_bytes = 0
        self._frame_bytes = 0
        self._has_body = self._has_ended = False
        self._verdict = INVALID
        self._is_refused = False
        self._wait: Wait | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    # --- the connection -----------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        if self._all.enter(self.client[0] if self.client else None):
            self._watch()
        else:
            self._refuse(CROWDED)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        self._forget_reader()
        self._drop_line()
        self._all.leave(self.client[0] if self.client else None)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        try:
            self._take(data)
        except RefusedError as refused:
            self._refuse(refused.refusal)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._verdict)
        else:
            self._watch()

    # --- the request --------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Give the parser whole lines of headers, and bodies as they come."""
        if not self._is_in_body:
            end = data.rfind(b"\n") + 1
            if end:
                lines = bytes(self._line) + data[:end] if self._line else data[:end]
                self._drop_line()
                is_end = self._part is RequestPart.HEAD and lines.startswith(b"\r\n")
                self._feed(lines if is_end else _without_upgrade(lines))  # leaves a body unchanged
                data = data[end:]
            if not self._is_in_body:
                self._hold(data)
                return
        if data:
            self._feed(data)

    def _hold(self, data: bytes) -> None:
        """Keep an unfinished line."""
        self._line += data
        self._all.held_bytes += len(data)
        if self._open_bytes + len(self._line) > MAX_HEAD_BYTES:
            raise RefusedError(TOO_LARGE)
        if self._all.held_bytes > MAX_HELD_BYTES:
            raise RefusedError(CROWDED)

    def _drop_line(self) -> None:
        self._all.held_bytes -= len(self._line)
        self._line.clear()

    def _feed(self, data: bytes) -> None:
        self._has_body = False
        self.parser.feed_data(data)
        if self._part is RequestPart.HEAD and not self._has_ended:
            self._open_bytes += len(data)  # on_header comes only once the next line has begun
            if self._open_bytes > MAX_HEAD_BYTES:
                raise RefusedError(TOO_LARGE)
        if self._is_in_body:
            self._frame_bytes = 0 if self._has_body else self._frame_bytes + len(data)
            if self._frame_bytes > MAX_HEAD_BYTES:
                raise RefusedError(TOO_LARGE)

    def _stop(self, refusal: Refusal) -> None:
        """Refuse from a callback; the verdict is kept, because the parser hides its exception."""
        self._verdict = refusal
        raise RefusedError(refusal)

    def _count(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > MAX_HEAD_BYTES or self._head_count > MAX_HEADERS:
            self._stop(TOO_LARGE)

    @override
    def on_message_begin(self) -> None:
        self._part = RequestPart.HEAD
        super().on_message_begin()

    @override
    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_count += 1
        self._count(len(name) + len(value) + _AROUND_A_HEADER)
        if self._part is RequestPart.HEAD:  # trailers are ignored
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MAX_AHEAD:
            self._stop(CROWDED)
        if sum(name == b"host" for name, _ in self.headers) > 1:  # RFC 9112, 3.2: a 400
            self._stop(INVALID)
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.cycle.__class__ = UnframedCycle  # uvicorn has made it but not begun with it
        if self._all.is_ending:
            self.cycle.keep_alive = False
        self._await(None)
        self._part = RequestPart.BODY
        self._head_bytes = self._head_count = self._open_bytes = self._frame_bytes = 0

    @override
    def on_body(self, body: bytes) -> None:
        self._has_body = True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._part = RequestPart.START
        self._head_bytes = self._head_count = 0
        self._has_ended = True
        super().on_message_complete()

    # --- the answer, and the end --------------------------------------------------------------

    @property
    def _is_answered(self) -> bool:
        return self._is_unused or self.cycle.response_complete

    @property
    def _is_unused(self) -> bool:
        """True if no request has come yet: `cycle` is None, which uvicorn's types hide."""
        return cast("Any", self.cycle) is None

    @property
    def _is_in_body(self) -> bool:
        return self._part is RequestPart.BODY

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()  # _watch sets our own timer
        if self.transport.is_closing():
            self._await(None)
            self._watch_reader()
        else:
            self._watch()

    @override
    def shutdown(self) -> None:
        """Answer the present or next request and end; called once no new connection is accepted.

        A proxy may just have sent a request into an idle connection, and must not send it again.
        """
        self._all.is_ending = True
        if self._is_answered:
            self.loop.call_later(LAST_SECONDS, self._end_if_idle)
        else:
            super().shutdown()

    def _end_if_idle(self) -> None:
        if self._is_answered and not self.transport.is_closing():
            self._end()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        # At the connection's end the rest must still be read in time.
        if not self.transport.is_closing():
            self._forget_reader()

    def _watch_reader(self) -> None:
        """Check that the client reads what was written, even after the connection's end."""
        self._forget_reader()
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._reader = self.loop.call_later(READER_SECONDS, self._look_at_reader)

    def _look_at_reader(self) -> None:
        if self._unread_bytes - self.transport.get_write_buffer_size() < READER_BYTES:
            self.transport.abort()
        else:
            self._watch_reader()

    def _forget_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _refuse(self, refusal: Refusal) -> None:
        """Answer, unless another answer is under way, and read no more."""
        self._is_refused = True
        self._drop_line()
        if self._is_answered:
            self._answer(refusal)
        elif not self._is_in_body:  # earlier requests are answered first
            self.cycle.keep_alive = False
            self._await(None)
        else:
            # The application's reader gets a disconnect, since no more of the body is read.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started or self.pipeline:
                self._end()
            else:
                self._answer(refusal)

    def _answer(self, refusal: Refusal) -> None:
        self.transport.write(refusal.given())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._await(Wait.LINGER)

    def _end(self) -> None:
        self._await(None)
        self.transport.close()
        self._watch_reader()

    def _watch(self) -> None:
        """Start the timer for the present wait, unless it is running already."""
        if self._line or self._part is RequestPart.HEAD:
            self._await(Wait.HEAD)
        elif not self._is_answered:
            self._await(None)
        elif self._is_in_body:
            self._await(Wait.REST)
        else:
            self._await(Wait.HEAD if self._is_unused else Wait.NEXT)

    def _await(self, wait: Wait | None) -> None:
        # A running timer goes on: a slow client must not renew it with each byte.
        if wait is self._wait:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wait = wait
        self._timer = wait and self.loop.call_later(_SECONDS[wait](), self._late)

    def _late(self) -> None:
        """Refuse or end the connection after its wait has timed out."""
        wait, self._wait, self._timer = self._wait, None, None
        if wait is Wait.HEAD and (self._line or self._part is RequestPart.HEAD):
            self._refuse(HEAD_TOO_LATE)
        else:
            self._end()


def _without_upgrade(lines: bytes) -> bytes:
    """Remove `Upgrade` headers: none is offered, and the parser would read a body as a request."""
    head, blank, rest = lines.partition(b"\r\n\r\n")
    if b"upgrade" not in head.lower():  # nearly always
        return lines
    return _UPGRADE.sub(b"", head + blank) + rest
