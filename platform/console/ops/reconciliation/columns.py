"""The columns of a bill: guessed, checked on its first rows, and confirmed."""

from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from console.ops.access import FORM, Operator, Permission, by, rendered, staff
from console.ops.reconciliation.listed import bill_or_404
from console.parts.periods import number_of
from generation.models import VendorBill
from generation.oversight.bills import intake
from generation.oversight.bills.mapping import (
    COLUMNS,
    PER_CALL,
    PER_DAY,
    Columns,
    ReadRow,
    read_row,
)
from generation.oversight.bills.parsing import Row
from generation.selectors import channel_by_id, every_channel

UNITS = {"usd": "dollars", "cents": "cents", "micros": "millionths of a dollar"}
ROW_SUBJECTS = {PER_CALL: "A call", PER_DAY: "A day, or a part of its total"}
MAX_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Understood:
    """A row of the file as it would be read, or the reason why it cannot be read."""

    number: int
    values: ReadRow | None
    trouble: str

    @property
    def dollars(self) -> str:
        """The exact amount in dollars, before rounding."""
        exact = self.values.exact / 1_000_000 if self.values else Decimal(0)
        return f"{'-' if exact < 0 else ''}${abs(exact.normalize()):f}"


@staff(Permission.MONEY, FORM, fresh=True)
def columns(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Show the chosen columns with the first rows as read by them; a sent form confirms them."""
    found = bill_or_404(bill)
    if found.state in {VendorBill.State.READY, VendorBill.State.WAITING}:
        return _to_bill(found)
    query = request.POST or request.GET
    chosen = _columns_in(query, found)
    channel = channel_by_id(number_of(query.get("channel", ""))) or found.channel
    context: dict[str, Any] = {"bill": found, "channel": channel}
    if request.method == "POST":
        try:
            intake.request_match(found, columns=chosen, channel=channel, **by(request, operator))
            return _to_bill(found)
        except ValidationError as error:
            context["complaint"] = " ".join(error.messages)
    context |= _columns_context(found, chosen)
    return rendered(
        request, operator, "ops/bill_columns.html", context, refused="complaint" in context
    )


def _to_bill(bill: VendorBill) -> HttpResponse:
    return HttpResponseRedirect(reverse("ops:bill", args=[bill.pk]), status=HTTPStatus.SEE_OTHER)


def _columns_in(query: QueryDict, bill: VendorBill) -> Columns:
    """Return the columns in the form; the guessed ones if it has none."""
    if "amount" not in query:
        return Columns.from_json(bill.mapping)
    names = [*COLUMNS, "of", "unit", "zone"]
    return Columns(**{name: _word(query.get(name, "")) for name in names})


def _word(text: str) -> str:
    return text.replace("\0", "").strip()[:MAX_CHARACTERS]


def _columns_context(bill: VendorBill, chosen: Columns) -> dict[str, Any]:
    content = intake.content_of(bill)  # none if the file is no longer kept
    names, rows = intake.first_rows(content) if content is not None else ([], [])
    trouble = ""
    try:
        chosen.check(names)
    except ValueError as error:
        trouble = str(error)
    return {
        "columns": chosen,
        "names": names,
        "fields": [(name, words, getattr(chosen, name)) for name, words in COLUMNS.items()],
        "units": UNITS.items(),
        "kinds": ROW_SUBJECTS.items(),
        "channels": [(channel.pk, channel.name) for channel in every_channel()],
        "trouble": trouble,
        "rows": [] if trouble else [_read(at, row, chosen) for at, row in enumerate(rows, start=1)],
        "is_kept": bool(names),
    }


def _read(number: int, row: Row, chosen: Columns) -> Understood:
    try:
        return Understood(number, read_row(row, chosen), "")
    except ValueError as error:
        return Understood(number, None, str(error))
