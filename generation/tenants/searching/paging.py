"""Pages of the wanted ones, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce, Left

from generation import selectors
from generation.models import Generation
from generation.selectors import Finished
from generation.tenants.searching import bounds
from generation.tenants.searching.bounds import TooBroad, bounded
from generation.tenants.searching.sums import Sums, known_of, narrowed_by, summed
from generation.tenants.searching.wanted import Wanted, in_time, is_id, matching, older
from pictor.kit.words.ids import TenantId

FIRST = Value(UUID(int=0), UUIDField())


@dataclass(frozen=True, slots=True)
class ListPage:
    """What a list shows of them, newest first.

    Attributes:
        last: after which the next page begins, where there is more to look into.
        is_cut: it stopped looking before the page was full.
        sums: of all that are wanted; None where neither was found in time.
    """

    rows: list[Finished]
    last: UUID | None = None
    is_cut: bool = False
    sums: Sums | None = None


def page_of(
    tenant_id: TenantId | UUID,
    wanted: Wanted,
    *,
    after: UUID | None = None,
    limit: int,
    prompt_chars: int,
) -> ListPage:
    """A page and what all come to, in one transaction: seven queries or less, unless it is slow."""
    known = known_of(tenant_id, wanted)
    likely, rows = narrowed_by(known, wanted), None
    try:
        with bounded(wanted):
            rows = _short(older(_chosen(tenant_id, likely), after)[: limit + 1], prompt_chars)
            sums = summed(tenant_id, wanted, known)
        return _page(rows, None, sums, limit=limit)
    except TooBroad:
        if rows is not None or wanted.text:
            return ListPage([])
    try:
        with bounded(wanted):
            rows, edge = _near(tenant_id, likely, after, limit=limit + 1, prompt_chars=prompt_chars)
            sums = summed(tenant_id, wanted, known)
        return _page(rows, edge, sums, limit=limit)
    except TooBroad:
        return ListPage([])


def _page(rows: list[Generation], edge: UUID | None, sums: Sums | None, *, limit: int) -> ListPage:
    """Of rows that are one more than a page, where there are more."""
    last = rows[limit - 1].id if len(rows) > limit else edge
    return ListPage(selectors.with_images(rows[:limit]), last, edge is not None, sums)


def found(
    tenant_id: TenantId | UUID, wanted: Wanted, *, limit: int, prompt_chars: int | None = None
) -> list[Finished]:
    """The newest of them. Two queries; raises TooBroad.

    With `prompt_chars` the rows have only so much of their prompts, and nothing else of any size:
    they are to be shown, not saved.
    """
    rows = _chosen(tenant_id, wanted)[:limit]
    with bounded(wanted):
        chosen = list(rows) if prompt_chars is None else _short(rows, prompt_chars)
    return selectors.with_images(chosen)


def every(
    tenant_id: TenantId | UUID, wanted: Wanted, *, limit: int, prompt_chars: int
) -> Iterator[list[Finished]]:
    """All of them, newest first, at most so many at a time, shown as `found` has them.

    It goes from stretch to stretch of the tenant's rows, so no statement takes long, however few
    are found and however long it takes in all. A stretch without any gives an empty page.
    """
    stretch = bounds.stretch_of(wanted)
    rows, match = in_time(tenant_id, wanted), matching(wanted)
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
    """A key's newest among the tenant's SEARCHED newest, to be shown as `found` has them.

    Two queries: as it looks at no more, it needs no transaction with a limit of its time.
    """
    last = selectors.generations_of(tenant_id).values("id")[bounds.SEARCHED - 1 : bounds.SEARCHED]
    near = Coalesce(Subquery(last), FIRST)
    rows = selectors.generations_of(tenant_id).filter(id__gte=near, api_key_id=key_id)
    return selectors.with_images(_short(rows[:limit], prompt_chars))


def _near(
    tenant_id: TenantId | UUID,
    wanted: Wanted,
    after: UUID | None,
    *,
    limit: int,
    prompt_chars: int,
) -> tuple[list[Generation], UUID | None]:
    """A page of those among the next SEARCHED rows older than `after`.

    With it the last row that was looked at, to go on after; None if the page is full or there is
    no older row. Two queries.
    """
    rows = older(in_time(tenant_id, wanted), after)
    last = list(rows.values_list("id", flat=True)[bounds.SEARCHED - 1 : bounds.SEARCHED + 1])
    edge = last[0] if len(last) > 1 else None
    near = rows.filter(matching(wanted))
    if edge is not None:
        near = near.filter(id__gte=edge)
    chosen = _short(near[:limit], prompt_chars)
    return chosen, edge if len(chosen) < limit else None


def _short(rows: QuerySet[Generation], prompt_chars: int) -> list[Generation]:
    """Rows with the beginnings of their prompts, and nothing else of any size."""
    shown = list(
        rows.defer("prompt", "answer", "inputs").annotate(shown_prompt=Left("prompt", prompt_chars))
    )
    for row in shown:
        row.prompt = row.shown_prompt
    return list[Generation](shown)


def _chosen(tenant_id: TenantId | UUID, wanted: Wanted) -> QuerySet[Generation]:
    rows = in_time(tenant_id, wanted).filter(matching(wanted))
    if wanted.text and not is_id(wanted.text):
        # As a bound: of ids among those of so many rows the planner may read all rows instead.
        stretch = bounds.stretch_of(wanted)
        last = in_time(tenant_id, wanted).values("id")[stretch - 1 : stretch]
        return rows.filter(id__gte=Coalesce(Subquery(last), FIRST))
    return rows
