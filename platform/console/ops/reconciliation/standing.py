"""A bill as a whole: right as it was read, matched once more, or deleted."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from console.ops.access import May, Operator, by, done, staff
from console.ops.reconciliation.listed import bill_or_404
from generation.bills import keeping


@staff(May.MONEY, fresh=True)
@require_POST
def accept(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Whatever was in doubt, it is right as it was read."""
    return _changed(request, operator, bill, keeping.accept, "Bill matched as it was read")


@staff(May.MONEY, fresh=True)
@require_POST
def again(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Match it beside what is booked now."""
    return _changed(request, operator, bill, keeping.ask_again, "Matching again")


@staff(May.MONEY, fresh=True)
@require_POST
def forget(request: HttpRequest, operator: Operator, bill: int) -> HttpResponse:
    """Delete it, with its lines, where nothing of it was taken."""
    found = bill_or_404(bill)
    try:
        keeping.forget(found, **by(request, operator))
    except ValidationError as error:
        return refused(request, error, bill)
    return done(request, f"{found.name} deleted", "reconciliation")


def _changed(
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
    """Back to the bill, which says why not."""
    messages.error(request, " ".join(error.messages))
    answer = redirect(reverse("ops:bill", args=[bill]))
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer
