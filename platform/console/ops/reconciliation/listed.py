"""The upload of a vendor's bill, and what all pages of bills show."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from console.ops.access import Operator, Permission, by, done, staff
from console.parts.page_query import meant_by
from console.parts.periods import number_of
from generation.models import Channel, VendorBill
from generation.oversight.bills import intake
from generation.oversight.bills import listing as bills
from generation.selectors import channel_by_id, every_channel

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


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Upload a vendor's file for a channel; its columns are confirmed next."""
    chosen = request.POST.get("channel", "")
    context: dict[str, Any] = {
        "operator": operator,
        "channels": every_channel(),
        "chosen": number_of(chosen) or meant_by(request.GET, "channel", number_of),
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
