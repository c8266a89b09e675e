"""What both searches of those who run the site do: a page of the rows in reach, then the next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from pictor.kit.words import ids

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Row]):
    """A page of rows, newest first.

    Attributes:
        last: after which the next page begins, where there is more to look into.
        is_cut: it stopped looking before the page was full.
    """

    rows: Sequence[Row]
    last: UUID | None = None
    is_cut: bool = False


def stretch_of(rows: QuerySet[Row], *, edge: UUID | None, limit: int) -> Stretch[Row]:
    """The first of them, at most so many. One query; `edge` is where the look at rows ended."""
    chosen = list(rows[: limit + 1])
    if len(chosen) > limit:
        return Stretch(chosen[:limit], chosen[limit - 1].pk)
    return Stretch(chosen, edge, is_cut=edge is not None)


def each_stretch(found: Callable[[UUID | None], Stretch[Row]]) -> Iterator[Sequence[Row]]:
    """The rows of every page, found after the last one; a page may be empty."""
    after: UUID | None = None
    while True:
        page = found(after)
        yield page.rows
        if page.last is None:
            return
        after = page.last


def made_within(
    rows: QuerySet[Row], since: datetime | None, until: datetime | None
) -> QuerySet[Row]:
    """Those whose ids were made at `since` or later and before `until`."""
    if since is not None:
        rows = rows.filter(id__gte=ids.first_at(since))
    if until is not None:
        rows = rows.filter(id__lt=ids.first_at(until))
    return rows
