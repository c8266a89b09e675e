"""The only place that reads date and time for the product. Rules take `now`; most services do.

Exceptions: ids read their own milliseconds, and timeouts a monotonic clock.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(tz=UTC)
