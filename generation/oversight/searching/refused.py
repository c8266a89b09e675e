"""Searches over refused requests: of one tenant, for itself or for operators, or of all.

An id contains its request's time, so the primary key is in order of time; a caller's rows have an
index by day. A page looks at no more than MAX_SCANNED_ROWS rows.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.selectors.office.hours import sorts_of
from generation.catalogue.traffic import Mode
from generation.models import RefusedRequest
from generation.oversight.searching.search_pages import SearchPage, made_within, page_of

MAX_SCANNED_ROWS = 5_000
"""The most rows to look at for one page."""
_REFUSED = Q(status__gte=400)
"""Other rows are requests answered with the result of an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalFilter:
    """A filter for refused requests; empty fields and None match any.

    Attributes:
        modes: `test` for test keys, `demo` for the demo data's keys, `live` for all others.
    """

    modes: tuple[Mode, ...] = ("live",)
    tenant_id: UUID | None = None
    request_id: UUID | None = None
    key_id: UUID | None = None
    model: str = ""
    code: str = ""
    since: datetime | None = None
    until: datetime | None = None


def page_of_refused(
    sought: RefusalFilter, *, after: UUID | None = None, limit: int
) -> SearchPage[RefusedRequest, UUID]:
    """One page of matching refusals, out of MAX_SCANNED_ROWS, in at most five queries."""
    of = sought.tenant_id
    rows = _all_rows(sought, after) if of is None else _tenant_rows(of, sought, after)
    edge = rows.values_list("id", flat=True)[MAX_SCANNED_ROWS - 1 : MAX_SCANNED_ROWS].first()
    near = RefusedRequest.objects.filter(_REFUSED, id__in=rows.values("id")[:MAX_SCANNED_ROWS])
    keys = near.order_by().values_list("key_id", flat=True).distinct()
    sorts = sorts_of({key for key in keys if key is not None})
    mine = {key for key, sort in sorts.items() if sort in sought.modes}
    is_live = "live" in sought.modes  # refusals without a known key count as live, too
    near = near.exclude(key_id__in=sorts.keys() - mine) if is_live else near.filter(key_id__in=mine)
    wanted = {"key_id": sought.key_id, "model": sought.model, "code": sought.code}
    near = near.filter(**{name: value for name, value in wanted.items() if value})
    return page_of(near.order_by(*rows.query.order_by), edge=edge, limit=limit)


def _all_rows(sought: RefusalFilter, after: UUID | None) -> QuerySet[RefusedRequest]:
    rows = made_within(RefusedRequest.objects.order_by("-id"), sought.since, sought.until)
    return rows if after is None else rows.filter(id__lt=after)


def _tenant_rows(
    tenant_id: UUID, sought: RefusalFilter, after: UUID | None
) -> QuerySet[RefusedRequest]:
    rows = RefusedRequest.objects.filter(caller=tenant_id).order_by("-day", "-place")
    rows = made_within(rows, sought.since, sought.until)
    if sought.request_id is not None:
        rows = rows.filter(id=sought.request_id)
    if sought.since is not None:
        rows = rows.filter(day__gte=sought.since.date())
    if after is not None:
        last = RefusedRequest.objects.filter(id=after, caller=tenant_id).first()
        if last is None:
            return rows.none()
        rows = rows.filter(Q(day__lt=last.day) | Q(day=last.day, place__lt=last.place))
    return rows
