"""Moves of money by staff: requested once by an id, and approved by a second person if large.

Raises ValidationError, in words for a person, if a move is impossible, was sent before with other
values, or is decided already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import RequestedMove, TransferReason
from accounts.mailboxes import any_mailbox_of
from accounts.models import User
from accounts.selectors.office.people import was_staff_at
from accounts.services import Actor, By, Subject, name_of, record
from accounts.services.office.tenants import refuse_ended
from billing.locks import account_for_update, days_of_money
from billing.models import MoneyMove, Payment, Transfer
from billing.selectors.office.balances import available_to
from billing.selectors.office.moves import credited_by_itself, credited_for, waiting_moves
from billing.services.office import accounts
from billing.services.office.pay_backs import pay_back_whole, set_aside
from billing.services.office.payment_movements import charge_of, left_at_the_provider
from billing.services.office.second_person import why_it_waits
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, in_dollars

WAITS_FOR = timedelta(days=7)
MAX_SUPPORT_GIFTS_PER_DAY = Micros(20_000_000)
"""The most that a member of support may refund and credit in one UTC day."""


@dataclass(frozen=True, slots=True)
class MoveEffect:
    """A move's effect on a tenant's available money, in micros."""

    before: Micros
    after: Micros


def is_typed_twice(amount: int) -> bool:
    """True if an amount must be typed a second time."""
    return abs(amount) > settings.MONEY_TYPED_TWICE


def max_compensation_per_day(actor: Actor) -> Micros | None:
    """Return the most that somebody may refund and credit in one UTC day; None for no limit."""
    is_support = isinstance(actor, User) and actor.staff_role == User.StaffRole.SUPPORT
    return MAX_SUPPORT_GIFTS_PER_DAY if is_support else None


@transaction.atomic
def rehearse(requested: RequestedMove, *, actor: Actor) -> MoveEffect:
    """Return a move's effect now: it is made and rolled back."""
    before = accounts.open_account(tenant_id=requested.tenant_id).available
    why = TransferReason(actor=actor, reason=requested.reason, note=requested.note)
    point = transaction.savepoint()
    try:
        _execute(requested, why)
        after = available_to(requested.tenant_id)
    finally:
        transaction.savepoint_rollback(point)
    return MoveEffect(Micros(before), after)


@transaction.atomic
def move_money(
    *, once: UUID, requested: RequestedMove, now: datetime, waits: bool = False, **by: Unpack[By]
) -> MoneyMove:
    """Move the money, or let it await a second person if it is large, alone or with its day.

    A request sent twice, even at the same time, moves once; both get the same move. `waits` is True
    for one of several that are too large together.

    Raises ValidationError, also if the request was sent before and has been declined or expired.
    """
    waits = _waits_by_itself(requested, by["actor"], now) or waits
    if requested.kind == Transfer.Kind.TOP_UP:
        _refuse_a_waiting_reference(requested, once, now)
    if requested.kind == Transfer.Kind.CREDIT and (requested.outage or requested.generation_id):
        # Without the move `once` itself: a form that is sent again is no second credit.
        _refuse_a_second(requested, once, now)
    move, is_new = MoneyMove.objects.get_or_create(
        id=once,
        defaults={
            **_columns(requested),
            "asked_by": by["actor"] if isinstance(by["actor"], User) else None,
            "asked_by_name": name_of(by["actor"]),
            "asked_at": now,
            "expires_at": now + WAITS_FOR if waits else None,
        },
    )
    if not is_new:
        if any(getattr(move, name) != value for name, value in _columns(requested).items()):
            raise ValidationError("This form was sent before with other values. Open it again.")
        if refusal := move.refusal(now):
            raise ValidationError(refusal)
        return move
    if move.expires_at is None:
        return _book(move, now, by)
    rehearse(requested, actor=by["actor"])  # an impossible move is refused at once (ADR 0058)
    _record(move, "money.ask", by, until=move.expires_at.isoformat(timespec="seconds"))
    return move


