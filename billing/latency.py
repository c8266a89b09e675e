"""Time to image as counts by log-spaced buckets, which add up over rows and give quantiles. Pure.

Bucket 0 counts times below `BOUNDS[0]`, bucket i those below `BOUNDS[i]`, the last one all beyond.
Four buckets are a doubling, so between the first and the last bound a quantile is at most a fifth
off.

A row's counts are also packed into one number, with `PLACES` decimal places for each bucket: adding
the numbers of many rows adds all their counts at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import timedelta
from math import inf

_SHORTEST = 250_000
_DOUBLINGS = 12
_STEPS = 4

BOUNDS = tuple(round(_SHORTEST * 2 ** (step / _STEPS)) for step in range(_DOUBLINGS * _STEPS + 1))
"""Microseconds, 0.25 s to 1,024 s."""
PLACES = 12
"""Decimal places of a bucket in the packed number; bucket 0 has the lowest."""


def bucket_of(took: timedelta) -> int:
    """Return the bucket of one image's time, 0 to `len(BOUNDS)`."""
    return bisect_right(BOUNDS, took // timedelta(microseconds=1))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the seconds within which that share (0 to 1) was made; None without any count.

    Times are assumed to be spread evenly over a bucket's logarithmic scale.
    """
    wanted = share * sum(counts.values())
    passed = 0
    for bucket in sorted(counts):
        if counts[bucket] and passed + counts[bucket] >= wanted:
            into = (wanted - passed) / counts[bucket]
            return _SHORTEST / 1e6 * 2 ** ((bucket - 1 + into) / _STEPS)
        passed += counts[bucket]
    return None


def rounded(exact: float) -> float:
    """Round a quantile to two digits, within its bucket: 12.0 for 12.34, 11.3 for 11.4."""
    low, high = _edges(exact)
    return float(f"{min(max(float(f'{exact:.2g}'), low), high):.3g}")


def between(exact: float | None) -> str:
    """The edges of a quantile's bucket in seconds: '11.3 to 13.5'; empty for None."""
    if exact is None:
        return ""
    low, high = (f"{float(f'{edge:.3g}'):g}" for edge in _edges(exact))
    return f"above {low}" if high == "inf" else f"{low} to {high}"


def _edges(exact: float) -> tuple[float, float]:
    """The bounds of a quantile's bucket, in seconds."""
    place = bisect_left(BOUNDS, round(exact * 1e6))
    low = BOUNDS[place - 1] / 1e6 if place else 0.0
    return low, BOUNDS[place] / 1e6 if place < len(BOUNDS) else inf


def counts_of(times: int) -> dict[int, int]:
    """Unpack the counts by bucket from their number."""
    digits = str(times)
    first = (len(digits) - len(digits.rstrip("0"))) // PLACES  # below it nothing was counted
    ends = range(len(digits) - first * PLACES, 0, -PLACES)
    counts = (int(digits[max(0, end - PLACES) : end]) for end in ends)
    return {bucket: count for bucket, count in enumerate(counts, first) if count}
