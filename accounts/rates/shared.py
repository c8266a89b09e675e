"""The buckets on Redis, seen the same by every process; in this process while Redis is away."""

import hashlib
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from redis.exceptions import NoScriptError, RedisError

from accounts.rates.buckets import STEP_SECONDS, Bucket, Taken
from accounts.rates.local import LocalBuckets
from pictor.kit.moments import Steps, moment
from pictor.kit.redis_client import Asked

T = TypeVar("T")

logger = logging.getLogger(__name__)

AWAY_SECONDS = 2.0
"""After a failure Redis is left alone for this long."""

# KEYS: one hash a bucket. ARGV: capacity, cost and time to fill (ms) of each, then the step (ms). A
# hash holds the level (x 1000) and the time (ms) of its last step. Returns wait_ms, then each level
# (x 1000).
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local step = tonumber(ARGV[3 * #KEYS + 1])
local levels, since, wait = {}, {}, 0
for i = 1, #KEYS do
  local capacity, cost = tonumber(ARGV[3 * i - 2]) * 1000, tonumber(ARGV[3 * i - 1]) * 1000
  local full = tonumber(ARGV[3 * i])
  local state = redis.call('HMGET', KEYS[i], 'level', 'at')
  local level, at = capacity, now
  if state[1] then
    local steps = math.max(0, math.floor((now - tonumber(state[2])) / step))
    level = tonumber(state[1]) + steps * capacity * step / full
    at = tonumber(state[2]) + steps * step
    if level >= capacity then level, at = capacity, now end
  end
  levels[i], since[i] = level, at
  if level < cost then
    local steps = math.ceil((cost - level) * full / capacity / step)
    wait = math.max(wait, at + steps * step - now)
  end
end
local result = {wait}
for i = 1, #KEYS do
  if wait == 0 then
    levels[i] = levels[i] - tonumber(ARGV[3 * i - 1]) * 1000
    redis.call('HSET', KEYS[i], 'level', levels[i], 'at', since[i])
    redis.call('PEXPIRE', KEYS[i], 2 * tonumber(ARGV[3 * i]))
  end
  result[i + 1] = math.floor(levels[i])
end
return result
"""

# KEYS: a sum. ARGV: what is added, and for how many seconds it is kept. Returns the sum.
_ADD = """
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return sum
"""

_DIGEST = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()

_away_until = 0.0
_local = LocalBuckets()


@moment
def take(buckets: Sequence[Bucket]) -> Steps[Taken]:
    """From all or from none, in one Lua script on Redis' own clock."""
    came = yield from _unless_away(_asked(_arguments(buckets)))
    if came is None:
        return _local.take(buckets, now=time.monotonic())
    wait_ms, *levels = came
    return Taken(wait_ms / 1000, tuple(level / 1000 for level in levels))


@moment
def add(name: str, amount: int, *, kept: timedelta) -> Steps[int | None]:
    """What a sum comes to with this amount, kept for so long; None while Redis is away."""
    return (yield from _unless_away(_sum(name, amount, kept)))


def _unless_away(asked: Steps[T]) -> Steps[T | None]:
    """Redis' answer; None where it gives none, and for a while after that."""
    global _away_until  # noqa: PLW0603 - one Redis a process, seen the same by all its threads
    if time.monotonic() >= _away_until:
        try:
            return (yield from asked)
        except RedisError as error:
            _away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("rate limits are kept locally: %s", error)
    return None


def _asked(arguments: tuple[Any, ...]) -> Steps[list[int]]:
    """By its digest; a server that has just started does not know it yet."""
    try:
        levels: list[int] = yield Asked(("EVALSHA", _DIGEST, *arguments))
    except NoScriptError:
        levels = yield Asked(("EVAL", _TAKE, *arguments))
    return levels


def _sum(name: str, amount: int, kept: timedelta) -> Steps[int]:
    total: int = yield Asked(("EVAL", _ADD, 1, name, amount, int(kept.total_seconds())))
    return total


def _arguments(buckets: Sequence[Bucket]) -> tuple[Any, ...]:
    """How many keys, the keys, and what the script makes of them."""
    numbers = [
        number
        for bucket in buckets
        for number in (bucket.capacity, bucket.cost, int(bucket.seconds * 1000))
    ]
    names = [bucket.name for bucket in buckets]
    return len(names), *names, *numbers, int(STEP_SECONDS * 1000)
