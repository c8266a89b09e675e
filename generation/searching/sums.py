"""What the wanted ones come to, and what usage tells of where they are."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, Q, Sum, When

from billing.selectors import Ended, ended_like
from generation.models import FINAL, State
from generation.searching import bounds
from generation.searching.bounds import bounded
from generation.searching.wanted import Wanted, in_time, matching
from pictor.kit.ids import TenantId
from pictor.kit.money import Micros
from storage.selectors import images_stored

AWAY = timedelta(days=2)
"""Longer than any generation waited for its end, also where the platform was away."""
_NEVER = datetime.fromtimestamp(0, UTC)
"""Nothing was made before."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the chosen generations come to: all, or those among the newest `looked_at`."""

    generations: int
    images: int
    captured: Micros
    looked_at: int
    is_all: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Of the wanted ones, what needs no look into the rows.

    Attributes:
        under_way: how many have not ended.
        ended: those that have, by the hour.
    """

    under_way: int
    ended: Ended


def known_of(tenant_id: TenantId | UUID, wanted: Wanted) -> Known | None:
    """It, if usage tells of them. Two queries or less."""
    if not wanted.is_of_usage:
        return None
    has_ended = wanted.status in FINAL or wanted.cost_over
    # Asked first: what ends now is in usage. Of very many rows an index has these few apart.
    under_way = 0 if has_ended else _unfinished(tenant_id, wanted)
    ended = ended_like(
        tenant_id,
        models=wanted.models,
        tiers=wanted.tiers,
        status=wanted.status,
        key_ids=wanted.key_ids,
        start=wanted.ended_since,
        end=wanted.ended_until,
        captured=wanted.cost_over,
    )
    return Known(under_way, ended)


def _unfinished(tenant_id: TenantId | UUID, wanted: Wanted) -> int:
    rows = in_time(tenant_id, wanted).filter(matching(wanted))
    return rows.filter(state__in=(State.QUEUED, State.RUNNING)).count()


def narrowed(tenant_id: TenantId | UUID, wanted: Wanted) -> Wanted:
    """The same rows, looked for only when any were made: two queries or less."""
    return narrowed_by(known_of(tenant_id, wanted), wanted)


def narrowed_by(known: Known | None, wanted: Wanted) -> Wanted:
    """The same rows, looked for only when any ended; the same while one is under way."""
    if known is None or known.under_way or not wanted.is_picky:
        return wanted
    first, last = known.ended.first, known.ended.last
    if first is None or last is None:
        return replace(wanted, until=_NEVER)
    return replace(wanted, since=first - AWAY, until=last + timedelta(hours=1))


def sums(tenant_id: TenantId | UUID, wanted: Wanted) -> Sums:
    """What they come to. Two queries or less; raises TooBroad.

    Usage has it of all live ones; by words, source or cost, and of tests, the newest are counted.
    """
    known = known_of(tenant_id, wanted)
    with bounded(wanted):
        return summed(tenant_id, wanted, known)


def summed(tenant_id: TenantId | UUID, wanted: Wanted, known: Known | None) -> Sums:
    """The same, with what is known of them already. One query or none, without a bound."""
    if known is not None and wanted.cost_over is None:
        ended = known.ended
        number = ended.generations + known.under_way
        return Sums(number, ended.images, ended.captured, looked_at=number, is_all=True)
    looked_at, match = bounds.stretch_of(wanted), matching(wanted)
    newest = in_time(tenant_id, wanted).order_by("-id")[:looked_at]
    # Asked of those alone that match: each is a look at another table.
    newest = newest.annotate(stored=Case(When(match, then=images_stored("id"))))
    row = newest.aggregate(
        looked_at=Count("id"),
        generations=Count("id", filter=match),
        images=Sum("stored"),
        captured=Sum("captured_micros", filter=match & Q(livemode=True)),
    )
    return Sums(
        generations=row["generations"],
        images=row["images"] or 0,
        captured=Micros(row["captured"] or 0),
        looked_at=looked_at,
        is_all=row["looked_at"] < looked_at,
    )
