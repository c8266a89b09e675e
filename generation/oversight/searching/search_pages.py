"""The paging that the operators' searches share: a page of the rows in reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from pictor.kit.words import ids

Row = TypeVar("Row", bound=Model)
Id = TypeVar("Id", UUID, int)


@dataclass(frozen=True, slots=True)
class SearchPage(Generic[Row, Id]):
    """A page of rows, in the order of their list.

    Attributes:
        last: the id to continue after; None if nothing is left to look at.
        is_cut: the search stopped looking before the page was full.
    """

    rows: Sequence[Row]
    last: Id | None = None
    is_cut: bool = False


def page_of(rows: QuerySet[Row], *, edge: Id | None, limit: int) -> SearchPage[Row, Id]:
    """The first `limit` rows, in one query; `edge` is the id of the last row looked at."""
    chosen = list(rows[: limit + 1])
    if len(chosen) > limit:
        return SearchPage(chosen[:limit], chosen[limit - 1].pk)
    return SearchPage(chosen, edge, is_cut=edge is not None)


def made_within(
    rows: QuerySet[Row], since: datetime | None, until: datetime | None
) -> QuerySet[Row]:
    """Rows whose ids were made at `since` or later and before `until`."""
    if since is not None:
        rows = rows.filter(id__gte=ids.first_at(since))
    if until is not None:
        rows = rows.filter(id__lt=ids.first_at(until))
    return rows
