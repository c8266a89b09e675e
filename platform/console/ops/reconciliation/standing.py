"""Actions on a whole bill: accept it as read, match it again, delete it."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from console.ops.access import Operator, Permission, by, done, staff
from console.ops.reconciliation.listed import bill_or_404
from generation.oversight.bills import intake


@staff(Permission.MONEY)
@require_POST
def accept(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    return _change_bill(request, operator, bill, intake.accept, "Bill accepted as read")


@staff(Permission.MONEY)
@require_POST
def again(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    return _change_bill(request, operator, bill, intake.request_rematch, "Matching again")


@staff(Permission.MONEY)
@require_POST
def forget(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Delete the bill with its lines; refused if a line was taken."""
    found = bill_or_404(bill)
    try:
        intake.forget(found, **by(request, operator))
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, f"{found.name} deleted", "reconciliation")


def _change_bill(
    request: HttpRequest,
    operator: Operator,
    bill: int,
    change: Callable[..., None],
    words: str,
) -> HttpResponse:
    try:
        change(bill_or_404(bill), **by(request, operator))
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, words, "bill", str(bill))


def refused(request: HttpRequest, error: ValidationError, bill: int) -> HttpResponse:
    messages.error(request, " ".join(error.messages))
    answer = redirect(reverse("ops:bill", args=[bill]))
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer
