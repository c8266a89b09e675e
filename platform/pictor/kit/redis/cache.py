"""Django's cache on Redis, with the process's own memory while Redis is away.

A sign-in must not wait for Redis: after a failure it is left alone for AWAY_SECONDS, and meanwhile
each process counts for itself. Values are JSON, so that write access to Redis does not let anyone
run code here. A value that is not JSON stays in the process that made it.
"""

import json
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError
from typing_extensions import override

from pictor.kit.running.pauses import Pause

AWAY_SECONDS = 5.0
_AWAY = Pause(AWAY_SECONDS, "what is cached is kept locally")


class JsonSerializer:
    """Serializer of the values in Redis."""

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON. Raises TypeError for a value that JSON cannot hold."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class RedisOrLocal(RedisCache):
    """Redis first; local memory if Redis fails or the value is not JSON."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocMemCache("redis-or-local", {**params, "OPTIONS": {}})

    @override
    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return bool(
            self._first(
                lambda: super(RedisOrLocal, self).add(key, value, timeout, version),
                lambda: self._local.add(key, value, timeout, version),
            )
        )

    @override
    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        # A value kept while Redis was away counts until Redis has one of its own.
        kept = self._local.get(key, default, version)
        return self._first(lambda: super(RedisOrLocal, self).get(key, kept, version), lambda: kept)

    @override
    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        self._first(
            lambda: super(RedisOrLocal, self).set(key, value, timeout, version),
            lambda: self._local.set(key, value, timeout, version),
        )

    @override
    def delete(self, key: Any, version: int | None = None) -> bool:
        was_kept = self._local.delete(key, version)
        return bool(
            self._first(lambda: super(RedisOrLocal, self).delete(key, version), lambda: was_kept)
        )

    @override
    def clear(self) -> None:
        """Delete everything, in local memory and in the whole Redis database."""
        self._local.clear()
        self._first(super().clear, lambda: None)

    def _first(self, ask: Callable[[], Any], instead: Callable[[], Any]) -> Any:
        if _AWAY.is_on():
            return instead()
        try:
            return ask()
        except RedisError as error:
            _AWAY.begin(error)
        except TypeError:  # no JSON
            pass
        return instead()
