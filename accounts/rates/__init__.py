"""Requests and images per minute, of a key and of its tenant, in one round trip.

Each limit is a bucket that holds a minute's worth, starts full and fills in steps (`buckets.py`).
All buckets of a request are looked at and taken from together: either all have room, or nothing is
taken and the refusal says truly when to come back (`shared.py`, on Redis). While Redis is away each
web process keeps the same buckets in its own memory (`local.py`), so a limit is loosened by at most
the number of processes, and money, which is in Postgres, not at all.
"""

from accounts.rates import shared
from accounts.rates.buckets import buckets_of, headers_of, refusal_of
from accounts.selectors import Caller


def take(caller: Caller, *, images: int) -> dict[str, str]:
    """Count one request for this number of images; the `x-ratelimit-…` headers of its answer.

    Raises RateLimited, with a true `retry_after` and those headers, when a bucket is too empty. A
    request for more images than a minute allows can never pass and is told so.
    """
    buckets = buckets_of(caller, images)
    taken = shared.take(buckets)
    headers = headers_of(buckets, taken)
    if taken.wait_seconds:
        raise refusal_of(buckets, taken, headers)
    return headers
