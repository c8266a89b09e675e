"""Redis or Valkey: the process's clients, for threads and for its event loop, and its broker's.

A client is shared by all threads, and keeps a connection for each that is at work; a loop has one
of its own (redis/wire.py). Nothing is waited for longer than REDIS_TIMEOUT_SECONDS, and what failed
is a RedisError: whatever goes through here is a hint or has a stand-in, and must not hold anybody
up. Settings are read when a client is first used.
"""

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

from pictor.kit.redis.wire import Hear, Line
from pictor.kit.running.pauses import Pause
from pictor.kit.running.per_loop import PerLoop

T = TypeVar("T")

_making = threading.Lock()
_CERT_REQS = re.compile(r"(?<=[?&]ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)\b")


@dataclass(frozen=True, slots=True)
class RedisCommand(Generic[T]):
    """A command, what its reply means, and what stands in for that while the server is away.

    Attributes:
        read: makes the result of the reply as the server gives it: text is bytes.
        instead: the result where there is no reply.
        pause: begins where there is none, and meanwhile the server is not asked.
        is_broker: whether it is for the broker's server.
        failures: what counts as no reply.
    """

    words: Sequence[str | int]
    read: Callable[[Any], T]
    instead: Callable[[], T]
    pause: Pause
    is_broker: bool = False
    failures: type[Exception] = RedisError


def ask(command: RedisCommand[T]) -> T:
    """Send it on this thread's connection, and wait for the reply."""
    if command.pause.is_on():
        return command.instead()
    try:
        server: Any = broker() if command.is_broker else client()
        reply = server.execute_command(*command.words)
    except command.failures as error:
        command.pause.begin(error)
        return command.instead()
    return command.read(reply)


async def ask_async(command: RedisCommand[T]) -> T:
    """The same on the running loop.

    Sent again where the connection broke, so it must bear that: it may have been dead for long, as
    after the server's machine was restarted, and nobody noticed.
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


def client() -> "redis.Redis":
    """The client for commands: they block, so call it in a thread."""
    with _making:  # `cache` alone lets threads that come at once make one each
        return _client()


def broker() -> "redis.Redis":
    """The same for the broker's server, which may be another one."""
    with _making:
        return _client() if _broker_url() == settings.REDIS_URL else _broker()


async def listen(*channels: str, hear: Hear, begun: Callable[[], None]) -> NoReturn:
    """Hear what is published on the running loop, until it cannot be heard.

    `begun` is called once nothing is missed any more. Raises RedisError, and what `hear` raises.
    """
    await (await _line_to(settings.REDIS_URL)).listen(*channels, hear=hear, begun=begun)


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


_lines: PerLoop[Line] = PerLoop()
"""By the servers' URLs."""


async def _line_to(url: str) -> Line:
    """The running loop's. Raises ValueError or RedisError for a url that is none."""
    return await _lines.of(url, partial(Line, url))


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
        Line(url).make()
    except (RedisError, TypeError, ValueError):
        return False
    return True


def _made(url: str) -> "redis.Redis":
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
