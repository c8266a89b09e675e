"""The upload of a vendor's bill, and what all pages of bills show."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.ops.access import FORM, Operator, Permission, by, done, or_404, rendered, staff
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
    return or_404(bills.bill_numbered(number))


@staff(Permission.MONEY, FORM, fresh=True)
def new(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Upload a vendor's file for a channel; its columns are confirmed next."""
    chosen = request.POST.get("channel", "")
    context: dict[str, Any] = {
        "channels": [
            (channel.pk, f"{channel.name} (archived)" if channel.archived_at else channel.name)
            for channel in every_channel()
        ],
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
            page = reverse("ops:bill_columns", args=[bill.pk])
            return HttpResponseRedirect(page, status=HTTPStatus.SEE_OTHER)
    return rendered(request, operator, "ops/bill_new.html", context, refused="complaint" in context)


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