@transaction.atomic
def approve_move(*, move_id: UUID, now: datetime, **by: Unpack[By]) -> MoneyMove:
    """Book a waiting move, as another person, who was staff when it was requested."""
    move = _waiting(move_id, now)
    if _is_same(move, by["actor"]):
        raise ValidationError("Somebody other than the person who asked has to approve it.")
    if isinstance(by["actor"], User) and not was_staff_at(by["actor"], move.asked_at):
        raise ValidationError("Somebody who was staff when it was asked for has to approve it.")
    _record(move, "money.approve", by, asked_by=move.asked_by_name)
    move.decided_by_name = name_of(by["actor"])
    return _book(move, now, by)


@transaction.atomic
def decline_move(*, move_id: UUID, now: datetime, **by: Unpack[By]) -> MoneyMove:
    """Refuse a waiting move for good; its requester may withdraw it like this."""
    move = _waiting(move_id, now)
    move.declined_at, move.decided_by_name = now, name_of(by["actor"])
    move.save(update_fields=["declined_at", "decided_by_name"])
    _record(move, "money.decline", by, asked_by=move.asked_by_name)
    return move


def _waits_by_itself(requested: RequestedMove, actor: Actor, now: datetime) -> bool:
    is_payment = requested.kind == Transfer.Kind.TOP_UP
    if not is_payment and isinstance(actor, User):
        days_of_money()  # two moves at once must not both find the day empty
    amounts = {requested.tenant_id: requested.amount}
    return bool(why_it_waits(amounts, actor=actor, now=now, is_payment=is_payment))


def _refuse_a_second(requested: RequestedMove, once: UUID, now: datetime) -> None:
    """Refuse a second credit for an outage, under any name, or for a generation."""
    tenant_id = requested.tenant_id
    accounts.open_account(tenant_id=tenant_id)
    account_for_update(tenant_id)  # two credits at once must not both find that none was given
    if requested.outage is not None:
        covered = credited_for(requested.outage, tenants=[tenant_id], now=now, but=once).get(
            tenant_id
        )
        if covered is not None:
            raise ValidationError(f"{in_dollars(covered)} already covers a part of that time")
    if requested.generation_id is not None:
        credited = credited_by_itself(
            requested.generation_id, tenant_id=tenant_id, now=now, but=once
        )
        if credited:
            raise ValidationError(
                f"{in_dollars(credited)} was already credited for it: reverse that, or credit the"
                " tenant"
            )


def _refuse_a_waiting_reference(requested: RequestedMove, once: UUID, now: datetime) -> None:
    """Refuse a payment while another of the tenant waits with the same reference."""
    accounts.open_account(tenant_id=requested.tenant_id)
    account_for_update(requested.tenant_id)  # two payments at once must not both find none waiting
    reference = accounts.reference_of(requested.reason)
    for move in waiting_moves(now):
        is_payment = (move.tenant_id, move.kind) == (requested.tenant_id, Transfer.Kind.TOP_UP)
        is_same = accounts.reference_of(move.reason).casefold() == reference.casefold()
        if move.id != once and is_payment and is_same:
            raise ValidationError(
                f"{in_dollars(move.amount)} with the reference {move.reason!r}, asked for by"
                f" {move.asked_by_name} on {move.asked_at:%Y-%m-%d}, waits for another person:"
                " approve or decline that one"
            )


def _waiting(move_id: UUID, now: datetime) -> MoneyMove:
    # Locked, so that the second of two approvals finds it decided.
    move = MoneyMove.objects.select_for_update().filter(id=move_id).first()
    if move is None:
        raise ValidationError("There is no such move.")
    if (state := move.state(now)) != "waiting":
        by = f" by {move.decided_by_name}" if move.decided_by_name else ""
        raise ValidationError(f"This move is no longer waiting: it is {state}{by}.")
    return move


def _is_same(move: MoneyMove, actor: Actor) -> bool:
    """True if the actor is the requester, in the shell as well as in the browser."""
    if isinstance(actor, User) and move.asked_by_id == actor.id:
        return True
    return _person(move.asked_by_name) == _person(name_of(actor))


