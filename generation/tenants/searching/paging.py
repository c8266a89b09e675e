"""Pages of matching generations, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce, Left

from generation import selectors
from generation.models import Generation, Source, State
from generation.selectors import Finished
from generation.tenants.searching import bounds
from generation.tenants.searching.bounds import TooBroad, time_limit
from generation.tenants.searching.criteria import Criteria, in_time, is_id, matching, older
from generation.tenants.searching.sums import Sums, known_of, narrow_by, sum_up
from pictor.kit.words.ids import TenantId

FIRST = Value(UUID(int=0), UUIDField())


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list, newest first.

    Attributes:
        last: the id to continue after; None if nothing is left to look at.
        is_cut: the search stopped looking before the page was full.
        sums: over all matching generations; None if page and sums took too long.
    """

    rows: list[Finished]
    last: UUID | None = None
    is_cut: bool = False
    sums: Sums | None = None


def page_of(
    tenant_id: TenantId | UUID,
    criteria: Criteria,
    *,
    after: UUID | None = None,
    limit: int,
    prompt_chars: int,
) -> ListPage:
    """A page and the sums over all pages, in one transaction; at most seven queries unless slow."""
    known = known_of(tenant_id, criteria)
    likely, rows = narrow_by(known, criteria), None
    try:
        with time_limit(criteria):
            rows = _short(older(_matches(tenant_id, likely), after)[: limit + 1], prompt_chars)
            sums = sum_up(tenant_id, criteria, known)
        return _page(rows, None, sums, limit=limit)
    except TooBroad:
        if rows is not None or criteria.text:
            return ListPage([])
    try:
        with time_limit(criteria):
            rows, edge = _near(tenant_id, likely, after, limit=limit + 1, prompt_chars=prompt_chars)
            sums = sum_up(tenant_id, criteria, known)
        return _page(rows, edge, sums, limit=limit)
    except TooBroad:
        return ListPage([])


def _page(rows: list[Generation], edge: UUID | None, sums: Sums | None, *, limit: int) -> ListPage:
    """Build the page from up to `limit` + 1 rows; the extra row shows that there are more."""
    last = rows[limit - 1].id if len(rows) > limit else edge
    return ListPage(selectors.with_images(rows[:limit]), last, edge is not None, sums)


def has_called(tenant_id: UUID) -> bool:
    """True if a call of the API has made an image; those of the playground are few."""
    made = Generation.objects.filter(tenant_id=tenant_id, state=State.SUCCEEDED)
    return made.filter(source=Source.API).exists()


def newest_matching(
    tenant_id: TenantId | UUID, criteria: Criteria, *, limit: int, prompt_chars: int | None = None
) -> list[Finished]:
    """The newest matching generations, in two queries. Raises TooBroad.

    With `prompt_chars` the rows have only the beginning of their prompts and no other large
    columns: they are for display and must not be saved.
    """
    rows = _matches(tenant_id, criteria)[:limit]
    with time_limit(criteria):
        chosen = list(rows) if prompt_chars is None else _short(rows, prompt_chars)
    return selectors.with_images(chosen)


def every(
    tenant_id: TenantId | UUID, criteria: Criteria, *, limit: int, prompt_chars: int
) -> Iterator[list[Finished]]:
    """Yield all matching generations, newest first, in pages for display as in `newest_matching`.

    It reads stretch by stretch, so no statement takes long, however few match and however long the
    whole takes. A stretch without a match gives an empty page.
    """
    stretch = bounds.stretch_of(criteria)
    rows, match = in_time(tenant_id, criteria), matching(criteria)
    rest = rows
    while True:
        last = rest.values_list("id", flat=True)[stretch - 1 : stretch].first()
        looked_at = rest if last is None else rest.filter(id__gte=last)
        chosen = looked_at.filter(match)
        page = _short(chosen[:limit], prompt_chars)
        yield selectors.with_images(page)
        while len(page) == limit:
            page = _short(chosen.filter(id__lt=page[-1].id)[:limit], prompt_chars)
            yield selectors.with_images(page)
        if last is None:
            return
        rest = rows.filter(id__lt=last)


def newest_of_key(
    tenant_id: TenantId | UUID, key_id: UUID, *, limit: int, prompt_chars: int
) -> list[Finished]:
    """A key's newest generations among the tenant's SEARCHED newest, for display as above.

    Takes two queries; their bound on rows makes a time limit, and so a transaction, unnecessary.
    """
    last = selectors.generations_of(tenant_id).values("id")[bounds.SEARCHED - 1 : bounds.SEARCHED]
    near = Coalesce(Subquery(last), FIRST)
    rows = selectors.generations_of(tenant_id).filter(id__gte=near, api_key_id=key_id)
    return selectors.with_images(_short(rows[:limit], prompt_chars))


def _near(
    tenant_id: TenantId | UUID,
    criteria: Criteria,
    after: UUID | None,
    *,
    limit: int,
    prompt_chars: int,
) -> tuple[list[Generation], UUID | None]:
    """A page of matches among the next SEARCHED rows older than `after`, and the id to go on after.

    The id is that of the last row looked at; None if the page is full or there is no older row.
    Takes two queries.
    """
    near, edge = _next_searched(tenant_id, criteria, after)
    chosen = _short(near[:limit], prompt_chars)
    return chosen, edge if len(chosen) < limit else None


def whole_rows(
    tenant_id: TenantId | UUID, criteria: Criteria, after: UUID | None, *, limit: int
) -> tuple[list[Generation], UUID | None]:
    """Like `_near`, with all columns; without a status or error to look for in one query."""
    if not (criteria.status or criteria.error):
        return list(older(in_time(tenant_id, criteria), after)[:limit]), None
    near, edge = _next_searched(tenant_id, criteria, after)
    chosen = list(near[:limit])
    return chosen, edge if len(chosen) < limit else None


def _next_searched(
    tenant_id: TenantId | UUID, criteria: Criteria, after: UUID | None
) -> tuple[QuerySet[Generation], UUID | None]:
    """The matches among the next SEARCHED rows, and the id of the last of these, if more follow."""
    rows = older(in_time(tenant_id, criteria), after)
    last = list(rows.values_list("id", flat=True)[bounds.SEARCHED - 1 : bounds.SEARCHED + 1])
    near, edge = rows.filter(matching(criteria)), last[0] if len(last) > 1 else None
    return near if edge is None else near.filter(id__gte=edge), edge


def _short(rows: QuerySet[Generation], prompt_chars: int) -> list[Generation]:
    """Load rows with the beginnings of their prompts and without other large columns."""
    shown = list(
        rows.defer("prompt", "answer", "inputs").annotate(shown_prompt=Left("prompt", prompt_chars))
    )
    for row in shown:
        row.prompt = row.shown_prompt
    return list[Generation](shown)


def _matches(tenant_id: TenantId | UUID, criteria: Criteria) -> QuerySet[Generation]:
    rows = in_time(tenant_id, criteria).filter(matching(criteria))
    if criteria.text and not is_id(criteria.text):
        # A bound on ids: with `id IN` for that many rows the planner may read all rows instead.
        stretch = bounds.stretch_of(criteria)
        last = in_time(tenant_id, criteria).values("id")[stretch - 1 : stretch]
        return rows.filter(id__gte=Coalesce(Subquery(last), FIRST))
    return rows
