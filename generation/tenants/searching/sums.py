"""Sums over matching generations, and hints from usage on where those are."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, Sum, When

from billing.selectors.office.reports import EndedTotals, ended_like
from generation.models import FINAL, Generation, State
from generation.tenants.searching import bounds
from generation.tenants.searching.bounds import time_limit
from generation.tenants.searching.criteria import Criteria, in_time, matching
from pictor.kit.words.ids import TenantId
from pictor.kit.words.money import Micros
from storage.selectors import images_stored

LONGEST_WAIT = timedelta(days=2)
"""Longer than any generation has waited for its end, outages of the platform included."""
_NEVER = datetime.fromtimestamp(0, UTC)
"""A time before any generation."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the matching generations: all of them, or those among the newest `looked_at`."""

    generations: int
    images: int
    captured: Micros
    looked_at: int
    is_all: bool


@dataclass(frozen=True, slots=True)
class KnownSums:
    """Facts about the matching generations without a look into the rows.

    Attributes:
        under_way: the number that have not ended.
        ended: those that have ended, by the hour.
    """

    under_way: int
    ended: EndedTotals


def known_of(tenant_id: TenantId | UUID, criteria: Criteria) -> KnownSums | None:
    """The facts, if usage has them, in at most two queries; else None."""
    if not criteria.is_of_usage:
        return None
    has_ended = criteria.status in FINAL or criteria.cost_over
    # Counted first, so that one that ends meanwhile is in usage. An index has these few rows.
    under_way = 0 if has_ended else _count_unfinished(tenant_id, criteria)
    ended = ended_like(
        tenant_id,
        models=criteria.models,
        tiers=criteria.tiers,
        status=criteria.status,
        key_ids=criteria.key_ids,
        start=criteria.ended_since,
        end=criteria.ended_until,
        captured=criteria.cost_over,
    )
    return KnownSums(under_way, ended)


def _count_unfinished(tenant_id: TenantId | UUID, criteria: Criteria) -> int:
    rows = in_time(tenant_id, criteria).filter(matching(criteria))
    return rows.filter(state__in=(State.QUEUED, State.RUNNING)).count()


def narrow(tenant_id: TenantId | UUID, criteria: Criteria) -> Criteria:
    """The same search, limited to the time when matches were made; at most two queries."""
    return narrow_by(known_of(tenant_id, criteria), criteria)


def narrow_by(known: KnownSums | None, criteria: Criteria) -> Criteria:
    """Limit the search to the time when matches ended, unless one is still under way."""
    if known is None or known.under_way or not criteria.is_picky:
        return criteria
    first, last = known.ended.first, known.ended.last
    if first is None or last is None:
        return replace(criteria, until=_NEVER)
    return replace(criteria, since=first - LONGEST_WAIT, until=last + timedelta(hours=1))


def sums(tenant_id: TenantId | UUID, criteria: Criteria) -> Sums:
    """Sums over the matches, in at most two queries. Raises TooBroad.

    Usage has the sums over all live ones; for words, source, cost and tests the newest rows are
    counted.
    """
    known = known_of(tenant_id, criteria)
    with time_limit(criteria):
        return sum_up(tenant_id, criteria, known)


def sum_up(tenant_id: TenantId | UUID, criteria: Criteria, known: KnownSums | None) -> Sums:
    """Like `sums`, given what usage knows; at most one query, without a time limit."""
    if known is not None and criteria.cost_over is None:
        ended = known.ended
        number = ended.generations + known.under_way
        return Sums(number, ended.images, ended.captured, looked_at=number, is_all=True)
    looked_at = bounds.stretch_of(criteria)
    newest = _count(in_time(tenant_id, criteria).order_by("-id")[:looked_at], matching(criteria))
    return replace(newest, looked_at=looked_at, is_all=newest.looked_at < looked_at)


def sums_of_all(tenant_id: TenantId | UUID, criteria: Criteria, *, seconds: float) -> Sums:
    """Sums that usage does not have, over all matches, stretch by stretch of the tenant's rows.

    Each stretch is one statement, so none takes long. After `seconds` it ends with the rows so far.
    """
    rows, match, stretch = (
        in_time(tenant_id, criteria),
        matching(criteria),
        bounds.stretch_of(criteria),
    )
    rest, parts, ends_at = rows, list[Sums](), time.monotonic() + seconds
    while True:
        last = rest.values_list("id", flat=True)[stretch - 1 : stretch].first()
        parts.append(_count(rest if last is None else rest.filter(id__gte=last), match))
        if last is None or time.monotonic() > ends_at:
            break
        rest = rows.filter(id__lt=last)
    return Sums(
        generations=sum(part.generations for part in parts),
        images=sum(part.images for part in parts),
        captured=Micros(sum(part.captured for part in parts)),
        looked_at=sum(part.looked_at for part in parts),
        is_all=last is None,
    )


def _count(rows: QuerySet[Generation], match: Q) -> Sums:
    """Sums over the matches among these rows, in one query."""
    # Counted for matches only: each count is a look at another table.
    annotated = rows.annotate(stored=Case(When(match, then=images_stored("id"))))
    row = annotated.aggregate(
        looked_at=Count("id"),
        generations=Count("id", filter=match),
        images=Sum("stored"),
        captured=Sum("captured_micros", filter=match & Q(livemode=True)),
    )
    return Sums(
        generations=row["generations"],
        images=row["images"] or 0,
        captured=Micros(row["captured"] or 0),
        looked_at=row["looked_at"],
        is_all=True,
    )
