"""Money moves that wait for a second person to approve or decline them, and decided ones."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from billing.models import MoneyMove
from billing.selectors import balances_of, decided_moves, waiting_moves
from billing.services import approve_move, decline_move
from console.amounts import amount
from console.ops.access import May, Operator, by, done, staff
from console.parts.entries import KIND_WORDS
from pictor.kit.words import clock

DECIDED = 50
"""Number of decided moves listed, the latest first."""


@staff(May.MONEY)
@require_safe
def waiting(request: HttpRequest, operator: Operator) -> HttpResponse:
    """List waiting moves with the balance before and after, then decided ones."""
    return _page(request, operator)


@staff(May.MONEY, fresh=True)
@require_POST
def approve(request: HttpRequest, operator: Operator, move: UUID) -> HttpResponse:
    """Book a move; the service refuses the person who asked for it."""
    return _decided(request, operator, move, approve_move, "Booked")


@staff(May.MONEY, fresh=True)
@require_POST
def decline(request: HttpRequest, operator: Operator, move: UUID) -> HttpResponse:
    """Decline a move, which then is never booked."""
    return _decided(request, operator, move, decline_move, "Declined")


def _decided(
    request: HttpRequest,
    operator: Operator,
    move: UUID,
    decide: Callable[..., MoneyMove],
    words: str,
) -> HttpResponse:
    try:
        one = decide(move_id=move, now=clock.now(), **by(request, operator))
    except ValidationError as error:
        return _page(request, operator, refusal=" ".join(error.messages))
    return done(request, f"{words}: {amount(one.amount)} for {one.tenant.name}", "moves")


def _page(request: HttpRequest, operator: Operator, *, refusal: str = "") -> HttpResponse:
    now = clock.now()
    found = waiting_moves(now)
    available = balances_of([one.tenant_id for one in found])
    rows = [
        (one, KIND_WORDS[one.kind], available[one.tenant_id], available[one.tenant_id] + _sign(one))  # type: ignore[index]
        for one in found
    ]
    decided = [
        (one, KIND_WORDS[one.kind], one.state(now), at)  # type: ignore[index]
        for one, at in decided_moves(now, limit=DECIDED)
    ]
    context = {"operator": operator, "rows": rows, "decided": decided, "refusal": refusal}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return render(request, "ops/moves.html", context, status=status)


def _sign(move: MoneyMove) -> int:
    """Return the amount by which the move changes the balance; negative for a reversal."""
    return -move.amount if move.kind == "reversal" else move.amount
