"""Django's cache: on Redis as JSON, or in this process's memory while Redis is away."""

from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings

from pictor.kit.redis.cache import AWAY_SECONDS, RedisOrLocal

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def cache_at() -> Iterator[Callable[[str], RedisOrLocal]]:
    """A cache at that address; its connections are closed with the test."""
    made: list[RedisOrLocal] = []

    def cache(url: str) -> RedisOrLocal:
        made.append(RedisOrLocal(url, {**settings.CACHES["default"], "KEY_PREFIX": "test:cache"}))
        made[-1].delete("name")
        return made[-1]

    yield cache
    for one in made:
        one._cache.get_client(None, write=True).connection_pool.disconnect()  # noqa: SLF001 - it has no way to close them


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.mark.parametrize("url", [settings.REDIS_URL, NOWHERE], ids=["there", "away"])
def test_a_cached_value_is_read_back(cache_at, url):
    cache = cache_at(url)

    assert cache.add("name", [1.5, "two"], 60)
    assert not cache.add("name", "another", 60)
    assert cache.get("name") == [1.5, "two"]
    cache.set("name", 3, 60)
    assert cache.get("name") == 3
    assert cache.delete("name")
    assert cache.get("name", "gone") == "gone"


def test_redis_holds_json_that_runs_nothing(cache_at, server):
    cache = cache_at(settings.REDIS_URL)

    cache.set("name", {"a": 1}, 60)

    assert server.get(cache.make_key("name")) == b'{"a": 1}'


def test_a_value_that_is_no_json_stays_in_the_process(cache_at, server):
    value = frozenset({"a result"})
    cache = cache_at(settings.REDIS_URL)

    cache.set("name", value, 60)

    assert cache.get("name") == value
    assert server.get(cache.make_key("name")) is None


def test_clearing_forgets_what_was_kept_while_redis_was_away(cache_at):
    cache = cache_at(NOWHERE)
    cache.set("name", "alone", 60)

    cache.clear()

    assert cache.get("name") is None


def test_redis_is_used_again_when_it_is_back(cache_at, server, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("pictor.kit.running.pauses.time.monotonic", lambda: now[0])
    cache = cache_at(settings.REDIS_URL)
    with monkeypatch.context() as away:
        away.setattr(redis.Redis, "set", _away)
        cache.set("name", "alone", 60)
    while_it_is_thought_away = cache.get("name"), server.get(cache.make_key("name"))
    now[0] += AWAY_SECONDS

    cache.set("name", "together", 60)

    assert while_it_is_thought_away == ("alone", None)
    assert cache.get("name") == "together"
    assert server.get(cache.make_key("name")) == b'"together"'


def _away(*_args: object, **_kwargs: object) -> None:
    raise redis.ConnectionError("away")
