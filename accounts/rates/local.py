"""The buckets in this process's memory, used while Redis is away."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence

from accounts.rates.buckets import STEP_SECONDS, Bucket, Taken


class LocalBuckets:
    """The buckets in this process's memory, used while Redis is away."""

    MAX_BUCKETS = 100_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, buckets: Sequence[Bucket], *, now: float) -> Taken:
        """Take from all or none, like the script on Redis. `now` comes from a monotonic clock."""
        with self._lock:
            levels = [self._level(bucket, now) for bucket in buckets]
            waits = [
                _wait(bucket, level, at, now)
                for bucket, (level, at) in zip(buckets, levels, strict=True)
                if level < bucket.cost
            ]
            if waits:
                return Taken(max(waits), tuple(level for level, _ in levels))
            left = []
            for bucket, (level, at) in zip(buckets, levels, strict=True):
                left.append(min(bucket.capacity, level - bucket.cost))
                self._levels[bucket.name] = (left[-1], at)
                self._levels.move_to_end(bucket.name)
            while len(self._levels) > self.MAX_BUCKETS:
                self._levels.popitem(last=False)
            return Taken(0.0, tuple(left))

    def _level(self, bucket: Bucket, now: float) -> tuple[float, float]:
        """The bucket's level, and the time of its last step."""
        level, at = self._levels.get(bucket.name, (float(bucket.capacity), now))
        steps = max(0, math.floor((now - at) / STEP_SECONDS))
        level += steps * bucket.capacity * STEP_SECONDS / bucket.seconds
        if level >= bucket.capacity:
            return float(bucket.capacity), now
        return level, at + steps * STEP_SECONDS


def _wait(bucket: Bucket, level: float, at: float, now: float) -> float:
    """Seconds until enough steps have filled the bucket for this cost."""
    missing = (bucket.cost - level) * bucket.seconds / bucket.capacity
    return at + math.ceil(missing / STEP_SECONDS) * STEP_SECONDS - now
