"""Requests and images per minute, of a key and of its tenant, in one round trip.

Each limit is a bucket that holds a minute's worth, starts full and fills in steps. All buckets of a
request are looked at and taken from together, in one Lua script on Redis' own clock: either all
have room, or nothing is taken and the refusal says truly when to come back. While Redis is away
each web process keeps the same buckets in its own memory, so a limit is loosened by at most the
number of processes, and money, which is in Postgres, not at all.
"""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings

from accounts.selectors import Caller
from pictor.kit.errors import RateLimited

logger = logging.getLogger(__name__)

MINUTE = 60.0
STEP_SECONDS = 5.0
"""Buckets fill in steps, so that a burst that takes a moment to arrive gets its limit exactly."""
LONGEST_RETRY_AFTER = 60
AWAY_SECONDS = 2.0
"""After a failure Redis is left alone for so long."""

REQUESTS = "requests"
IMAGES = "images"

# KEYS: one hash a bucket. ARGV: capacity and cost of each, then the step (ms). A hash holds the
# level (x 1000) and the time (ms) of its last step. Returns wait_ms, then each level (x 1000).
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local step = tonumber(ARGV[2 * #KEYS + 1])
local levels, since, wait = {}, {}, 0
for i = 1, #KEYS do
  local capacity, cost = tonumber(ARGV[2 * i - 1]) * 1000, tonumber(ARGV[2 * i]) * 1000
  local state = redis.call('HMGET', KEYS[i], 'level', 'at')
  local level, at = capacity, now
  if state[1] then
    local steps = math.max(0, math.floor((now - tonumber(state[2])) / step))
    level = tonumber(state[1]) + steps * capacity * step / 60000
    at = tonumber(state[2]) + steps * step
    if level >= capacity then level, at = capacity, now end
  end
  levels[i], since[i] = level, at
  if level < cost then
    local steps = math.ceil((cost - level) * 60000 / capacity / step)
    wait = math.max(wait, at + steps * step - now)
  end
end
local result = {wait}
for i = 1, #KEYS do
  if wait == 0 then
    levels[i] = levels[i] - tonumber(ARGV[2 * i]) * 1000
    redis.call('HSET', KEYS[i], 'level', levels[i], 'at', since[i])
    redis.call('PEXPIRE', KEYS[i], 120000)
  end
  result[i + 1] = math.floor(levels[i])
end
return result
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit as one request meets it: whose, how many a minute, how many it takes."""

    name: str
    unit: str
    whose: str
    capacity: int
    cost: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call to the buckets came to: seconds to wait (0.0: taken) and what each holds now."""

    wait_seconds: float
    levels: tuple[float, ...]


def take(caller: Caller, *, images: int) -> dict[str, str]:
    """Count one request for so many images; the `x-ratelimit-…` headers of its answer.

    Raises RateLimited, with a true `retry_after` and those headers, when a bucket is too empty. A
    request for more images than a minute allows can never pass and is told so.
    """
    buckets = buckets_of(caller, images)
    taken = _take(buckets)
    headers = headers_of(buckets, taken)
    if taken.wait_seconds:
        raise _refusal(buckets, taken, headers)
    return headers


def buckets_of(caller: Caller, images: int) -> list[Bucket]:
    """The limits that this caller has, the tenant's first: where there is none, the platform's."""
    limits, tag = caller.limits, f"pictor:rate:{{{caller.tenant_id}}}"
    of_tenant, of_key = f"{tag}:tenant", f"{tag}:{caller.key_id}"
    ceiling = settings.RATE_CEILING_PER_MINUTE
    tenant_rpm, tenant_ipm = limits.tenant_rpm, limits.tenant_ipm
    if tenant_rpm is None and limits.key_rpm is None:
        tenant_rpm = ceiling
    if tenant_ipm is None and limits.key_ipm is None:
        tenant_ipm = ceiling
    found = [
        (REQUESTS, "account", f"{of_tenant}:requests", tenant_rpm, 1),
        (REQUESTS, "API key", f"{of_key}:requests", limits.key_rpm, 1),
        (IMAGES, "account", f"{of_tenant}:images", tenant_ipm, images),
        (IMAGES, "API key", f"{of_key}:images", limits.key_ipm, images),
    ]
    return [
        Bucket(name, unit, whose, capacity, cost)
        for unit, whose, name, capacity, cost in found
        if capacity is not None
    ]


def headers_of(buckets: Sequence[Bucket], taken: Taken) -> dict[str, str]:
    """Limit, remaining and seconds until full, of the tighter bucket of each unit."""
    headers: dict[str, str] = {}
    for unit in (REQUESTS, IMAGES):
        found = [
            (level, bucket)
            for bucket, level in zip(buckets, taken.levels, strict=True)
            if bucket.unit == unit
        ]
        if not found:
            continue
        level, bucket = min(found, key=lambda pair: pair[0])
        full_in = (bucket.capacity - level) * MINUTE / bucket.capacity
        headers[f"x-ratelimit-limit-{unit}"] = str(bucket.capacity)
        headers[f"x-ratelimit-remaining-{unit}"] = str(max(0, math.floor(level)))
        headers[f"x-ratelimit-reset-{unit}"] = f"{math.ceil(full_in)}s"
    return headers


def _refusal(buckets: Sequence[Bucket], taken: Taken, headers: dict[str, str]) -> RateLimited:
    short = [
        bucket for bucket, level in zip(buckets, taken.levels, strict=True) if level < bucket.cost
    ]
    bucket = max(short, key=lambda one: one.cost / one.capacity)
    never = bucket.cost > bucket.capacity
    retry_after = min(LONGEST_RETRY_AFTER, max(1, math.ceil(taken.wait_seconds)))
    error = RateLimited(
        f"Rate limit reached for this {bucket.whose}: {bucket.capacity} {bucket.unit} a minute."
        + (" One request for more images than that can never pass." if never else ""),
        retry_after=None if never else retry_after,
        should_retry=False if never else None,
    )
    error.headers = headers
    return error


# --- Redis, and the stand-in ------------------------------------------------------------------

_away_until = 0.0


def _take(buckets: Sequence[Bucket]) -> Taken:
    global _away_until  # noqa: PLW0603 - one Redis a process, seen the same by all its threads
    if time.monotonic() >= _away_until:
        try:
            return _take_on_redis(buckets)
        except redis.RedisError as error:
            _away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("rate limits are kept locally: %s", error)
    return _local.take(buckets, now=time.monotonic())


def _take_on_redis(buckets: Sequence[Bucket]) -> Taken:
    numbers = [number for bucket in buckets for number in (bucket.capacity, bucket.cost)]
    script = _script()
    wait_ms, *levels = script(
        keys=[bucket.name for bucket in buckets], args=[*numbers, int(STEP_SECONDS * 1000)]
    )
    return Taken(wait_ms / 1000, tuple(level / 1000 for level in levels))


@cache
def _script() -> "redis.commands.core.Script":
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
    )
    return client.register_script(_TAKE)


class LocalBuckets:
    """The same buckets in this process's memory, for as long as Redis is away."""

    MAX_BUCKETS = 100_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, buckets: Sequence[Bucket], *, now: float) -> Taken:
        """All or nothing, as the script does it. `now` is seconds of a monotonic clock."""
        with self._lock:
            found = [self._level(bucket, now) for bucket in buckets]
            waits = [
                _wait(bucket, level, at, now)
                for bucket, (level, at) in zip(buckets, found, strict=True)
                if level < bucket.cost
            ]
            if waits:
                return Taken(max(waits), tuple(level for level, _ in found))
            for bucket, (level, at) in zip(buckets, found, strict=True):
                self._levels[bucket.name] = (level - bucket.cost, at)
                self._levels.move_to_end(bucket.name)
            while len(self._levels) > self.MAX_BUCKETS:
                self._levels.popitem(last=False)
            left = zip(buckets, found, strict=True)
            return Taken(0.0, tuple(level - bucket.cost for bucket, (level, _) in left))

    def _level(self, bucket: Bucket, now: float) -> tuple[float, float]:
        """What the bucket holds, and since when: the time of its last step."""
        level, at = self._levels.get(bucket.name, (float(bucket.capacity), now))
        steps = max(0, math.floor((now - at) / STEP_SECONDS))
        level += steps * bucket.capacity * STEP_SECONDS / MINUTE
        if level >= bucket.capacity:
            return float(bucket.capacity), now
        return level, at + steps * STEP_SECONDS


def _wait(bucket: Bucket, level: float, at: float, now: float) -> float:
    """Seconds until enough steps have filled the bucket for this cost."""
    missing = (bucket.cost - level) * MINUTE / bucket.capacity
    return at + math.ceil(missing / STEP_SECONDS) * STEP_SECONDS - now


_local = LocalBuckets()
