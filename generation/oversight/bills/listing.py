"""Lists of bills and of their lines, as pages and commands show them.

A list may have a million lines. A page looks at no more than MAX_SCANNED_ROWS of them; a line with
a request id is found by it wherever it stands.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from generation.models import Attempt, BillLine, Channel, ChannelTrial, VendorBill
from generation.oversight.bills.matching import again_of, key_of
from generation.oversight.searching import search_pages
from generation.oversight.searching.search_pages import SearchPage

LISTS = {
    "different": "Different",
    "theirs": "Theirs without ours",
    "ours": "Ours without theirs",
    "equal": "Equal",
    "taken": "Taken",
    "disputed": "Disputed",
}
"""The lists of a bill's lines, by their names in addresses and commands."""
MAX_SCANNED_ROWS = 10_000
"""The most lines to look at for one page."""
_AT_ONCE = 1000
_PARTS, _TIMES = 20, 50
"""The most lines with one request id, and the most times each comes, that a search finds by it."""


@dataclass(frozen=True, slots=True)
class BillLineFilter:
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


def line_numbered(number: int) -> BillLine | None:
    """The line with this id, with its bill; None if there is none."""
    lines = BillLine.objects.select_related("bill").defer("bill__content")
    return lines.filter(pk=number).first()


def lines_numbered(numbers: Collection[int], *, bill: VendorBill) -> QuerySet[BillLine]:
    """Those of these lines that the bill has, in the order of the file."""
    return bill.lines.filter(pk__in=numbers).order_by("id")


def lines_of(bill: VendorBill, name: str) -> QuerySet[BillLine]:
    """All lines of a list, in the order of the file; calls without a line by their time.

    All lines of the bill for an empty name.
    """
    rows = bill.lines.order_by("id")
    if not name:
        return rows
    is_decision = name in BillLine.Decision.values
    return rows.filter(decision=name) if is_decision else rows.filter(outcome=name)


def page_of(
    bill: VendorBill, sought: BillLineFilter, *, after: int, limit: int
) -> SearchPage[BillLine, int]:
    """The selection's first lines after the id `after`, in at most six queries.

    They are in the order of the file; calls without a line by their time.
    """
    near, edge = in_reach(bill, sought, after=after)
    return search_pages.page_of(near, edge=edge, limit=limit)


def every(bill: VendorBill, sought: BillLineFilter) -> Iterator[Sequence[BillLine]]:
    """Yield all lines of the selection in pages; a page may be empty."""
    after: int | None = 0
    while after is not None:
        page = page_of(bill, sought, after=after, limit=_AT_ONCE)
        yield page.rows
        after = page.last


def in_reach(
    bill: VendorBill, sought: BillLineFilter, *, after: int
) -> tuple[QuerySet[BillLine], int | None]:
    """Matches among the scanned lines of its list after the id `after`, and the last one's id.

    The id is None if the list ends before. Takes at most five queries.
    """
    rows, text = lines_of(bill, sought.list).filter(pk__gt=after), sought.text
    if text:
        named = rows.filter(key__in=_keys_of(bill, text))
        if named.exists():
            return named, None
    edge = rows.values_list("pk", flat=True)[MAX_SCANNED_ROWS - 1 : MAX_SCANNED_ROWS].first()
    near = rows if edge is None else rows.filter(pk__lte=edge)
    if text:
        near = near.filter(Q(request_id=text) | Q(item__icontains=text) | Q(model__icontains=text))
    return near, edge


def _keys_of(bill: VendorBill, request_id: str) -> list[str]:
    """The keys of the lines with a request id, and of our calls with it that have no line."""
    call = {"channel": bill.channel_id, "upstream_request_id": request_id}
    calls = [
        *Attempt.objects.filter(**call).values_list("pk", flat=True)[:_AT_ONCE],
        *ChannelTrial.objects.filter(**call).values_list("pk", flat=True)[:_AT_ONCE],
    ]
    keys = [key_of(bill.channel_id, own) for own in (request_id, *map(str, calls))]
    lines = bill.lines.filter(key__in=keys).exclude(same_row="").order_by("id")
    parts = lines.values_list("key", "same_row")[:_PARTS]
    again = [again_of(key, nth, row) for key, row in parts for nth in range(2, _TIMES + 1)]
    return keys + again


def with_bill(lines: QuerySet[BillLine], *, limit: int | None) -> list[BillLine]:
    """The first of these lines, or all, with their bill, in the order of the file."""
    return list(lines.select_related("bill").order_by("pk")[:limit])


def all_of(lines: QuerySet[BillLine]) -> Iterator[list[BillLine]]:
    """All of the lines, some at a time."""
    after = 0
    while page := list(lines.filter(pk__gt=after)[:_AT_ONCE]):
        yield page
        after = page[-1].pk


def attempts_of(lines: Sequence[BillLine]) -> dict[str, Attempt]:
    """The attempts of these lines and of their candidates, by id, with their generations."""
    wanted = {str(line.attempt_id) for line in lines if line.attempt_id}
    wanted |= {call for line in lines for call in line.candidates}
    by_id = Attempt.objects.select_related("generation").in_bulk(list(wanted))
    return {str(pk): attempt for pk, attempt in by_id.items()}
