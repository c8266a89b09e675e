"""The only place that reads date and time for the product. Rules take `now`; most services do.

Ids read their own milliseconds, and time-outs a monotonic clock.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(tz=UTC)
