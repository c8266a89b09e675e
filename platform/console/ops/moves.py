"""Moves of money, and changes of tenants' members, that wait for a second person; decided moves."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from accounts.selectors.office.members import waiting_member_changes
from accounts.services.office.member_changes import decide_member_change
from billing.models import MoneyMove, Transfer
from billing.selectors.office.balances import balances_of
from billing.selectors.office.moves import all_decided_moves, decided_moves, waiting_moves
from billing.services.office.moves import approve_move, decline_move
from console.amounts import amount
from console.ops.access import POST, Operator, Permission, by, done, rendered, staff
from console.ops.second_person import DECISIONS
from console.parts.entries import KIND_WORDS
from console.parts.exports import Rows, csv_answer
from console.parts.page_guards import View
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

DECIDED = 50
"""Number of decided moves listed, the latest first."""
COLUMNS = (
    *("id", "tenant", "name", "kind", "amount", "currency", "state", "words", "note", "asked_by"),
    *("asked", "expires", "decided_by", "decided"),
)


@staff(Permission.SEE)
def waiting(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List what waits, money with the balance before and after, then decided moves; also as CSV.

    Money only to who may move it.
    """
    if request.GET.get("format") == "csv":
        if Permission.MONEY not in operator.may:
            raise Http404
        return csv_answer("money-moves.csv", COLUMNS, _csv(clock.now()))
    return _page(request, operator)


@staff(Permission.TENANTS, POST, fresh=True)
def decide_change(
    request: HttpRequest, operator: Operator, change: UUID, decision: str
) -> HttpResponse:
    """Approve or withdraw a change of members; the service refuses approval by who asked."""
    if decision not in DECISIONS:
        raise Http404
    decide = partial(decide_member_change, decision=decision, actor=operator.user)
    try:
        decided = decide(change_id=change, now=clock.now(), ip=request.META.get("REMOTE_ADDR"))
    except ValidationError as error:
        return _page(request, operator, refusal=" ".join(error.messages))
    return done(request, f"{DECISIONS[decision]}: {decided}", "moves")


def _decision(decide: Callable[..., MoneyMove], words: str) -> View:
    """Return the view that decides on a move; the service refuses approval by who asked for it."""

    @staff(Permission.MONEY, POST)
    def view(request: HttpRequest, operator: Operator, move: UUID) -> HttpResponse:
        try:
            decided = decide(move_id=move, now=clock.now(), **by(request, operator))
        except ValidationError as error:
            return _page(request, operator, refusal=" ".join(error.messages))
        what = f"{amount(decided.amount)} for {decided.tenant.name}"
        return done(request, f"{words}: {what}", "moves")

    return view


approve = _decision(approve_move, "Booked")
decline = _decision(decline_move, "Declined")


def _page(request: HttpRequest, operator: Operator, *, refusal: str = "") -> HttpResponse:
    now, sees_money = clock.now(), Permission.MONEY in operator.may
    moves = waiting_moves(now) if sees_money else []
    available = balances_of([move.tenant_id for move in moves])
    rows = [
        (
            move,
            KIND_WORDS[move.kind],  # type: ignore[index]
            available[move.tenant_id],
            max(left, 0) if move.kind == Transfer.Kind.PAY_BACK else left,
            -left if move.kind == Transfer.Kind.PAY_BACK and left < 0 else 0,
        )
        for move in moves
        for left in [available[move.tenant_id] + move.change]
    ]
    decided = [
        (move, KIND_WORDS[move.kind], move.state(now), at)  # type: ignore[index]
        for move, at in (decided_moves(now, limit=DECIDED) if sees_money else [])
    ]
    context = {
        "changes": waiting_member_changes(now),
        "decisions": DECISIONS,
        "rows": rows,
        "decided": decided,
        "refusal": refusal,
    }
    return rendered(request, operator, "ops/moves.html", context, refused=refusal)


def _csv(now: datetime) -> Iterator[Rows]:
    yield [_cells(move, now, None) for move in waiting_moves(now)]
    for page in all_decided_moves(now):
        yield [_cells(move, now, ended_at) for move, ended_at in page]


def _cells(move: MoneyMove, now: datetime, ended_at: datetime | None) -> Sequence[object]:
    return [
        str(move.id), move.tenant.public_id, move.tenant.name, move.kind, to_decimal(move.change),
        "USD", move.state(now), move.reason, move.note, move.asked_by_name,
        move.asked_at, move.expires_at, move.decided_by_name, ended_at,
    ]  # fmt: skip