def _person(name: str) -> str:
    """The mailbox of an address, or of that in 'manage.py (root as ann@pictor.example)'.

    A key counts as the person who made it: 'ann@pictor.example (key shop)'.
    """
    at_the_shell = name.partition(" as ")[2].removesuffix(")")
    return any_mailbox_of(at_the_shell or name.partition(" (key ")[0])


def _columns(requested: RequestedMove) -> dict[str, object]:
    outage = requested.outage
    return {
        "tenant_id": requested.tenant_id,
        "kind": requested.kind,
        "amount": requested.amount,
        "reverses_seq": requested.seq,
        "generation_id": requested.generation_id,
        "covers_since": outage and outage.since,
        "covers_until": outage and outage.until,
        "covers_model": outage.model if outage else "",
        "reason": requested.reason,
        "note": requested.note,
    }


def _book(move: MoneyMove, now: datetime, by: By) -> MoneyMove:
    requested = RequestedMove(
        tenant_id=move.tenant_id,
        kind=move.kind,
        amount=Micros(move.amount),
        seq=move.reverses_seq,
        generation_id=move.generation_id,
        reason=move.reason,
        note=move.note,
    )
    moved = _execute(requested, TransferReason(reason=move.reason, note=move.note, **by))
    move.transfer_id = moved.id if moved else 0
    if moved is None and move.expires_at is not None:
        move.expires_at = now  # when it was approved, which no transfer says
    move.save(update_fields=["transfer_id", "decided_by_name", "expires_at"])
    return move


def _execute(requested: RequestedMove, why: TransferReason) -> Transfer | None:
    """Make the move's transfer; None if it has none before the provider has answered."""
    tenant_id, amount = requested.tenant_id, requested.amount
    refuse_ended(tenant_id)
    match requested.kind:
        case Transfer.Kind.TOP_UP:
            return accounts.book_payment(tenant_id=tenant_id, amount=amount, **why)
        case Transfer.Kind.CREDIT:
            return accounts.credit(
                tenant_id=tenant_id, amount=amount, generation_id=requested.generation_id, **why
            )
        case Transfer.Kind.ADJUSTMENT:
            return accounts.adjust(tenant_id=tenant_id, amount=amount, **why)
        case Transfer.Kind.REVERSAL:
            seq = requested.seq or 0
            return accounts.reverse(tenant_id=tenant_id, seq=seq, amount=amount, **why).transfer
        case Transfer.Kind.PAY_BACK:
            return _pay_back(requested, requested.seq or 0, why)
        case Transfer.Kind.REFUND if requested.generation_id is not None:
            return accounts.refund(
                tenant_id=tenant_id, generation_id=requested.generation_id, amount=amount, **why
            )
    raise ValidationError(f"Money cannot be moved by a {requested.kind}.")


def _pay_back(requested: RequestedMove, seq: int, why: TransferReason) -> Transfer | None:
    """Set a payment's money aside. One that a bank warns of goes back whole, even if spent."""
    tenant_id, amount = requested.tenant_id, requested.amount
    locked = Payment.objects.select_for_update(of=("self",))
    paid = locked.filter(tenant_id=tenant_id, top_up_seq=seq)
    warned = paid.filter(disputes__kind="warning", disputes__state="open").first()
    if warned is None or amount <= available_to(tenant_id):
        return set_aside(tenant_id=tenant_id, top_up_seq=seq, amount=amount, why=why)
    if amount != (whole := charge_of(warned).share_of(left_at_the_provider(warned))):
        raise ValidationError(
            f"More than is available can only go back whole: {in_dollars(whole)} is left of it."
        )
    by = By(actor=why["actor"], ip=why.get("ip"))
    pay_back_whole(payment_id=warned.id, reason=why["reason"], now=clock.now(), **by)
    return None


def _record(move: MoneyMove, action: str, by: By, **more: str) -> None:
    """Record it in an event without a tenant: until booked, it does not concern the tenant."""
    after = {"tenant": move.tenant.public_id, "kind": move.kind, "amount_micros": move.amount}
    texts = {"words": move.reason, "note": move.note}
    about = Subject("money_move", str(move.id))
    record(about, action, after={**after, **texts, **more}, **by)
