"""The list of generations across tenants, in pages and as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.ops.access import Mode, Operator, Permission, staff
from console.ops.generations.seeking import CLASSES, GenerationSearch, filters_of
from console.parts.exports import Rows, csv_answer, query_of
from console.parts.filters import PAGE_ROWS
from console.parts.generation_words import BADGES
from generation.catalogue.snapshot import current_catalogue
from generation.models import Generation, State
from generation.oversight.inspection import Called, called_for
from generation.oversight.searching import MAX_SCANNED_ROWS, every_across, page_across
from generation.selectors import channel_names
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

ROWS_AT_ONCE = 500
"""Number of rows that a CSV reads in one query."""
COLUMNS = (
    "id", "created", "finished", "mode", "tenant", "tenant_id", "state", "code", "model", "size",
    "n", "attempts", "channel", "class", "http_status", "charged", "cost", "cost_unknown",
    "currency", "request",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CalledGeneration:
    made: Generation
    called: Called

    @property
    def badge(self) -> tuple[str, str]:
        return BADGES[State(self.made.state)]

    @property
    def code(self) -> str:
        """The code of the error that the caller got; empty if there is none."""
        return str((self.made.error or {}).get("code") or "")

    @property
    def seconds(self) -> float | None:
        """Seconds from the request to the end; None while it goes on."""
        ended = self.made.finished_at
        return None if ended is None else (ended - self.made.created_at).total_seconds()


def rows_of(generations: Sequence[Generation]) -> list[CalledGeneration]:
    """Return rows for generations, in two queries."""
    called = called_for([generation.id for generation in generations])
    return [CalledGeneration(generation, called[generation.id]) for generation in generations]


@staff(Permission.SEE)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List generations by the filters in the address, in pages or as CSV."""
    if request.GET.get("format") == "csv":
        return _csv(request, operator)
    filters = filters_of(request.GET, operator.mode, clock.now())
    after = ids.parse(ids.GENERATION, request.GET.get("after", ""))
    page = None if filters.trouble else page_across(filters.sought, after=after, limit=PAGE_ROWS)
    rows, last = (rows_of(page.rows), page.last) if page else ([], None)
    is_theirs = operator.mode == Mode.LIVE and Permission.MONEY in operator.may
    context = {
        "operator": operator,
        "filters": filters,
        "rows": rows,
        "can_choose": is_theirs and any(row.made.charged_micros for row in rows),
        "looked_at": MAX_SCANNED_ROWS if page and page.is_cut else 0,
        "is_later": after is not None,
        "newest": filters.link(),
        "older": filters.link(after=ids.public(ids.GENERATION, last)) if last else "",
        "csv": filters.link(format="csv"),
        "all": filters.link(all="1"),
        "states": [(state.value, BADGES[state][1]) for state in State],
        "classes": CLASSES.items(),
        "models": list(current_catalogue().contracts),
        "channels": channel_names(),
    }
    return render(request, "ops/generations.html", context)


def _csv(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    filters = filters_of(query_of(request), operator.mode, clock.now())
    return csv_answer("generations.csv", COLUMNS, _pages(filters), rest="shorten the period")


def _pages(filters: GenerationSearch) -> Iterator[Rows]:
    if filters.trouble:
        yield [[filters.trouble]]
        return
    for page in every_across(filters.sought, limit=ROWS_AT_ONCE):
        yield [_cells(row, filters) for row in rows_of(page)]


def _cells(row: CalledGeneration, filters: GenerationSearch) -> Sequence[Any]:
    made, called = row.made, row.called
    last = called.last
    return [
        made.public_id, made.created_at.isoformat(),
        made.finished_at.isoformat() if made.finished_at else "", filters.mode.value,
        made.tenant.name, made.tenant.public_id, made.state, row.code, made.model,
        made.size_requested, made.n, len(called.attempts), last.channel.name if last else "",
        last.attempt_class if last else "", (last.http_status or "") if last else "",
        to_decimal(made.charged_micros), to_decimal(called.known_cost), called.unknown, "USD",
        made.request_id,
    ]  # fmt: skip
