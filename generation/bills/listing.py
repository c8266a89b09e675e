"""Lists of bills and of their lines, as pages and commands show them."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from generation.models import Attempt, BillLine, Channel, VendorBill

LISTS = {
    "different": "Different",
    "theirs": "Theirs without ours",
    "ours": "Ours without theirs",
    "equal": "Equal",
    "taken": "Taken",
    "disputed": "Disputed",
}
"""The lists of a bill's lines, by how addresses and commands name them."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines of a bill: a list, and a request id or a model or line item within it."""

    list: str = "different"
    text: str = ""


def bills(*, channel: Channel | None, after: int | None, limit: int) -> list[VendorBill]:
    """The newest first, of one channel or of all."""
    rows = VendorBill.objects.defer("content").select_related("channel").order_by("-id")
    if channel is not None:
        rows = rows.filter(channel=channel)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return list(rows[:limit])


def bill_numbered(number: int) -> VendorBill | None:
    """A bill without its file; None where there is none."""
    rows = VendorBill.objects.defer("content").select_related("channel")
    return rows.filter(pk=number).first()


def lines_of(bill: VendorBill, sought: Sought) -> QuerySet[BillLine]:
    """The lines of a list, in the order of the file; what is ours alone by its time."""
    rows = bill.lines.order_by("id")
    if sought.list in BillLine.Decision.values:
        rows = rows.filter(decision=sought.list)
    else:
        rows = rows.filter(outcome=sought.list)
    if sought.text:
        text = sought.text
        rows = rows.filter(Q(request_id=text) | Q(item__icontains=text) | Q(model__icontains=text))
    return rows


def all_of(lines: QuerySet[BillLine]) -> Iterator[list[BillLine]]:
    """All of them, some at a time."""
    after = 0
    while page := list(lines.filter(pk__gt=after)[:_AT_ONCE]):
        yield page
        after = page[-1].pk


def attempts_of(lines: list[BillLine]) -> dict[str, Attempt]:
    """By its id, the attempt that a line is of or may be of, with its generation."""
    wanted = {str(line.attempt_id) for line in lines if line.attempt_id}
    wanted |= {call for line in lines for call in line.candidates}
    found = Attempt.objects.select_related("generation").in_bulk(list(wanted))
    return {str(pk): attempt for pk, attempt in found.items()}
