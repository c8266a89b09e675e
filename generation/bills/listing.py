"""Lists of bills and of their lines, as pages and commands show them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from generation.models import Attempt, BillLine, Channel, VendorBill

LISTS = {
    "different": "Different",
    "theirs": "Theirs without ours",
    "ours": "Ours without theirs",
    "equal": "Equal",
    "taken": "Taken",
    "disputed": "Disputed",
}
"""The lists of a bill's lines, by their names in addresses and commands."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Sought:
    """A selection of a bill's lines: a list, and a request id, model or line item within it."""

    list: str = "different"
    text: str = ""


def bills(*, channel: Channel | None, after: int | None, limit: int) -> list[VendorBill]:
    """Bills of one channel or of all, newest first."""
    rows = VendorBill.objects.defer("content").select_related("channel").order_by("-id")
    if channel is not None:
        rows = rows.filter(channel=channel)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return list(rows[:limit])


def bill_numbered(number: int) -> VendorBill | None:
    """A bill without its file; None if it does not exist."""
    rows = VendorBill.objects.defer("content").select_related("channel")
    return rows.filter(pk=number).first()


def lines_numbered(numbers: Collection[int], *, bill: VendorBill) -> QuerySet[BillLine]:
    """Those of these lines that the bill has, in the order of the file."""
    return bill.lines.filter(pk__in=numbers).order_by("id")


def lines_of(bill: VendorBill, sought: Sought) -> QuerySet[BillLine]:
    """The lines of a list, in the order of the file; calls without a line by their time."""
    rows = bill.lines.order_by("id")
    if sought.list in BillLine.Decision.values:
        rows = rows.filter(decision=sought.list)
    else:
        rows = rows.filter(outcome=sought.list)
    if sought.text:
        text = sought.text
        rows = rows.filter(Q(request_id=text) | Q(item__icontains=text) | Q(model__icontains=text))
    return rows


def decided_in(bill: VendorBill) -> dict[str, tuple[int, int]]:
    """By decision, the number of lines, and the change of cost in micros that taking them made."""
    rows = bill.lines.exclude(decision="").order_by().values_list("decision")
    found = rows.annotate(Count("id"), Sum("taken_micros"))
    return {decision: (lines, change) for decision, lines, change in found}


def page_of(lines: QuerySet[BillLine], *, after: int | None, limit: int) -> list[BillLine]:
    """The first of the lines, or those after the one with that id."""
    return list(lines.filter(pk__gt=after or 0)[:limit])


def lines_among(
    lines: QuerySet[BillLine], chosen: QuerySet[BillLine] | Collection[int], *, limit: int
) -> list[BillLine]:
    """Those of the lines that are chosen, by ids or by a query, with their bill, in order."""
    return list(lines.filter(Q(pk__in=chosen)).select_related("bill").order_by("pk")[:limit])


def all_of(lines: QuerySet[BillLine]) -> Iterator[list[BillLine]]:
    """All of the lines, some at a time."""
    after = 0
    while page := page_of(lines, after=after, limit=_AT_ONCE):
        yield page
        after = page[-1].pk


def attempts_of(lines: list[BillLine]) -> dict[str, Attempt]:
    """The attempts of these lines and of their candidates, by id, with their generations."""
    wanted = {str(line.attempt_id) for line in lines if line.attempt_id}
    wanted |= {call for line in lines for call in line.candidates}
    found = Attempt.objects.select_related("generation").in_bulk(list(wanted))
    return {str(pk): attempt for pk, attempt in found.items()}
