"""The buckets on Redis, shared by all processes; in this process's memory while Redis is away."""

import time
from collections.abc import Sequence
from datetime import timedelta

from accounts.rates.buckets import STEP_SECONDS, Bucket, Taken
from accounts.rates.local import LocalBuckets
from pictor.kit.redis.client import RedisCommand
from pictor.kit.running.pauses import Pause

# KEYS: one hash per bucket. ARGV: capacity, cost and time to fill (ms) of each, then the step (ms).
# A hash holds the level (x 1000) and the time (ms) of its last step. Returns wait_ms, then each
# level (x 1000).
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
    local capacity, cost = tonumber(ARGV[3 * i - 2]) * 1000, tonumber(ARGV[3 * i - 1]) * 1000
    levels[i] = math.min(capacity, levels[i] - cost)
    redis.call('HSET', KEYS[i], 'level', levels[i], 'at', since[i])
    redis.call('PEXPIRE', KEYS[i], 2 * tonumber(ARGV[3 * i]))
  end
  result[i + 1] = math.floor(levels[i])
end
return result
"""

# KEYS: a sum. ARGV: the amount to add, and the seconds to keep the sum. Returns the sum.
_ADD = """
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return sum
"""

# KEYS: the ends (ms) of a holder's turns. ARGV: the most turns, this one's name, and how long it
# counts (ms) if nobody ends it. Returns 1 if there was room.
_BEGIN_TURN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

_AWAY = Pause(2.0, "rate limits are kept locally")
_local = LocalBuckets()


def take_command(buckets: Sequence[Bucket]) -> RedisCommand[Taken]:
    """A command that takes from all buckets or none, in one Lua script on Redis' own clock."""
    numbers = [
        number
        for bucket in buckets
        for number in (bucket.capacity, bucket.cost, int(bucket.seconds * 1000))
    ]
    names = [bucket.name for bucket in buckets]
    words: list[str | int] = ["EVAL", _TAKE, len(names), *names, *numbers, int(STEP_SECONDS * 1000)]
    return RedisCommand(
        words, _read_reply, lambda: _local.take(buckets, now=time.monotonic()), _AWAY
    )


def add_command(name: str, amount: int, *, most: int, kept: timedelta) -> RedisCommand[bool]:
    """A command that adds to a sum kept for `kept`; true if the sum was below `most` before.

    Also true while Redis is away.
    """
    words = ("EVAL", _ADD, 1, name, amount, int(kept.total_seconds()))
    return RedisCommand(words, lambda total: total - amount < most, lambda: True, _AWAY)


def begin_turn_command(name: str, turn: str, *, most: int, kept: timedelta) -> RedisCommand[bool]:
    """A command that begins a turn; false if `most` are under way. `kept` ends a dead process's.

    Also true while Redis is away.
    """
    words = ("EVAL", _BEGIN_TURN, 1, name, most, turn, int(kept.total_seconds() * 1000))
    return RedisCommand(words, bool, lambda: True, _AWAY)


def end_turn_command(name: str, turn: str) -> RedisCommand[bool]:
    return RedisCommand(("ZREM", name, turn), bool, lambda: True, _AWAY)


def _read_reply(reply: Sequence[int]) -> Taken:
    wait_ms, *levels = reply
    return Taken(wait_ms / 1000, tuple(level / 1000 for level in levels))
