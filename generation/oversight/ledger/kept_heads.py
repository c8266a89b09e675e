"""Heads of the ledger at the end of a UTC day: read once it is settled, signed, and kept."""

from datetime import UTC, date, datetime, time, timedelta

from billing.selectors.office.checkpoints import is_head_kept
from billing.selectors.office.heads import Heads
from billing.services.office.proofs import keep_head
from generation.oversight.ledger.proof import heads_at

SETTLED = timedelta(minutes=5)
"""After this long nothing more is written for a past time: it exceeds every time-out."""


class NotOver(ValueError):
    """The day is not settled yet."""


def heads_of(day: date, *, now: datetime) -> Heads:
    """The heads at the day's end. Raises NotOver; call it outside any transaction."""
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    if end + SETTLED > now:
        raise NotOver(f"{day} is not over for {SETTLED.seconds // 60} minutes yet")
    return heads_at(end)


def yesterday(now: datetime) -> date:
    """The last UTC day that has ended."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def keep_yesterdays(*, now: datetime) -> None:
    """Keep yesterday's heads once; do nothing in the minutes before that day is settled."""
    from billing.signed_heads import sign  # noqa: PLC0415 - cryptography loads slowly

    day = yesterday(now)
    if is_head_kept(day):
        return
    try:
        heads = heads_of(day, now=now)
    except NotOver:
        return
    keep_head(day, tenants=len(heads.tenants), content=sign(heads), now=now)
