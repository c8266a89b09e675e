"""Pay-backs: money goes back to the card that paid it, as staff ask by a money move.

The money is set aside and the call's key stored in one transaction; the provider is called after
it, and again until it has answered. A key is good for a day there. Where it is too old, or the
answer said neither yes nor no, the refund is looked up, and asked for anew only if it is not there.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import TransferReason
from accounts.services import By, Subject, name_of, record
from billing.models import Payment, PaymentCustomer, PaymentMovement, Transfer
from billing.payments.port import Movement, PayBack, ProviderRefused, ProviderUnsure
from billing.services.office import card_money
from billing.services.office.payment_mail import pause
from billing.services.office.payment_movements import (
    KEY_LASTS,
    ask,
    ask_whole,
    book_movement,
    charge_of,
    left_at_the_provider,
    refuse_movement,
)
from billing.services.office.payments import asked_provider, each_alone, ids_of
from pictor.kit.redis.bell import ring
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros, in_dollars

TASK = "billing.tasks.follow_payments"
State = PaymentMovement.State


def set_aside(*, tenant_id: UUID, top_up_seq: int, amount: Micros, why: TransferReason) -> Transfer:
    """Set a payment's money aside, and store what the provider is asked for it.

    Part of the caller's transaction; the worker asks after the commit. Raises ValidationError for
    another transfer, for an amount that is no whole cents of the charge, and for more than is left
    or available.
    """
    locked = Payment.objects.select_for_update().filter(tenant_id=tenant_id)
    payment = locked.filter(top_up_seq=top_up_seq).first()
    if payment is None:
        raise ValidationError(f"transfer {top_up_seq} was not paid by card")
    charge = charge_of(payment)
    cents = charge.cents_for(amount)
    micros = charge.share_of(cents)
    # One micro of difference is another movement's rounding between the request and its approval.
    if abs(micros - amount) > 1:
        raise ValidationError(
            "whole cents of the charge are paid back, with their part of the tax:"
            f" {in_dollars(micros)} is the nearest amount"
        )
    if cents > left_at_the_provider(payment):
        raise ValidationError("more is asked for than is left at the provider")
    asked_by, now = name_of(why["actor"]), clock.now()
    movement = ask(payment, cents, micros, now=now, reason=why["reason"], asked_by=asked_by)
    transfer = card_money.pay_back(
        tenant_id=tenant_id, top_up_seq=top_up_seq, amount=micros, line=str(movement.id), **why
    )
    movement.seqs = [transfer.seq or 0]
    movement.save(update_fields=["seqs"])
    # At once: what is set aside must not be topped up again while the provider is asked.
    pause(tenant_id, PaymentCustomer.Pause.PAID_BACK, now=now)
    transaction.on_commit(partial(ring, TASK))
    return transfer


@transaction.atomic
def pay_back_whole(*, payment_id: UUID, reason: str, now: datetime, **by: Unpack[By]) -> None:
    """Ask for all that is left of a payment, such as one that a bank warned of.

    What is spent becomes owed once it is done. Raises ValidationError if nothing is left.
    """
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if not left_at_the_provider(payment):
        raise ValidationError("Nothing is left of this payment.")
    ask_whole(payment, now=now, reason=reason, asked_by=name_of(by["actor"]))
    about = Subject("payment", str(payment.id), payment.tenant_id)
    record(about, "top_up.pay_back_whole", after={"words": reason}, **by)
    transaction.on_commit(partial(ring, TASK))


def send_waiting(now: datetime) -> None:
    """Ask the provider for every pay-back that waits for it, in any order: none holds up others."""
    asked = PaymentMovement.objects.filter(state=State.ASKED).order_by("?")
    each_alone(asked.values_list("id", flat=True), partial(send, now=now))


def send(movement_id: UUID, *, now: datetime) -> None:
    """Ask the provider for a pay-back, unless it has answered. Safe to repeat.

    Raises ProviderError if it did not answer: `send_waiting` asks again.
    """
    row = PaymentMovement.objects.select_related("payment").get(id=movement_id)
    if row.state != State.ASKED:
        return
    try:
        made = _made(row, now)
    except ProviderRefused as error:
        refuse_movement(row, str(error))
        return
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(id=row.payment_id)
        # A look that booked it meanwhile saw more than this answer, such as that it failed.
        if PaymentMovement.objects.filter(id=row.id, state=State.ASKED).exists():
            book_movement(payment, replace(made, ours=row.id), now=now)


def _made(row: PaymentMovement, now: datetime) -> Movement:
    """Make the refund, or find it if the key says nothing: too old, or its answer was no answer."""
    at = asked_provider()
    asked = PayBack(row.id, row.key, ids_of(row.payment), row.cents)
    mine = PaymentMovement.objects.filter(id=row.id, state=State.ASKED)
    if row.key_at is None or now - row.key_at >= KEY_LASTS:
        if found := at.paid_back(asked):
            return found
        asked = replace(asked, key=str(ids.new_uuid()))
        if not mine.filter(key=row.key).update(key=asked.key, key_at=now):
            raise ProviderUnsure("another process asks for it")
    try:
        return at.pay_back(asked)
    except ProviderUnsure:
        # The provider replays a failure for the same key; the refund may be there all the same.
        mine.filter(key=asked.key).update(key_at=None)
        raise
