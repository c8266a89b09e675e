"""Incidents and maintenance: open ones first, then ended ones, filtered; also as CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from console.ops.access import Operator, Permission, rendered, staff
from console.parts.exports import Rows, csv_answer
from console.parts.filters import PAGE_ROWS, chips_of, link_of, words_in
from console.parts.periods import number_of
from console.site.news import ShownIncident
from generation.models import Incident
from generation.oversight import incidents
from generation.oversight.incidents import IncidentFilter
from pictor.kit.words import clock

ROWS_AT_ONCE = 500
"""Incidents on a page, and incidents that a CSV reads in one query."""
KINDS: Mapping[str, str] = {"incident": "Incidents", "maintenance": "Maintenance"}
LABELS = {"kind": "Kind", "part": "Part"}
COLUMNS = (
    "incident", "title", "kind", "state", "parts", "begins_at", "ends_at", "next_update_at",
    "update", "at", "said_state", "words", "edited_at", "by", "mailed",
)  # fmt: skip


@staff(Permission.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List open and planned incidents, then ended ones, latest first; the CSV has every update."""
    now = clock.now()
    texts, _ = words_in(request.GET, {"kind": KINDS.get, "part": str})
    kind = texts.get("kind")
    sought = IncidentFilter(texts.get("part", ""), None if kind is None else kind == "maintenance")
    if request.GET.get("format") == "csv":
        return csv_answer("incidents.csv", COLUMNS, _pages(sought, now))
    after = number_of(request.GET.get("after", ""))
    ended = incidents.ended(sought, now=now, after=after, limit=PAGE_ROWS + 1)
    parts = incidents.parts()
    context = {
        "open": _items(incidents.open_ones(sought, now=now), now) if after is None else [],
        "ended": _items(ended[:PAGE_ROWS], now),
        "query": texts,
        "kinds": KINDS.items(),
        "parts": parts if texts.get("part", parts[0]) in parts else [*parts, texts["part"]],
        "chips": chips_of(
            texts, LABELS, lambda name, word: KINDS[word] if name == "kind" else word
        ),
        "newest": link_of(texts) if after is not None else "",
        "older": link_of(texts, after=str(ended[PAGE_ROWS - 1].id))
        if len(ended) > PAGE_ROWS
        else "",
        "csv": link_of(texts, format="csv"),
    }
    return rendered(request, operator, "ops/incidents.html", context)


def _items(incidents_found: Iterable[Incident], now: datetime) -> list[ShownIncident]:
    return [ShownIncident(incident, now) for incident in incidents_found]


def _pages(sought: IncidentFilter, now: datetime) -> Iterator[Rows]:
    """Yield the updates with their incidents: of open incidents first, then of ended ones."""
    yield [row for incident in incidents.open_ones(sought, now=now) for row in _rows(incident, now)]
    after: int | None = None
    while page := incidents.ended(sought, now=now, after=after, limit=ROWS_AT_ONCE):
        yield [row for incident in page for row in _rows(incident, now)]
        after = page[-1].id


def _rows(incident: Incident, now: datetime) -> Sequence[Sequence[Any]]:
    facts = [
        incident.id, incident.title, "maintenance" if incident.is_maintenance else "incident",
        incident.state_at(now).value, ", ".join(incident.parts),
        _iso(incident.begins_at), _iso(incident.ends_at), _iso(incident.next_update_at),
    ]  # fmt: skip
    return [
        [
            *facts, update.id, _iso(update.at), update.state, update.words, _iso(update.edited_at),
            update.by, update.mailed,
        ]
        for update in incident.updates.all()
    ]  # fmt: skip


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")
