"""What a channel costs: its tables with their dates, and a new one, seen before it is written."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe

from billing import cost_csv
from billing.cost_csv import CostFile
from billing.upstream_cost import CostKey, CostRow
from console.ops.access import May, Operator, by, done, staff
from console.ops.channels.changes import ChangeOutlook, channel_or_404
from console.ops.channels.shown import sentence
from console.parts.periods import number_of
from generation.catalogue import services
from generation.catalogue.costs import cells
from generation.models import Channel, CostTable
from generation.oversight.splits import foreseen
from generation.selectors import cost_table_of, stored_cost_tables
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, from_decimal

MOST_BYTES = 512 * 1024
"""Of a file: 2,000 costs take a fifth of it."""
MOST_SHOWN = 100
"""Of the cells that change."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cost before and after; None where it is in no table."""

    key: CostKey
    before: CostRow | None
    after: CostRow | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Costs that somebody wants to write, from a moment on or from now."""

    file: CostFile
    begins: datetime | None

    @property
    def text(self) -> str:
        """The same as CSV."""
        return cost_csv.written(self.file.rows, source=self.file.source)


def shown(channel: Channel, *, at: datetime) -> dict[str, Any]:
    """Its tables: what is in force, what comes and what was, and the cells nobody knows."""
    stored = stored_cost_tables(channel)
    now = _in_force(stored, at)
    tables = () if now is None else (cost_table_of(now),)
    known = list(cells(channel, tables, at=at))
    return {
        "table": now,
        "rows": list(tables[0].rows.values()) if tables else [],
        "later": [one for one in stored if one.effective_from > at],
        "past": [one for one in reversed(stored) if one.effective_from <= at and one != now],
        "flat": list(channel.routes.exclude(cost_micros=None).order_by("contract_id")),
        "cells": len(known),
        "unknown": [cell.key for cell in known if not cell.cost.is_known],
        "others": _with_costs(),
        "draft": {"factor": "1"},
    }


@staff(May.SEE)
@require_safe
def download(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """The table in force as it is imported."""
    del request, operator
    found = channel_or_404(channel, archived=True)
    now = _in_force(stored_cost_tables(found), clock.now())
    rows = () if now is None else cost_table_of(now).rows.values()
    text = cost_csv.written(rows, source=now.source if now else "")
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="costs-{found.pk}.csv"'
    return answer


@staff(May.CHANNELS)
@require_http_methods(["GET", "HEAD", "POST"])
def costs(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Costs of a file or of another channel: what they change first, and then written."""
    found = channel_or_404(channel)
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('ops:channel', args=[found.pk])}?tab=cost")
    context: dict[str, Any] = {"operator": operator, "channel": found, "draft": request.POST}
    try:
        draft = _draft(request)
        context |= _change(found, draft)
        if "write" in request.POST:
            _write(request, operator, found, draft)
            return done(request, "Costs written", "channel_costs", str(found.pk))
    except (ValidationError, ValueError) as error:
        context["complaint"] = _complaint(error, found)
    context["others"] = _with_costs()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if "complaint" in context else HTTPStatus.OK
    return render(request, "ops/channel_costs.html", context, status=status)


def _complaint(error: ValidationError | ValueError, channel: Channel) -> str:
    if not isinstance(error, ValidationError):
        return sentence(str(error), channel)
    if error.code == services.DOUBTFUL_COST:
        return "Nothing is written yet. Type the highest of these costs again."
    return sentence(" ".join(error.messages), channel)


def _change(channel: Channel, draft: Draft) -> dict[str, Any]:
    """What the draft changes: the cells, what a day costs, and what was perhaps mistyped."""
    rows, begins = draft.file.rows, draft.begins
    doubts = services.costs_in_doubt(channel, rows, begins)
    again = max((doubt.micros for doubt in doubts), default=None)
    make = partial(
        services.set_costs, channel=channel, rows=rows, source="", again=again, actor="nobody"
    )
    changes = _differing(channel, draft)
    return {
        "file": draft.file,
        "begins": draft.begins,
        "text": draft.text,
        "changes": changes[:MOST_SHOWN],
        "number": len(changes),
        "same": len(rows) - sum(one.after is not None for one in changes),
        "doubts": doubts,
        "outlook": ChangeOutlook(foreseen(make) if begins is None else [], {}),
        "newest": services.newest_costs(channel),
    }


def _write(request: HttpRequest, operator: Operator, channel: Channel, draft: Draft) -> None:
    """Write it. A draft that was written already, by a second click, is written."""
    try:
        services.set_costs(
            channel=channel,
            rows=draft.file.rows,
            source=draft.file.source,
            effective_from=draft.begins,
            again=_amount(request.POST.get("again", "")),
            newest=number_of(request.POST.get("newest", "")) or 0,
            **by(request, operator),
        )
    except ValidationError as error:
        if error.code != services.COSTS_CHANGED or not _is_newest(channel, draft):
            raise


def _is_newest(channel: Channel, draft: Draft) -> bool:
    """Whether these costs are what was written last."""
    newest = CostTable.objects.filter(channel=channel).order_by("-id").first()
    rows = [[*row.key, row.kind, row.micros] for row in draft.file.rows]
    return newest is not None and (newest.rows, newest.source) == (rows, draft.file.source)


def _differing(channel: Channel, draft: Draft) -> list[Cell]:
    """The cells whose cost would be another, beside the table that these take over from."""
    last = _in_force(stored_cost_tables(channel), draft.begins or clock.now())
    before = cost_table_of(last).rows if last else {}
    after = {row.key: row for row in draft.file.rows}
    found = [Cell(key, before.get(key), after.get(key)) for key in {**before, **after}]
    return [cell for cell in found if cell.before != cell.after]


def _draft(request: HttpRequest) -> Draft:
    """What was sent. Raises ValueError or ValidationError, in words."""
    begins = _moment(request.POST.get("begins", "").strip())
    if other := request.POST.get("other"):
        factor = request.POST.get("factor", "").strip()
        return Draft(services.copied(_other(other), factor), begins)
    file = cost_csv.read(_text(request))
    source = request.POST.get("source", "").replace("\0", "").strip() or file.source
    return Draft(file._replace(source=source), begins)


def _text(request: HttpRequest) -> str:
    """Of the file, or what was pasted."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("rows", "").lstrip("\ufeff")
    if (file.size or 0) > MOST_BYTES:
        raise ValueError(f"the file is larger than {MOST_BYTES // 1024} KiB")
    try:
        return str(file.read(), "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None


def _moment(text: str) -> datetime | None:
    """A moment, in UTC where it has no zone; None for now. Raises ValueError."""
    if not text:
        return None
    with suppress(ValueError, OverflowError):  # no such day; no year that UTC has
        if found := parse_datetime(text):
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    raise ValueError(f"{text!r} is not a date and time such as 2026-12-01 00:00")


def _amount(text: str) -> Micros | None:
    """What was typed again; None for nothing. Raises ValueError."""
    text = text.strip().removeprefix("$")
    return from_decimal(text) if text else None


def _other(text: str) -> Channel:
    found = Channel.objects.filter(pk=number_of(text) or 0).first()
    if found is None:
        raise ValidationError("There is no such channel.")
    return found


def _with_costs() -> list[Channel]:
    """The channels whose costs can be copied."""
    return list(Channel.objects.filter(cost_tables__isnull=False).distinct())


def _in_force(stored: list[CostTable], at: datetime) -> CostTable | None:
    return next((one for one in reversed(stored) if one.effective_from <= at), None)
