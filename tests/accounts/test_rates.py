"""Limits of requests and images a minute, on the real Valkey and without it."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from accounts.callers import Caller
from accounts.rates import give_back_async, on_redis, take, take_query, take_read
from accounts.rates.buckets import Bucket, Taken, buckets_of, headers_of
from accounts.rates.local import LocalBuckets
from pictor.kit.redis.client import client, forget_client
from pictor.kit.words.errors import RateLimited
from tests.making.factories import make_caller

CLOSED = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def fresh_client(monkeypatch):
    """Give the process no Redis client and no local buckets yet."""
    forget_client()
    monkeypatch.setattr(on_redis, "_local", LocalBuckets())
    yield
    forget_client()


@pytest.fixture
def caller():
    """A caller with 60 requests and 20 images a minute for the tenant, 30 and 10 for the key."""
    return make_caller(tenant_rpm=60, key_rpm=30, tenant_ipm=20, key_ipm=10)


def refusal(caller: Caller, images: int = 1) -> RateLimited:
    with pytest.raises(RateLimited) as refused:
        take(caller, images=images)
    return refused.value


# --- rules ------------------------------------------------------------------------------------


def of(caller: Caller, images: int) -> list[Bucket]:
    return buckets_of(
        caller.limits,
        tenant_id=caller.tenant_id,
        key_id=caller.key_id,
        requests=1,
        images=images,
        ceiling=1_000_000,
    )


def test_a_caller_without_limits_meets_the_platforms():
    caller = make_caller()

    assert take(caller, images=10) == {
        "x-ratelimit-limit-requests": "1000000",
        "x-ratelimit-remaining-requests": "999999",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-images": "1000000",
        "x-ratelimit-remaining-images": "999990",
        "x-ratelimit-reset-images": "1s",
    }


def test_a_keys_own_limit_needs_no_workspace_limit():
    buckets = of(make_caller(key_rpm=5, tenant_ipm=7), 1)

    assert [(one.unit, one.whose, one.capacity) for one in buckets] == [
        ("requests", "API key", 5),
        ("images", "workspace", 7),
    ]


def test_a_callers_buckets_are_its_tenants_and_its_own(caller):
    buckets = of(caller, 3)

    assert [(one.unit, one.whose, one.capacity, one.cost) for one in buckets] == [
        ("requests", "workspace", 60, 1),
        ("requests", "API key", 30, 1),
        ("images", "workspace", 20, 3),
        ("images", "API key", 10, 3),
    ]
    assert len({one.name for one in buckets}) == 4
    assert all(f"{{{caller.tenant_id}}}" in one.name for one in buckets)


@pytest.mark.parametrize(
    ("levels", "remaining", "reset"),
    [
        ((60.0, 30.0), "30", "0s"),
        ((10.0, 29.0), "10", "50s"),
        ((59.9, 0.4), "0", "60s"),
        ((60.0, 15.5), "15", "29s"),
    ],
)
def test_the_headers_tell_of_the_tighter_bucket(levels, remaining, reset):
    buckets = [
        Bucket("a", "requests", "account", 60, 1),
        Bucket("b", "requests", "API key", 30, 1),
    ]

    headers = headers_of(buckets, Taken(0.0, levels))

    assert headers["x-ratelimit-remaining-requests"] == remaining
    assert headers["x-ratelimit-reset-requests"] == reset
    assert "x-ratelimit-limit-images" not in headers


# --- on Valkey --------------------------------------------------------------------------------


def test_a_bucket_starts_full_and_the_headers_say_what_is_left(caller):
    headers = take(caller, images=4)

    assert headers == {
        "x-ratelimit-limit-requests": "30",
        "x-ratelimit-remaining-requests": "29",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-limit-images": "10",
        "x-ratelimit-remaining-images": "6",
        "x-ratelimit-reset-images": "24s",
    }


def test_a_redis_that_has_forgotten_the_script_is_told_it_again(caller, caplog):
    take(caller, images=1)
    client().script_flush()

    headers = take(caller, images=1)

    assert headers["x-ratelimit-remaining-requests"] == "28"
    assert caplog.text == ""


def test_a_minutes_allowance_passes_and_the_next_request_is_told_when_to_retry():
    caller = make_caller(tenant_rpm=30)
    for _ in range(30):
        take(caller, images=1)

    error = refusal(caller)

    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert error.retry_after in {1, 2, 3, 4, 5}
    assert error.should_retry is None
    assert error.message == "Rate limit reached for this workspace: 30 requests a minute."
    assert error.headers["x-ratelimit-remaining-requests"] == "0"


def test_after_the_time_named_the_next_one_passes(monkeypatch):
    monkeypatch.setattr(on_redis, "STEP_SECONDS", 3.0)
    caller = make_caller(key_rpm=20)
    for _ in range(20):
        take(caller, images=1)
    error = refusal(caller)

    time.sleep(error.retry_after or 0)  # the promise is about this very time

    assert take(caller, images=1)["x-ratelimit-remaining-requests"] == "0"


def test_a_refusal_takes_from_no_bucket(caller):
    take(caller, images=8)

    error = refusal(caller, images=5)

    assert "10 images a minute" in error.message
    assert error.headers["x-ratelimit-remaining-requests"] == "29"
    assert error.headers["x-ratelimit-remaining-images"] == "2"
    assert take(caller, images=2)["x-ratelimit-remaining-requests"] == "28"


@pytest.mark.parametrize("url", [None, CLOSED])
def test_images_are_given_back_up_to_a_full_bucket(caller, settings, url):
    settings.REDIS_URL = url or settings.REDIS_URL
    take(caller, images=4)

    headers = asyncio.run(give_back_async(caller, images=3))
    again = asyncio.run(give_back_async(caller, images=3))

    assert headers["x-ratelimit-remaining-images"] == "9"
    assert again["x-ratelimit-remaining-images"] == "10"
    assert again["x-ratelimit-remaining-requests"] == "29"
    assert take(caller, images=10)["x-ratelimit-remaining-images"] == "0"


def test_more_images_than_a_minute_allows_can_never_pass(caller):
    error = refusal(caller, images=11)

    assert (error.retry_after, error.should_retry) == (None, False)
    assert "can never pass" in error.message
    assert take(caller, images=10)["x-ratelimit-remaining-images"] == "0"


def test_two_keys_of_a_tenant_share_its_bucket():
    caller = make_caller(tenant_rpm=5)
    sibling = replace(make_caller(tenant_rpm=5), tenant_id=caller.tenant_id)
    for _ in range(3):
        take(caller, images=1)

    assert take(sibling, images=1)["x-ratelimit-remaining-requests"] == "1"


def test_two_tenants_share_nothing():
    for _ in range(3):
        take(make_caller(tenant_rpm=1), images=1)


def test_many_requests_at_once_pass_up_to_the_limit():
    caller = make_caller(tenant_rpm=30)

    def one(_):
        try:
            take(caller, images=1)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        passed = sum(pool.map(one, range(120)))

    assert passed == 30


def test_idle_buckets_are_forgotten_by_redis(caller, settings):
    take(caller, images=1)

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        lives = [client.pttl(bucket.name) for bucket in of(caller, 1)]
    assert all(100_000 < life <= 120_000 for life in lives)


# --- without Redis ----------------------------------------------------------------------------


@pytest.fixture
def away(settings, fresh_client):
    settings.REDIS_URL = CLOSED
    forget_client()


def test_limits_are_kept_locally_while_redis_is_away(away, caplog):
    caller = make_caller(tenant_rpm=5)

    left = [take(caller, images=1)["x-ratelimit-remaining-requests"] for _ in range(5)]
    error = refusal(caller)

    assert left == ["4", "3", "2", "1", "0"]
    assert error.retry_after in {14, 15}
    assert caplog.text.count("rate limits are kept locally") == 1


def test_a_redis_that_came_back_is_used_again(away, settings, monkeypatch):
    caller = make_caller(tenant_rpm=5)
    take(caller, images=1)
    settings.REDIS_URL = settings.CELERY_BROKER_URL
    forget_client()
    assert take(caller, images=1)["x-ratelimit-remaining-requests"] == "3"

    monkeypatch.setattr(on_redis._AWAY, "_until", time.monotonic())  # noqa: SLF001 - it is over

    assert take(caller, images=1)["x-ratelimit-remaining-requests"] == "4"


@pytest.fixture
def bucket():
    return Bucket("a", "requests", "account", 60, 1)


def test_a_local_bucket_fills_in_steps(bucket):
    buckets = LocalBuckets()
    for _ in range(60):
        buckets.take([bucket], now=100.0)

    assert buckets.take([bucket], now=100.0) == Taken(5.0, (0.0,))
    assert buckets.take([bucket], now=104.5) == Taken(0.5, (0.0,))
    assert buckets.take([bucket], now=105.0) == Taken(0.0, (4.0,))
    assert buckets.take([bucket], now=9999.0) == Taken(0.0, (59.0,))


def test_local_buckets_are_taken_from_together_or_not_at_all(bucket):
    buckets, small = LocalBuckets(), Bucket("b", "images", "account", 6, 4)

    first = buckets.take([bucket, small], now=0.0)
    second = buckets.take([bucket, small], now=0.0)

    assert first == Taken(0.0, (59.0, 2.0))
    assert second == Taken(20.0, (59.0, 2.0))


def test_the_least_used_local_bucket_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(LocalBuckets, "MAX_BUCKETS", 2)
    buckets = LocalBuckets()
    one, two, three = (Bucket(name, "requests", "account", 10, 1) for name in "abc")
    for bucket in (one, two, one, three):
        buckets.take([bucket], now=0.0)

    assert buckets.take([one], now=0.0).levels == (7.0,)
    assert buckets.take([two], now=0.0).levels == (9.0,)


# --- reads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "words"),
    [(take_read, "60 reads a minute"), (take_query, "60 lists and quotes a minute")],
)
@pytest.mark.parametrize("url", [None, CLOSED])
def test_reads_have_a_limit_of_their_own(caller, settings, url, count, words):
    settings.READS_PER_MINUTE = settings.QUERIES_PER_MINUTE = 60
    settings.REDIS_URL = url or settings.REDIS_URL
    for _ in range(60):
        count(caller)

    with pytest.raises(RateLimited) as refused:
        count(caller)

    assert words in refused.value.message
    assert refused.value.retry_after in range(1, 6)
    assert refused.value.headers == {}
    take(caller, images=1)


def test_another_tenants_reads_do_not_count(caller, settings):
    settings.READS_PER_MINUTE = 1
    take_read(caller)

    take_read(make_caller())

    with pytest.raises(RateLimited):
        take_read(replace(caller, key_id=make_caller().key_id))


def test_500_who_look_every_second_are_within_the_limit(settings):
    assert settings.READS_PER_MINUTE == 500 * 60
