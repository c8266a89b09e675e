"""Redis or Valkey: the process's clients for threads and for event loops, and the broker's.

Threads share a client, which keeps a connection for each thread at work; each loop has a connection
of its own (redis/wire.py). No call waits longer than REDIS_TIMEOUT_SECONDS, and failures are
RedisErrors: every use is a hint or has a fallback, so no caller may be held up. Settings are read
when a client is first used.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Generic, NoReturn, TypeVar

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from pictor.kit.redis.wire import Hear, RenewedConnection
from pictor.kit.running.pauses import Pause
from pictor.kit.running.per_loop import PerLoop

S = TypeVar("S")
T = TypeVar("T")

_making = threading.Lock()
_CERT_REQS = re.compile(r"(?<=[?&]ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)\b")


@dataclass(frozen=True, slots=True)
class RedisCommand(Generic[T]):
    """A command, the reader of its reply, and a fallback while the server is away.

    Attributes:
        read: makes the result from the server's reply, in which text is bytes.
        instead: makes the result if there is no reply.
        pause: begins after a failure; until it ends the server is not asked.
        is_broker: True if the command is for the broker's server.
        failures: the exceptions that count as no reply.
    """

    words: Sequence[str | int]
    read: Callable[[Any], T]
    instead: Callable[[], T]
    pause: Pause
    is_broker: bool = False
    failures: type[Exception] = RedisError


def send(command: RedisCommand[T]) -> T:
    """Send a command on this thread's connection and wait for its result."""
    if command.pause.is_on():
        return command.instead()
    try:
        server: Any = broker() if command.is_broker else client()
        reply = server.execute_command(*command.words)
    except command.failures as error:
        command.pause.begin(error)
        return command.instead()
    return command.read(reply)


async def send_async(command: RedisCommand[T]) -> T:
    """Send a command on the running loop's connection and wait for its result.

    The command must be safe to repeat: it is sent again if the connection broke, which may have
    happened unnoticed long before, for example when the server's machine was restarted.
    """
    if command.pause.is_on():
        return command.instead()
    words = tuple(command.words)
    try:
        line = await _line_to(_broker_url() if command.is_broker else settings.REDIS_URL)
        try:
            reply = await line.ask(words)
        except redis.ConnectionError:
            reply = await line.ask(words)
    except command.failures as error:
        command.pause.begin(error)
        return command.instead()
    return command.read(reply)


class Gathered(Generic[S, T]):
    """Sends parts of one turn of a loop as one command; each sender gets its result.

    What is written together comes back together, so its bells are rung in one turn.

    Args:
        command: makes the command of all parts, in order.
    """

    def __init__(self, command: Callable[[Sequence[S]], RedisCommand[T]]) -> None:
        self._command = command
        self._turns: PerLoop[_Turn[S, T]] = PerLoop()

    async def send(self, part: S) -> T:
        """Send it with the others of this turn of the loop, as `send_async` does.

        It is sent even if its caller is cancelled.
        """
        turn = await self._turns.of("", lambda: _Turn(self._command))
        return await asyncio.shield(turn.add(part))


class _Turn(Generic[S, T]):
    """The parts of this turn of one loop."""

    def __init__(self, command: Callable[[Sequence[S]], RedisCommand[T]]) -> None:
        self._command = command
        self._parts: list[S] = []
        self._sending: asyncio.Task[T]

    def add(self, part: S) -> "asyncio.Task[T]":
        self._parts.append(part)
        if len(self._parts) == 1:
            self._sending = asyncio.create_task(self._send())
        return self._sending

    async def _send(self) -> T:
        # A task begins in the next turn, so this one's parts are complete.
        parts, self._parts = self._parts, []
        return await send_async(self._command(parts))

    async def end(self) -> None:
        """Nothing to release: the loop ends its own tasks."""


def client() -> "redis.Redis":
    """Return the client for commands. They block, so call them in a thread."""
    with _making:  # without the lock, `cache` lets simultaneous threads make one each
        return _client()


def broker() -> "redis.Redis":
    """Return the client for the broker's server, which may be the same server."""
    with _making:
        return _client() if _broker_url() == settings.REDIS_URL else _broker()


def answers(server: "Callable[[], redis.Redis]") -> bool:
    """True if the server of `client` or `broker` answers a ping."""
    try:
        return bool(server().ping())
    except RedisError:
        return False


async def listen(*channels: str, hear: Hear, begun: Callable[[], None]) -> NoReturn:
    """Pass published messages to `hear`, on the running loop, until the connection fails.

    `begun` is called once the subscription is in force. Raises RedisError and errors of `hear`.
    """
    await (await _line_to(settings.REDIS_URL)).listen(*channels, hear=hear, begun=begun)


def forget_client() -> None:
    """For tests: drop the threads' clients after settings changed; the next use makes new ones."""
    with _making:
        _client.cache_clear()
        _broker.cache_clear()


def unusable() -> list[str]:
    """Return the settings whose URL is unusable. Contacts no server."""
    urls = {
        "REDIS_URL": settings.REDIS_URL,
        "CELERY_BROKER_URL": _as_redis_has_it(settings.CELERY_BROKER_URL),
    }
    return [name for name, url in urls.items() if not _is_usable(url)]


@cache
def _client() -> "redis.Redis":
    return _make_client(settings.REDIS_URL)


@cache
def _broker() -> "redis.Redis":
    return _make_client(_broker_url())


def _broker_url() -> str:
    is_same = settings.CELERY_BROKER_URL == settings.REDIS_URL
    return settings.REDIS_URL if is_same else _as_redis_has_it(settings.CELERY_BROKER_URL)


_lines: PerLoop[RenewedConnection] = PerLoop()
"""Keyed by server URL."""


async def _line_to(url: str) -> RenewedConnection:
    """Return the running loop's line. Raises ValueError or RedisError for an unusable URL."""
    return await _lines.of(url, partial(RenewedConnection, url))


def _as_redis_has_it(url: str) -> str:
    """Translate a broker's URL from Celery's notation to that of redis-py."""
    if url.startswith("redis+socket://"):
        path = url.removeprefix("redis+socket://").replace("virtual_host=", "db=")
        return f"unix://{path}"
    return _CERT_REQS.sub(lambda match: match[1].lower(), url)


def _is_usable(url: str) -> bool:
    try:
        pool: Any = _make_client(url).connection_pool
        pool.make_connection()
        RenewedConnection(url).make()
    except (RedisError, TypeError, ValueError):
        return False
    return True


def _make_client(url: str) -> "redis.Redis":
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
