"""The buckets on Redis, seen the same by every process; in this process while Redis is away."""

import logging
import time
from collections.abc import Sequence

from redis.exceptions import RedisError

from accounts.rates.buckets import STEP_SECONDS, Bucket, Taken
from accounts.rates.local import LocalBuckets
from pictor.kit import redis_client

logger = logging.getLogger(__name__)

AWAY_SECONDS = 2.0
"""After a failure Redis is left alone for this long."""

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

_away_until = 0.0
_local = LocalBuckets()


def take(buckets: Sequence[Bucket]) -> Taken:
    """From all or from none, in one Lua script on Redis' own clock."""
    global _away_until  # noqa: PLW0603 - one Redis a process, seen the same by all its threads
    if time.monotonic() >= _away_until:
        try:
            return _take_on_redis(buckets)
        except RedisError as error:
            _away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("rate limits are kept locally: %s", error)
    return _local.take(buckets, now=time.monotonic())


def _take_on_redis(buckets: Sequence[Bucket]) -> Taken:
    numbers = [number for bucket in buckets for number in (bucket.capacity, bucket.cost)]
    script = redis_client.client().register_script(_TAKE)
    wait_ms, *levels = script(
        keys=[bucket.name for bucket in buckets], args=[*numbers, int(STEP_SECONDS * 1000)]
    )
    return Taken(wait_ms / 1000, tuple(level / 1000 for level in levels))
