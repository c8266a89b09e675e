"""Actions on one line of a bill: put it back, withdraw its dispute, pick its call."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from console.amounts import amount
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.reconciliation.listed import bill_or_404
from console.ops.reconciliation.standing import refused
from generation.models import BillLine
from generation.oversight.bills import decisions
from generation.oversight.bills.listing import line_numbered


@staff(Permission.MONEY)
@require_POST
def put_back(request: HttpRequest, operator: Operator, bill: int, line: int) -> HttpResponse:
    found, reason = _line_or_404(bill, line), request.POST.get("reason", "")
    try:
        change = decisions.put_back(found, reason=reason, actor=by(request, operator)["actor"])
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, f"Put back: {amount(change)}", "bill", str(bill))


@staff(Permission.MONEY)
@require_POST
def withdraw(request: HttpRequest, operator: Operator, bill: int, line: int) -> HttpResponse:
    try:
        decisions.withdraw(_line_or_404(bill, line), **by(request, operator))
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, "Dispute withdrawn", "bill", str(bill))


@staff(Permission.MONEY)
@require_POST
def pick(request: HttpRequest, operator: Operator, bill: int, line: int) -> HttpResponse:
    found, call = _line_or_404(bill, line), request.POST.get("call", "")
    try:
        decisions.pick(found, call=call, **by(request, operator))
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, "Call picked", "bill", str(bill))


def _line_or_404(bill: int, line: int) -> BillLine:
    found = line_numbered(line, bill=bill_or_404(bill))
    if found is None:
        raise Http404
    return found
