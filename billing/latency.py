"""Time to image as counts by log-spaced buckets: they add up over rows, and quantiles follow. Pure.

Bucket 0 is what took less than `BOUNDS[0]`, bucket i what took less than `BOUNDS[i]`, the last one
everything beyond. Four buckets are a doubling, so between the first and the last
bound a quantile is at most a fifth off.

A row's counts are also one number, of which every bucket has so many decimal places: summing the
numbers of many rows sums all their counts at once.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import timedelta

_SHORTEST = 250_000
_DOUBLINGS = 12
_STEPS = 4

BOUNDS = tuple(round(_SHORTEST * 2 ** (step / _STEPS)) for step in range(_DOUBLINGS * _STEPS + 1))
"""Microseconds, 0.25 s to 1,024 s."""
PLACES = 12
"""Of a bucket, in the number: bucket 0 has the last ones."""


def bucket_of(took: timedelta) -> int:
    """The bucket of one image's time, 0 to `len(BOUNDS)`."""
    return bisect_right(BOUNDS, took // timedelta(microseconds=1))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Seconds within which that share (0 to 1) was made; None where nothing was counted.

    Within a bucket times are taken to be spread evenly on its logarithmic scale.
    """
    wanted = share * sum(counts.values())
    passed = 0
    for bucket in sorted(counts):
        if counts[bucket] and passed + counts[bucket] >= wanted:
            into = (wanted - passed) / counts[bucket]
            return _SHORTEST / 1e6 * 2 ** ((bucket - 1 + into) / _STEPS)
        passed += counts[bucket]
    return None


def counts_of(times: int) -> dict[int, int]:
    """What was counted, by bucket, of the number that stands for it."""
    digits = str(times)
    first = (len(digits) - len(digits.rstrip("0"))) // PLACES  # below it nothing was counted
    ends = range(len(digits) - first * PLACES, 0, -PLACES)
    found = (int(digits[max(0, end - PLACES) : end]) for end in ends)
    return {bucket: count for bucket, count in enumerate(found, first) if count}
