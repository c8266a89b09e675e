"""The list of vendors' bills, the newest first; and the upload of a new one."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from console.ops.access import Mode, Operator, Permission, by, done, modes_of, staff
from console.parts.exports import Rows, csv_answer
from console.parts.filters import PAGE_ROWS, link_of
from console.parts.periods import number_of
from generation.models import Channel, VendorBill
from generation.oversight.bills import intake
from generation.oversight.bills import listing as bills
from generation.selectors import channel_by_id, every_channel
from pictor.kit.words.money import to_decimal

ROWS_AT_ONCE = 500
"""Bills on a page, and bills that a CSV reads in one query."""
COLUMNS = (
    *("bill", "name", "channel", "begins", "ends", "state", "lines", "theirs", "ours"),
    *("difference", "currency", "uploaded", "by", "taken", "disputed_lines"),
)
BADGES = {
    VendorBill.State.DRAFT: ("info", "Columns to confirm"),
    VendorBill.State.WAITING: ("info", "Matching"),
    VendorBill.State.DOUBTFUL: ("warn", "In doubt"),
    VendorBill.State.FAILED: ("bad", "Not read"),
    VendorBill.State.READY: ("ok", "Matched"),
}


class BillTotals:
    """The total of a bill beside the total that we booked, in micros."""

    def __init__(self, bill: VendorBill) -> None:
        figures = list(bill.sums.values())
        self.theirs = sum(theirs for _, theirs, _ in figures)
        self.ours = sum(ours for _, _, ours in figures)
        self.difference = self.theirs - self.ours


def bill_or_404(number: int) -> VendorBill:
    """Return a bill with its channel, without its file, or raise Http404."""
    found = bills.bill_numbered(number)
    if found is None:
        raise Http404
    return found


@staff(Permission.MONEY)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List bills of live calls, also as CSV; test and demo calls are never billed."""
    after = number_of(request.GET.get("after", ""))
    channel = channel_by_id(number_of(request.GET.get("channel", "")))
    is_live = operator.mode == Mode.LIVE
    if request.GET.get("format") == "csv":
        return csv_answer("bills.csv", COLUMNS, _csv(channel) if is_live else [])
    page = bills.bills(channel=channel, after=after, limit=PAGE_ROWS + 1) if is_live else []
    query = {"channel": str(channel.pk) if channel else ""}
    context = {
        "operator": operator,
        "rows": [
            (bill, BADGES[VendorBill.State(bill.state)], BillTotals(bill))
            for bill in page[:PAGE_ROWS]
        ],
        "channel": channel,
        "channels": every_channel(),
        "modes": modes_of(operator),
        "newest": link_of(query) if after is not None else "",
        "older": link_of(query, after=str(page[PAGE_ROWS - 1].pk)) if len(page) > PAGE_ROWS else "",
        "csv": link_of(query, format="csv"),
    }
    return render(request, "ops/bills.html", context)


def _csv(channel: Channel | None) -> Iterator[Rows]:
    after: int | None = None
    while page := bills.bills(channel=channel, after=after, limit=ROWS_AT_ONCE):
        yield [_cells(bill) for bill in page]
        after = page[-1].pk


def _cells(bill: VendorBill) -> Sequence[str | int]:
    begins, ends, totals = bill.begins_at, bill.ends_at, BillTotals(bill)
    sums = (totals.theirs, totals.ours, totals.difference)
    return [
        bill.pk, bill.name, bill.channel.name, begins.isoformat() if begins else "",
        ends.isoformat() if ends else "", bill.state, bill.lines_read,
        *(to_decimal(total) if bill.sums else "" for total in sums), "USD",
        bill.created_at.isoformat(), bill.by, to_decimal(bill.taken_micros), bill.disputed_lines,
    ]  # fmt: skip


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Upload a vendor's file for a channel; its columns are confirmed next."""
    chosen = request.POST.get("channel") or request.GET.get("channel", "")
    context: dict[str, Any] = {
        "operator": operator,
        "channels": every_channel(),
        "chosen": number_of(chosen),
        "most": intake.MAX_BYTES // 1024**2,
    }
    if request.method == "POST":
        try:
            bill = _drafted(request, operator, channel_by_id(number_of(chosen)))
        except ValidationError as error:
            words = " ".join(error.messages)
            if error.code == intake.SAME:
                return done(request, words, "bill", str((error.params or {})["bill"]))
            context["complaint"] = words
        else:
            answer = redirect("ops:bill_columns", bill.pk)
            answer.status_code = HTTPStatus.SEE_OTHER
            return answer
    status = HTTPStatus.UNPROCESSABLE_ENTITY if "complaint" in context else HTTPStatus.OK
    return render(request, "ops/bill_new.html", context, status=status)


def _drafted(request: HttpRequest, operator: Operator, channel: Channel | None) -> VendorBill:
    if channel is None:
        raise ValidationError("Choose the bill's channel.")
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise ValidationError("Choose a file.")
    return intake.draft_bill(
        channel=channel,
        name=file.name or "",
        content=file.read(intake.MAX_BYTES + 1),  # a byte too many is refused there
        actor=by(request, operator)["actor"],
    )
