"""Redis or Valkey: the process's clients, for threads and for its event loop, and its broker's.

A client is shared by all threads, and keeps a connection for each that is at work; a loop has
connections of its own. Nothing is waited for longer than REDIS_TIMEOUT_SECONDS, and what failed is
a RedisError: whatever goes through here is a hint or has a stand-in, and must not hold anybody up.
Settings are read when a client is first used.
"""

import asyncio
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError
from typing_extensions import override

from pictor.kit.moments import Question
from pictor.kit.per_loop import PerLoop

_making = threading.Lock()
_CERT_REQS = re.compile(r"(?<=[?&]ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)\b")


@dataclass(frozen=True, slots=True)
class Asked(Question):
    """A question of Redis, and its answer as the server gives it: text is bytes."""

    command: tuple[Any, ...]
    is_broker: bool = False

    @override
    def here(self) -> Any:
        asked: Any = broker() if self.is_broker else client()
        return asked.execute_command(*self.command)

    @override
    async def on_loop(self) -> Any:
        """The same on the running loop; whatever fails there is a RedisError here too.

        Asked again where a connection broke, so it must bear that: those that wait to be used may
        have been dead for long, as after the server's machine was restarted, and nobody noticed.
        """
        url = _broker_url() if self.is_broker else settings.REDIS_URL
        connections = await _connections.of(url, partial(_Connections, url))
        try:
            return await connections.ask(self.command)
        except redis.ConnectionError:
            await connections.close()
            return await connections.ask(self.command)


class _Connections:
    """Those of a loop to one server, each for a question at a time, and kept for the next.

    redis-py's, without its client and pool: these take twice the CPU, mostly to give each step a
    time-out of its own.
    """

    def __init__(self, url: str) -> None:
        # With RESP3, redis-py takes a connection that its server has closed for one in use.
        self._pool: Any = redis.asyncio.ConnectionPool.from_url(
            url, protocol=2, socket_timeout=None, socket_connect_timeout=None
        )
        self._free: list[Any] = []
        self._tls: Any = None

    def make(self) -> Any:
        """One more, not connected yet. Raises ValueError, TypeError or RedisError for a bad url."""
        connection = self._pool.make_connection()
        if hasattr(connection, "ssl_context"):
            # It reads the authorities' certificates once, 20 ms of the loop.
            self._tls = connection.ssl_context = self._tls or connection.ssl_context
        return connection

    async def ask(self, command: tuple[Any, ...]) -> Any:
        """The answer, within REDIS_TIMEOUT_SECONDS. Raises RedisError."""
        try:
            async with asyncio.timeout(settings.REDIS_TIMEOUT_SECONDS):
                return await self._answer(await self._take(), command)
        except RedisError:
            raise
        except TimeoutError:
            raise redis.TimeoutError("no answer in time") from None
        except Exception as error:  # a transport that has closed is uvloop's to tell of
            raise redis.ConnectionError(f"{type(error).__name__}: {error}") from error

    async def _answer(self, connection: Any, command: tuple[Any, ...]) -> Any:
        is_fit = False
        try:
            await connection.send_command(*command)
            answer = await connection.read_response()
            is_fit = True
        except redis.ResponseError:
            is_fit = True  # the question was not, and the connection is as it was
            raise
        finally:
            if is_fit:
                self._free.append(connection)
            else:
                await _drop(connection)
        return answer

    async def _take(self) -> Any:
        """The one that was used last, or a new one. Nobody asked for what has come on one since."""
        while self._free:
            connection = self._free.pop()
            if await _is_silent(connection):
                return connection
            await _drop(connection)
        return self.make()

    async def close(self) -> None:
        """Close those that nobody uses."""
        while self._free:
            await _drop(self._free.pop())

    async def end(self) -> None:
        """The same before the loop ends, which one that is closed halfway would not let it do."""
        ending = [connection.disconnect() for connection in self._free]
        self._free.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.REDIS_TIMEOUT_SECONDS):
                await asyncio.gather(*ending, return_exceptions=True)


async def _is_silent(connection: Any) -> bool:
    try:
        return not await connection.can_read()
    except (RedisError, OSError):
        return False


async def _drop(connection: Any) -> None:
    with suppress(Exception):  # it may be dead
        await connection.disconnect(nowait=True)


def client() -> "redis.Redis":
    """The client for commands: they block, so call it in a thread."""
    with _making:  # `cache` alone lets threads that come at once make one each
        return _client()


def broker() -> "redis.Redis":
    """The same for the broker's server, which may be another one."""
    with _making:
        return _client() if _broker_url() == settings.REDIS_URL else _broker()


def subscriber() -> "redis.asyncio.Redis":
    """A new client for one subscription, which may be silent for as long as it likes. Close it.

    TCP keep-alives, which redis-py asks for, find within 45 s that the other end has vanished.
    """
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
    )


def forget_client() -> None:
    """Make the threads' clients anew on next use, after settings changed."""
    with _making:
        _client.cache_clear()
        _broker.cache_clear()


def unusable() -> list[str]:
    """The settings whose URL no connection can be made of. Asks no server."""
    made = {
        "REDIS_URL": settings.REDIS_URL,
        "CELERY_BROKER_URL": _as_redis_has_it(settings.CELERY_BROKER_URL),
    }
    return [name for name, url in made.items() if not _is_usable(url)]


@cache
def _client() -> "redis.Redis":
    return _made(settings.REDIS_URL)


@cache
def _broker() -> "redis.Redis":
    return _made(_broker_url())


def _broker_url() -> str:
    is_same = settings.CELERY_BROKER_URL == settings.REDIS_URL
    return settings.REDIS_URL if is_same else _as_redis_has_it(settings.CELERY_BROKER_URL)


_connections: PerLoop[_Connections] = PerLoop()
"""By their URLs."""


def _as_redis_has_it(url: str) -> str:
    """A broker's URL as Celery reads it, in the words of redis-py."""
    if url.startswith("redis+socket://"):
        path = url.removeprefix("redis+socket://").replace("virtual_host=", "db=")
        return f"unix://{path}"
    return _CERT_REQS.sub(lambda found: found[1].lower(), url)


def _is_usable(url: str) -> bool:
    try:
        pool: Any = _made(url).connection_pool
        pool.make_connection()
        _Connections(url).make()
    except (RedisError, TypeError, ValueError):
        return False
    return True


def _made(url: str) -> "redis.Redis":
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
