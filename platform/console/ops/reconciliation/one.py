"""One bill: its sums and lists of lines, or its progress while it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from console.ops.access import Operator, Permission, rendered, staff
from console.ops.reconciliation.listed import BADGES, BillTotals, bill_or_404
from console.parts.exports import csv_answer
from console.parts.filters import MAX_TEXT, PAGE_ROWS, Chip, link_of
from console.parts.page_query import word_of
from console.parts.periods import TO, number_of
from generation.models import Attempt, BillLine, VendorBill
from generation.oversight.bills import decisions, intake
from generation.oversight.bills.listing import (
    LISTS,
    MAX_SCANNED_ROWS,
    BillLineFilter,
    attempts_of,
    every,
    page_of,
)
from generation.oversight.bills.mapping import PER_CALL, Columns
from generation.oversight.bills.unit_costs import draft_of, in_force, unit_costs
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

COLUMNS = (
    "line", "at", "request_id", "item", "images", "billed", "booked", "difference", "currency",
    "result", "decision", "words",
)  # fmt: skip
MAX_COSTED_LINES = 5_000
"""The most lines of each list whose costs are looked at."""
NO_LINES: Mapping[str, str] = {
    "different": "No line differs from what we booked.",
    "theirs": "They charge nothing that is unknown to us.",
    "ours": "All of our calls are on the bill.",
    "equal": "No line equals what we booked.",
    "taken": "No line is taken yet.",
    "disputed": "No line is disputed.",
}


@dataclass(frozen=True, slots=True)
class BillLineRow:
    line: BillLine
    call: Attempt | None
    candidates: Sequence[Attempt | str]

    @property
    def words(self) -> str:
        return line_words(self.line)

    @property
    def is_open(self) -> bool:
        return decisions.is_open(self.line)


@staff(Permission.MONEY)
def bill(request: HttpRequest, operator: Operator, bill: int) -> HttpResponseBase:
    """Show a list of the bill's lines; as CSV it can be sent to the vendor."""
    found = bill_or_404(bill)
    if found.state == VendorBill.State.DRAFT:
        return redirect("ops:bill_columns", found.pk)
    context: dict[str, Any] = {
        "bill": found,
        "badge": BADGES[VendorBill.State(found.state)],
    }
    if found.state != VendorBill.State.READY:
        return rendered(request, operator, "ops/bill_waits.html", context | _waiting(found))
    if "waits" in request.GET:
        return HttpResponse(headers={"HX-Refresh": "true"})  # it waited, and now has its lines
    sought = sought_by(request.GET, found)
    if request.GET.get("format") == "csv":
        rest = f"`reconcile show {found.pk} --list {sought.list} --json` prints all of them"
        pages = ([_cells(line) for line in page] for page in every(found, sought))
        return csv_answer(f"bill-{found.pk}-{sought.list}.csv", COLUMNS, pages, rest=rest)
    ready = _ready(found, sought, number_of(request.GET.get("after", "")) or 0)
    return rendered(request, operator, "ops/bill.html", context | ready)


def line_words(line: BillLine) -> str:
    """The name of a line, or of our call that has none."""
    if line.number:
        return f"Line {line.number}"
    return f"Our call of {line.at:%-d %b %Y, %H:%M:%S} UTC"


def sought_by(query: QueryDict, bill: VendorBill) -> BillLineFilter:
    """Return the list that the address names, or the first list with lines."""
    text = query.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    usual = next((name for name in LISTS if name in bill.sums), "different")
    return BillLineFilter(word_of(query, "list", LISTS, usual), text)


def _waiting(bill: VendorBill) -> dict[str, Any]:
    is_waiting = bill.state == VendorBill.State.WAITING
    since = bill.asked_at or bill.created_at
    return {
        "is_waiting": is_waiting,
        "is_late": is_waiting and clock.now() - since > intake.WORKER_MISSING_AFTER,
        # Beside each doubt another reading of the columns, as form fields, if there is one.
        "doubts": [(doubt, dict(doubt["columns"] or {})) for doubt in bill.doubts],
        "totals": BillTotals(bill),
    }


def _ready(bill: VendorBill, sought: BillLineFilter, after: int) -> dict[str, Any]:
    page = page_of(bill, sought, after=after, limit=PAGE_ROWS)
    filters = {"list": sought.list, "q": sought.text}
    counts = {name: figures[0] for name, figures in bill.sums.items()}
    counts |= {"taken": bill.taken_lines, "disputed": bill.disputed_lines}
    shown = _with_calls(page.rows)
    here = {**filters, "after": str(after or "")}
    return {
        "totals": BillTotals(bill),
        "taken": bill.taken_micros,
        "open": decisions.open_sum(bill),
        "most_open": decisions.MAX_SUMMED,
        "columns": Columns.from_json(bill.mapping),
        "is_of_calls": bill.mapping["of"] == PER_CALL,
        "tabs": [
            Chip(link_of({"list": name}), words, name == sought.list, counts.get(name, 0))
            for name, words in LISTS.items()
        ],
        "sought": sought,
        "sums": bill.sums.get(sought.list),
        "lines": shown,
        "can_choose": any(line.is_open for line in shown),
        "why_none": NO_LINES[sought.list],
        "looked_at": MAX_SCANNED_ROWS if page.is_cut else 0,
        "first": link_of(filters) if after else "",
        "more": link_of(filters, after=str(page.last)) if page.last else "",
        "csv": link_of(filters, format="csv"),
        "margin": _margin_of(bill),
        "all": link_of(here, all="1"),
        "most": decisions.MAX_AT_ONCE,
        "rounding": bill.rounding.normalize(),
    }


def _margin_of(bill: VendorBill) -> str:
    """Return the address of the channel's margin on the bill's UTC days."""
    begins, ends = bill.period
    last = ends - timedelta(microseconds=1)
    days = TO.join(f"{at.astimezone(UTC):%Y-%m-%d}" for at in (begins, last))
    query = {"by": "model", "channel": bill.channel.name, "period": days}
    return reverse("ops:margin") + link_of(query)


def _with_calls(lines: Sequence[BillLine]) -> list[BillLineRow]:
    attempts = attempts_of(lines)
    return [
        BillLineRow(
            line,
            attempts.get(str(line.attempt_id)),
            [attempts.get(call, call) for call in line.candidates],
        )
        for line in lines
    ]


def _cells(line: BillLine) -> Sequence[Any]:
    """Return a line for the CSV. Vendors may read it, so it has no id of ours."""
    return [
        line.number or "", line.at, line.request_id, line.item or line.model,
        line.n or "", to_decimal(line.theirs_micros), to_decimal(line.ours_micros),
        to_decimal(line.difference), "USD", line.outcome, line.decision, line.words,
    ]  # fmt: skip


@staff(Permission.MONEY)
def costs(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Show the cost of each cell now and by the bill; roles that change channels can draft it."""
    found = bill_or_404(bill)
    units = (
        unit_costs(found, most=MAX_COSTED_LINES) if found.state == VendorBill.State.READY else []
    )
    lines = [found.sums.get(outcome, [0])[0] for outcome in ("equal", "different")]
    now = in_force(found.channel)
    context = {
        "bill": found,
        "units": [(unit, now.get(unit.key)) for unit in units],
        "looked_at": MAX_COSTED_LINES if max(lines) > MAX_COSTED_LINES else 0,
        "draft": draft_of(found, units) if units else "",
    }
    return rendered(request, operator, "ops/bill_costs.html", context)
