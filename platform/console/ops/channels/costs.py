"""Costs of a channel: its dated tables, and new costs, shown before they are written."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from billing import cost_csv
from billing.cost_csv import CostFile
from billing.upstream_cost import CostKey, CostRow
from console.ops.access import FORM, Operator, Permission, by, done, rendered, staff
from console.ops.channels.changes import ChangeOutlook, channel_or_404
from console.ops.channels.shown import sentence_about
from console.parts.periods import number_of
from generation.catalogue import services
from generation.catalogue.costs import cells
from generation.models import Channel, CostTable
from generation.oversight.splits import expected_splits
from generation.selectors import (
    channel_by_id,
    channels_with_costs,
    cost_table_of,
    flat_costs,
    stored_cost_tables,
)
from pictor.kit.words import clock, typed

MAX_BYTES = 512 * 1024
"""The largest file accepted; 2,000 costs take a fifth of it."""
MAX_SHOWN_CELLS = 100
"""Number of changed cells listed."""


@dataclass(frozen=True, slots=True)
class CostChange:
    """A cost before and after; None if the table has none."""

    key: CostKey
    before: CostRow | None
    after: CostRow | None


@dataclass(frozen=True, slots=True)
class CostDraft:
    """Costs that an operator wants to write, valid from `begins`, or from now if that is None."""

    file: CostFile
    begins: datetime | None

    @property
    def text(self) -> str:
        return cost_csv.to_csv(self.file.rows, source=self.file.source)


def cost_context(channel: Channel, *, at: datetime) -> dict[str, Any]:
    """Return the tables in force, to come and past, and the cells of unknown cost."""
    stored = stored_cost_tables(channel)
    now = _in_force(stored, at)
    tables = () if now is None else (cost_table_of(now),)
    known = list(cells(channel, tables, at=at))
    return {
        "table": now,
        "rows": list(tables[0].rows.values()) if tables else [],
        "later": [table for table in stored if table.effective_from > at],
        "past": [
            table for table in reversed(stored) if table.effective_from <= at and table != now
        ],
        "flat": flat_costs(channel),
        "cells": len(known),
        "unknown": [cell.key for cell in known if not cell.cost.is_known],
        "others": _others(),
        "draft": {"factor": "1"},
    }


def _others() -> list[tuple[str, str]]:
    """Return the channels whose costs can be copied, as choices."""
    return [(str(channel.pk), channel.name) for channel in channels_with_costs()]


@staff(Permission.SEE)
def download(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Download the table in force as CSV, in the format of the import."""
    del request, operator
    found = channel_or_404(channel, archived=True)
    now = _in_force(stored_cost_tables(found), clock.now())
    rows = () if now is None else cost_table_of(now).rows.values()
    text = cost_csv.to_csv(rows, source=now.source if now else "")
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="costs-{found.pk}.csv"'
    return answer


@staff(Permission.CHANNELS, FORM, fresh=True)
def costs(request: HttpRequest, operator: Operator, channel: int) -> HttpResponse:
    """Take costs from a file or another channel: show the changes first, then write them."""
    found = channel_or_404(channel)
    if request.method != "POST":
        return HttpResponseRedirect(f"{reverse('ops:channel', args=[found.pk])}?tab=cost")
    context: dict[str, Any] = {"channel": found, "draft": request.POST}
    try:
        draft = _draft(request)
        context |= _change(found, draft)
        if "write" in request.POST:
            _write(request, operator, found, draft)
            return done(request, "Costs written", "channel_costs", str(found.pk))
    except (ValidationError, ValueError) as error:
        context["complaint"] = _complaint(error, found)
    context["others"] = _others()
    return rendered(
        request, operator, "ops/channel_costs.html", context, refused="complaint" in context
    )


def _complaint(error: ValidationError | ValueError, channel: Channel) -> str:
    if not isinstance(error, ValidationError):
        return sentence_about(str(error), channel)
    if error.code == services.DOUBTFUL_COST:
        return "Nothing is saved yet. Type the highest of these costs again."
    return sentence_about(" ".join(error.messages), channel)


def _change(channel: Channel, draft: CostDraft) -> dict[str, Any]:
    """Return the changes that a draft makes: cells, a day's cost, and costs likely mistyped."""
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
        "changes": changes[:MAX_SHOWN_CELLS],
        "number": len(changes),
        "same": len(rows) - sum(change.after is not None for change in changes),
        "doubts": doubts,
        "outlook": ChangeOutlook(expected_splits(make) if begins is None else [], {}),
        "newest": services.newest_costs(channel),
    }


def _write(request: HttpRequest, operator: Operator, channel: Channel, draft: CostDraft) -> None:
    """Write the draft; a second click on an already written draft succeeds too."""
    again = request.POST.get("again", "")
    try:
        services.set_costs(
            channel=channel,
            rows=draft.file.rows,
            source=draft.file.source,
            effective_from=draft.begins,
            again=typed.amount(again) if again.strip() else None,
            newest=number_of(request.POST.get("newest", "")) or 0,
            **by(request, operator),
        )
    except ValidationError as error:
        if error.code != services.COSTS_CHANGED or not _is_newest(channel, draft):
            raise


def _is_newest(channel: Channel, draft: CostDraft) -> bool:
    """True if the table written last equals the draft."""
    newest = max(stored_cost_tables(channel), key=lambda table: table.pk, default=None)
    if newest is None or newest.source != draft.file.source:
        return False
    return list(cost_table_of(newest).rows.values()) == draft.file.rows


def _differing(channel: Channel, draft: CostDraft) -> list[CostChange]:
    """Return the cells whose cost differs from the table that the draft takes over from."""
    last = _in_force(stored_cost_tables(channel), draft.begins or clock.now())
    before = cost_table_of(last).rows if last else {}
    after = {row.key: row for row in draft.file.rows}
    changes = [CostChange(key, before.get(key), after.get(key)) for key in {**before, **after}]
    return [cell for cell in changes if cell.before != cell.after]


def _draft(request: HttpRequest) -> CostDraft:
    """Read the sent draft. Raises ValueError or ValidationError for the page."""
    text = request.POST.get("begins", "").strip()
    begins = typed.moment(text) if text else None
    if other := request.POST.get("other"):
        factor = request.POST.get("factor", "").strip()
        return CostDraft(services.copied(_other(other), factor), begins)
    file = cost_csv.read(_text(request))
    source = request.POST.get("source", "").replace("\0", "").strip() or file.source
    return CostDraft(file._replace(source=source), begins)


def _text(request: HttpRequest) -> str:
    """Return the text of the file, or the pasted text. Raises ValueError."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("rows", "").lstrip("\ufeff")
    if (file.size or 0) > MAX_BYTES:
        raise ValueError(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        return str(file.read(), "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None


def _other(text: str) -> Channel:
    other = channel_by_id(number_of(text))
    if other is None:
        raise ValidationError("There is no such channel.")
    return other


def _in_force(stored: list[CostTable], at: datetime) -> CostTable | None:
    return next((table for table in reversed(stored) if table.effective_from <= at), None)
