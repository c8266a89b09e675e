"""Operators' search over generations: of one tenant, or of all tenants within 24 hours.

Rows are read along the tenant's index or by their ids, which are in order of time; a page looks at
no more than MAX_SCANNED_ROWS of them. Conditions on attempts look each row's attempts up by their
index.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value

from billing.selectors.office.refunds_given import credited_generations
from generation.channels.errors import AttemptClass
from generation.models import Attempt, Generation, Source, State
from generation.oversight.searching.search_pages import SearchPage, made_within, page_of
from pictor.kit.words.money import Micros

LONGEST_ACROSS = timedelta(hours=24)
"""The longest period to search over all tenants."""
MAX_SCANNED_ROWS = 10_000
"""The most rows to look at for one page."""
_BY_MODE = {
    "live": Q(livemode=True) & ~Q(source=Source.DEMO),
    "test": Q(livemode=False),
    "demo": Q(source=Source.DEMO),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationFilter:
    """A filter for generations; empty fields and None match any.

    Attributes:
        mode: `live`, `test` or `demo`.
        since: made at this moment or later.
        until: made before this moment.
        size: as requested, in pixels or `auto`.
        quality: the billed one.
        channel: the name of a channel that was called for it.
        attempt_class: how one of its attempts ended, on that channel if one is named.
        code: of the error that its caller received.
        has_loss: an attempt may have been billed and delivered nothing.
        late_at: its deadline was before this moment, and it has not ended.
        is_our_fault: its caller received an error of the service, not of the request.
        is_uncredited: no credit in the ledger names it, but for wholly reversed ones.
    """

    mode: str = "live"
    tenant_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    model: str = ""
    size: str = ""
    quality: str = ""
    state: str = ""
    code: str = ""
    channel: str = ""
    attempt_class: str = ""
    has_loss: bool = False
    late_at: datetime | None = None
    is_our_fault: bool = False
    is_uncredited: bool = False

    @property
    def is_too_wide(self) -> bool:
        """True if it covers all tenants and a period longer than LONGEST_ACROSS."""
        if self.tenant_id is not None:
            return False
        if self.since is None or self.until is None:
            return True
        return self.until - self.since > LONGEST_ACROSS


@dataclass(frozen=True, slots=True)
class TenantMatches:
    """A tenant's number of matching generations and the sum of their quotes in micros."""

    tenant_id: UUID
    number: int
    quoted: Micros


def across_by_tenant(sought: GenerationFilter) -> list[TenantMatches]:
    """Count matching generations by tenant in one query; raise ValueError if `is_too_wide`."""
    rows = _matching(_in_reach(sought).order_by(), sought)
    sums = rows.values("tenant_id").annotate(number=Count("id"), quoted=Sum("held_micros"))
    found = sums.values_list("tenant_id", "number", "quoted")
    return [TenantMatches(tenant_id, number, Micros(quoted)) for tenant_id, number, quoted in found]


def page_across(
    sought: GenerationFilter, *, after: UUID | None = None, limit: int
) -> SearchPage[Generation, UUID]:
    """One page of matching generations, out of MAX_SCANNED_ROWS, in two queries.

    They come with their tenants and without their prompts and other large columns. Raises
    ValueError if `is_too_wide`.
    """
    rows = _in_reach(sought)
    if after is not None:
        rows = rows.filter(id__lt=after)
    edge = rows.values_list("id", flat=True)[MAX_SCANNED_ROWS - 1 : MAX_SCANNED_ROWS].first()
    near = rows if edge is None else rows.filter(id__gte=edge)
    found = _matching(near, sought).select_related("tenant")
    found = found.defer("prompt", "answer", "inputs", "fields", "priced")
    return page_of(found, edge=edge, limit=limit)


def _in_reach(sought: GenerationFilter) -> QuerySet[Generation]:
    if sought.is_too_wide:
        raise ValueError("across all tenants, at most 24 hours can be searched")
    rows = Generation.objects.order_by("-id")
    if sought.tenant_id is not None:
        rows = rows.filter(tenant_id=sought.tenant_id)
        if sought.mode != "live":  # a tenant's tests and demo data have indexes of their own
            rows = rows.filter(_BY_MODE[sought.mode])
    return made_within(rows, sought.since, sought.until)


def _matching(rows: QuerySet[Generation], sought: GenerationFilter) -> QuerySet[Generation]:
    rows = rows.filter(_BY_MODE[sought.mode])
    by_column = {
        "model": sought.model,
        "size": sought.size,
        "quality_billed": sought.quality,
        "state": sought.state,
        "error__code": sought.code,
    }
    rows = rows.filter(**{name: word for name, word in by_column.items() if word})
    if sought.late_at is not None:
        late = Q(state__in=(State.QUEUED, State.RUNNING), deadline_at__lt=sought.late_at)
        rows = rows.filter(late)
    if sought.is_our_fault:
        rows = rows.filter(error__status__gte=500)
    if sought.is_uncredited:
        rows = rows.exclude(id__in=credited_generations())
    called = Attempt.objects.filter(generation=OuterRef("id"))
    if sought.channel or sought.attempt_class:
        by_attempt = {"channel__name": sought.channel, "attempt_class": sought.attempt_class}
        rows = _with_one(rows, called.filter(**{n: word for n, word in by_attempt.items() if word}))
    if sought.has_loss:
        lost = called.filter(may_have_billed=True, finished_at__isnull=False)
        rows = _with_one(rows, lost.exclude(attempt_class=AttemptClass.DELIVERED))
    return rows


def _with_one(rows: QuerySet[Generation], attempts: QuerySet[Attempt]) -> QuerySet[Generation]:
    """Rows with such an attempt. With EXISTS the planner may read every attempt there is."""
    one = attempts.annotate(one=Value(1, IntegerField())).values("one").order_by()[:1]
    return rows.alias(_one=Subquery(one)).filter(_one=1)
