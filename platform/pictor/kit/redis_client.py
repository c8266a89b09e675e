"""Redis or Valkey: the process's clients, for threads and for its event loop, and its broker's.

A client is shared by all threads, or by all tasks of a loop, and keeps a connection for each that
is at work. Nothing is waited for longer than REDIS_TIMEOUT_SECONDS, and what failed is a
RedisError: whatever goes through here is a hint or has a stand-in, and must not hold anybody up.
Settings are read when a client is first used.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError
from typing_extensions import override

from pictor.kit.moments import Question

_making = threading.Lock()
_CERT_REQS = re.compile(r"(?<=[?&]ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)\b")


@dataclass(frozen=True, slots=True)
class Asked(Question):
    """A question of Redis, the same over either kind of client."""

    ask: Callable[[Any], Any]
    """Asks a client; gives back the answer, or on a loop what is awaited for it."""
    is_broker: bool = False

    @override
    def here(self) -> Any:
        return self.ask(broker() if self.is_broker else client())

    @override
    async def on_loop(self) -> Any:
        """The same on the running loop; whatever fails there is a RedisError here too.

        Asked again where a connection broke, so it must bear that: those that wait to be used may
        have been dead for long, as after the server's machine was restarted, and nobody noticed.
        """
        url = _broker_url() if self.is_broker else settings.REDIS_URL
        client = await _client_of_loop(url)
        try:
            return await _answered(self.ask, client)
        except redis.ConnectionError:
            with suppress(Exception):  # some of them are dead
                await client.connection_pool.disconnect(inuse_connections=False)
            return await _answered(self.ask, client)


async def _answered(ask: Callable[[Any], Any], client: "redis.asyncio.Redis") -> Any:
    try:
        return await ask(client)
    except RedisError:
        raise
    except Exception as error:  # a transport that has closed is uvloop's to tell of
        raise redis.ConnectionError(f"{type(error).__name__}: {error}") from error


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


class _Mine(threading.local):
    """The clients of the loop that runs in this thread, by their URLs, and what closes them."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.clients: dict[str, redis.asyncio.Redis] = {}
        self.closing: list[AsyncIterator[None]] = []


_mine = _Mine()


async def _client_of_loop(url: str) -> "redis.asyncio.Redis":
    if _mine.loop is not (loop := asyncio.get_running_loop()):
        _mine.loop, _mine.clients, _mine.closing = loop, {}, []
    if url not in _mine.clients:
        client = _mine.clients[url] = _made_for_loop(url)
        _mine.closing.append(closing := _closed_with_its_loop(client))
        await anext(closing)
    return _mine.clients[url]


async def _closed_with_its_loop(client: "redis.asyncio.Redis") -> AsyncIterator[None]:
    """A loop ends all asynchronous generators that have begun on it, before it is closed."""
    try:
        yield
    finally:
        with suppress(RedisError):
            await client.aclose()


def _as_redis_has_it(url: str) -> str:
    """A broker's URL as Celery reads it, in the words of redis-py."""
    if url.startswith("redis+socket://"):
        path = url.removeprefix("redis+socket://").replace("virtual_host=", "db=")
        return f"unix://{path}"
    return _CERT_REQS.sub(lambda found: found[1].lower(), url)


def _is_usable(url: str) -> bool:
    try:
        for made in (_made(url), _made_for_loop(url)):
            pool: Any = made.connection_pool
            pool.make_connection()
    except (RedisError, TypeError, ValueError):
        return False
    return True


def _made(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, **_limits())


def _made_for_loop(url: str) -> "redis.asyncio.Redis":
    # With RESP3, redis-py takes a connection that its server has closed for one in use.
    return redis.asyncio.Redis.from_url(url, protocol=2, **_limits())


def _limits() -> dict[str, Any]:
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds}
