"""Redis or Valkey: the process's one client, its broker's, and the client of its one subscription.

A client is shared by all threads and keeps a connection for each that is at work. Every call
ends within REDIS_TIMEOUT_SECONDS, in RedisError where it failed: what goes through here is a hint
or has a stand-in, and must not hold anybody up. Settings are read when the client is first used.
"""

import re
import threading
from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

_making = threading.Lock()
_CERT_REQS = re.compile(r"(?<=[?&]ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)\b")


def client() -> "redis.Redis":
    """The client for commands: they block, so call it in a thread."""
    with _making:  # `cache` alone lets threads that come at once make one each
        return _client()


def broker() -> "redis.Redis":
    """The same for the broker's server, which may be another one."""
    with _making:
        return _client() if settings.CELERY_BROKER_URL == settings.REDIS_URL else _broker()


def subscriber() -> "redis.asyncio.Redis":
    """A new client for one subscription, which may be silent for as long as it likes. Close it.

    TCP keep-alives, which redis-py asks for, find within 45 s that the other end has vanished.
    """
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
    )


def forget_client() -> None:
    """Make a new client on next use, after settings changed."""
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
    return _made(_as_redis_has_it(settings.CELERY_BROKER_URL))


def _as_redis_has_it(url: str) -> str:
    """A broker's URL as Celery reads it, in the words of redis-py."""
    if url.startswith("redis+socket://"):
        path = url.removeprefix("redis+socket://").replace("virtual_host=", "db=")
        return f"unix://{path}"
    return _CERT_REQS.sub(lambda found: found[1].lower(), url)


def _is_usable(url: str) -> bool:
    try:
        _made(url).connection_pool.make_connection()
    except (RedisError, TypeError, ValueError):
        return False
    return True


def _made(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
    )
