"""Decisions on differing lines: take the vendor's amounts into the ledger, or dispute them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from typing_extensions import override

from console.amounts import amount
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.reconciliation.listed import bill_or_404
from console.ops.reconciliation.one import sought_by
from console.ops.reconciliation.standing import refused
from console.parts.form_fields import ConfirmationInput, dressed
from console.parts.periods import number_of
from generation.models import BillLine, VendorBill
from generation.oversight.bills import decisions
from generation.oversight.bills.decisions import MAX_AT_ONCE
from generation.oversight.bills.listing import in_reach, lines_numbered, with_bill
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

MAX_CHARACTERS = 200
ALREADY = "These lines are already decided"


class TakeForm(forms.Form):
    """The reason; for several lines also the typed change. `seen` is the change that was shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label="Reason", max_length=MAX_CHARACTERS)
    typed = forms.CharField(
        label="Type the change, USD",
        max_length=30,
        widget=ConfirmationInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, *, change: Micros, lines: int) -> None:
        super().__init__(data)
        self.change = change
        if lines == 1:
            del self.fields["typed"]

    def clean_typed(self) -> Micros:
        """Raise ValidationError unless the typed change is the one shown."""
        try:
            micros = typed.amount(self.cleaned_data["typed"])
        except ValueError:
            raise ValidationError("Type an amount such as 0.25 or -0.25.") from None
        if micros != self.change:
            raise ValidationError(f"It changes the cost by {amount(self.change)}.")
        return micros

    @override
    def clean(self) -> None:
        """Raise ValidationError if the change is another one than was shown."""
        if self.cleaned_data.get("seen") != self.change:
            raise ValidationError(f"It changes the cost by {amount(self.change)} now: check it.")


class DisputeForm(forms.Form):
    words = forms.CharField(label="Words for the vendor", max_length=MAX_CHARACTERS)


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Show how taking these lines changes the cost; a sent form takes them, with each result."""
    found, is_sent = bill_or_404(bill), request.method == "POST"
    wanted, left_out = _chosen_lines(request, found, takeable=True)
    if is_sent and not wanted:
        return _already_decided(request, found)
    change = Micros(sum(line.difference for line in wanted))
    form = TakeForm(request.POST if is_sent else None, change=change, lines=len(wanted))
    result = None
    if is_sent and form.is_valid():
        actor = by(request, operator)["actor"]
        result = decisions.take(wanted, reason=form.cleaned_data["reason"], actor=actor)
        if not result.refused:
            words = f"{_lines(result.taken + result.before)} taken: {amount(result.change)}"
            return done(request, words, "bill", str(bill))
    context = {
        **_context(operator, found, wanted, form),
        "result": result,
        "change": change,
        "not_taken": result.refused if result else left_out,
    }
    return _page(request, "ops/bill_take.html", context)


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    found, is_sent = bill_or_404(bill), request.method == "POST"
    wanted, _ = _chosen_lines(request, found, takeable=False)
    if is_sent and not wanted:
        return _already_decided(request, found)
    form = DisputeForm(request.POST if is_sent else None)
    if is_sent and form.is_valid():
        lines = lines_numbered([line.pk for line in wanted], bill=found)
        words = form.cleaned_data["words"]
        try:
            number = decisions.dispute(lines, words=words, **by(request, operator))
        except ValidationError as error:
            return refused(request, error, bill)
        return done(request, f"{_lines(number)} disputed", "bill", str(bill))
    return _page(request, "ops/bill_dispute.html", _context(operator, found, wanted, form))


def _already_decided(request: HttpRequest, bill: VendorBill) -> HttpResponse:
    """Answer a sent form none of whose lines can be decided now."""
    try:
        decisions.check_matched(bill.state)
    except ValidationError as error:
        return refused(request, error, bill.pk)
    return done(request, ALREADY, "bill", str(bill.pk))


def _chosen_lines(
    request: HttpRequest, bill: VendorBill, *, takeable: bool
) -> tuple[list[BillLine], list[tuple[BillLine, str]]]:
    """Return the named lines, or the next ones of a list, that can be decided.

    With `takeable` also the others, each with the reason.
    """
    if request.method == "POST" or "all" not in request.GET:
        named = (request.POST or request.GET).getlist("line")[:MAX_AT_ONCE]
        among = lines_numbered([number_of(text) or 0 for text in named], bill=bill)
    else:
        after = number_of(request.GET.get("after", "")) or 0
        among, _ = in_reach(bill, sought_by(request.GET, bill), after=after)
    if not takeable:
        return with_bill(decisions.disputable(bill, among), limit=MAX_AT_ONCE), []
    lines = with_bill(decisions.takeable(bill, among), limit=MAX_AT_ONCE)
    return lines, decisions.left_out(bill, among)


def _context(
    operator: Operator, bill: VendorBill, lines: Sequence[BillLine], form: forms.Form
) -> dict[str, Any]:
    return {
        "operator": operator,
        "bill": bill,
        "wanted": lines,
        "theirs": sum(line.theirs_micros for line in lines),
        "ours": sum(line.ours_micros for line in lines),
        "form": dressed(form),
        "most": MAX_AT_ONCE,
        "is_refused": form.is_bound and not form.is_valid(),
    }


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    refused = context["is_refused"]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, template, context, status=status)


def _lines(number: int) -> str:
    return f"{number} line{'s' * (number != 1)}"
