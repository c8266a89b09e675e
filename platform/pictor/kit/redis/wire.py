"""Redis for an event loop: one pipelined connection for commands, and one that listens.

Replies come in the order of the commands, so one connection serves all that are under way. redis-py
makes the connection, with every option of a URL. Its streams, its lock and its timeout for each
step are left out, because they would take three times the CPU of the rest.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeAlias

import hiredis
import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.connection import DefaultParser
from redis.exceptions import RedisError
from typing_extensions import override

Hear: TypeAlias = Callable[[bytes, bytes], None]
"""Receiver of published messages: `hear(channel, message)`."""


class _Question(NamedTuple):
    """A command that was sent, with the loop's time of sending."""

    answer: "asyncio.Future[Any]"
    asked_at: float


class _Wire(asyncio.Protocol):
    """A connection made by redis-py. Any failure ends it and every command under way.

    With `hear` it listens: data that answers no command is a published message.
    """

    def __init__(self, connection: Any, *, seconds: float, hear: Hear | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._asked: deque[_Question] = deque()
        self._unsent: list[bytes] = []
        self._watching: asyncio.TimerHandle | None = None
        self._parser = hiredis.Reader(
            protocolError=redis.InvalidResponse, replyError=DefaultParser.parse_error
        )
        self.is_open = True
        self.ended: asyncio.Future[Exception] = self._loop.create_future()
        self._hear = hear
        self._connection = connection  # kept, because its end would close the transport
        self._transport = connection._writer.transport  # noqa: SLF001 - it has no public name
        self._transport.set_protocol(self)

    def ask(self, command: tuple[Any, ...]) -> "asyncio.Future[Any]":
        """Send a command; return a future of its reply, or of a RedisError if that failed."""
        question = _Question(self._loop.create_future(), self._loop.time())
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(command))
        self._asked.append(question)
        if self._watching is None:
            self._watching = self._loop.call_later(self._seconds, self._watch)
        return question.answer

    def _send(self) -> None:
        """Send the commands of this turn of the loop in one piece."""
        try:
            self._transport.write(b"".join(self._unsent))
        except Exception as error:  # noqa: BLE001 - uvloop's own, for a closed transport
            self.end(redis.ConnectionError(str(error)))
        self._unsent.clear()

    def _watch(self) -> None:
        """End the connection if the oldest command is overdue; replies come in order."""
        self._watching = None
        if not self._asked:
            return
        due_at = self._asked[0].asked_at + self._seconds
        if due_at <= self._loop.time():
            self.end(redis.TimeoutError("no answer in time"))
        else:
            self._watching = self._loop.call_at(due_at, self._watch)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed(data)
            while (reply := self._parser.gets()) is not False:
                self._answer(reply)
        except Exception as error:  # noqa: BLE001 - `hear` may raise anything; `listen` raises it
            self.end(error)

    def _answer(self, reply: Any) -> None:
        if not self._asked:
            self._take_message(reply)
            return
        answer = self._asked.popleft().answer
        if answer.done():  # the caller has given up
            return
        if isinstance(reply, Exception):
            answer.set_exception(reply)
        else:
            answer.set_result(reply)

    def _take_message(self, reply: Any) -> None:
        if self._hear is None or isinstance(reply, Exception):
            raise redis.InvalidResponse(f"an answer that nobody asked for: {reply!r}")
        kind, channel, message = reply
        if kind == b"message":  # not the confirmation of a subscription
            self._hear(channel, message)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.end(redis.ConnectionError(str(exc or "the server closed the connection")))

    def end(self, error: Exception) -> None:
        """Close at once and fail every command under way with this error."""
        self.is_open = False
        if not self.ended.done():
            self.ended.set_result(error)
        self._transport.abort()
        self._connection._close()  # noqa: SLF001 - otherwise redis-py warns when it is deleted
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        while self._asked:
            answer = self._asked.popleft().answer
            if not answer.done():
                answer.set_exception(error)


class RenewedConnection:
    """A loop's line to one server: a connection, which the first command after its end renews."""

    def __init__(self, url: str) -> None:
        # Our own clock serves all commands: theirs would cost each step a timer (ADR 0033).
        # With RESP3, redis-py mistakes a connection that its server has closed for one in use.
        self._pool: Any = redis.asyncio.ConnectionPool.from_url(
            url, protocol=2, socket_timeout=None, socket_connect_timeout=None
        )
        self._wire: _Wire | None = None
        self._connecting: asyncio.Task[_Wire] | None = None
        self._tls: Any = None

    def make(self) -> Any:
        """Return redis-py's unopened connection. Raises ValueError, TypeError or RedisError."""
        connection = self._pool.make_connection()
        if hasattr(connection, "ssl_context"):
            # Making one reads the authorities' certificates, which takes 20 ms of the loop.
            self._tls = connection.ssl_context = self._tls or connection.ssl_context
        return connection

    async def ask(self, command: tuple[Any, ...]) -> Any:
        """Return the reply, within REDIS_TIMEOUT_SECONDS. Raises RedisError."""
        try:
            wire = self._wire
            if wire is None or not wire.is_open:
                wire = await self._shared_wire()
            return await wire.ask(command)
        except RedisError:
            raise
        except Exception as error:  # uvloop raises errors of its own for a closed transport
            raise redis.ConnectionError(f"{type(error).__name__}: {error}") from error

    async def _shared_wire(self) -> _Wire:
        """Connect; callers that come meanwhile wait for the same connection or fail with it."""
        connecting = self._connecting
        if connecting is None or connecting.done():
            connecting = self._connecting = asyncio.create_task(self._wire_for_questions())
            connecting.add_done_callback(_is_heard)
        return await asyncio.shield(connecting)  # others wait for the same connection

    async def listen(self, *channels: str, hear: Hear, begun: Callable[[], None]) -> NoReturn:
        """Pass messages to `hear`, on a separate connection, until it ends. Raises RedisError.

        The connection may be silent without limit: TCP keep-alives, which redis-py turns on, find
        a vanished server within 45 s. `begun` is called once the subscription is in force.
        """
        wire = await self._connect(hear)
        try:
            await wire.ask(("SUBSCRIBE", *channels))
            begun()
            raise await wire.ended
        finally:
            wire.end(redis.ConnectionError("nobody listens any more"))

    async def _wire_for_questions(self) -> _Wire:
        self._wire = await self._connect()
        return self._wire

    async def _connect(self, hear: Hear | None = None) -> _Wire:
        seconds, connection = settings.REDIS_TIMEOUT_SECONDS, self.make()
        try:
            async with asyncio.timeout(seconds):
                await connection.connect()
        except BaseException as error:  # also when cancelled: no socket may stay open
            await connection.disconnect(nowait=True)
            if isinstance(error, TimeoutError):
                raise redis.TimeoutError("no answer in time") from None
            raise
        return _Wire(connection, seconds=seconds, hear=hear)

    async def end(self) -> None:
        """Close the connection before the loop ends."""
        if self._connecting is not None:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._connecting
        if self._wire is not None:
            self._wire.end(redis.ConnectionError("its loop ends"))
            await asyncio.sleep(0)  # a transport closes in the loop's next turn


def _is_heard(connecting: "asyncio.Task[Any]") -> None:
    """Read the task's exception, so that asyncio does not log it as never retrieved."""
    if not connecting.cancelled():
        connecting.exception()
