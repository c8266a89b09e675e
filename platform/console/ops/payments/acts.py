"""Acts on a payment: looked at again, and paid back."""

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from typing_extensions import override

from accounts.ledger import RequestedMove
from billing.models import Payment, Transfer
from billing.payments.port import ProviderError
from billing.selectors.office.balances import balance_of
from billing.selectors.office.moves import moves_among
from billing.selectors.office.payment_search import complaints_of, payment_by_id
from billing.selectors.office.payments import cards_on
from billing.services.office.moves import move_money, rehearse
from billing.services.office.payment_movements import charge_of, left_at_the_provider
from billing.services.office.payments import PAGE_SECONDS, follow
from billing.services.office.second_person import why_it_waits
from console.amounts import CENT, amount, cents
from console.ops.access import Permission
from console.ops.reasons import unread_note_field, words_field
from console.ops.second_person import typed_again, waiting_words
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview
from console.parts.form_fields import CentsField
from console.parts.payment_words import badge_of
from pictor.kit.words.money import Micros, to_decimal

Sought = Asked[Payment]
PAYMENT = About[Payment](
    kind="payment",
    find=payment_by_id,
    words=lambda payment: f"{amount(payment.credited_micros)} of {payment.tenant.name}",
    page=lambda payment: reverse("ops:payment", args=[payment.pk]),
)
WARNED = "While something is owed, its requests are refused."


class PayBackForm(ActForm):
    amount = CentsField(label="To the card, USD", required=True)
    reason = words_field(required=False, help_text="In its ledger and in the mail to its members.")
    note = unread_note_field(required=False)

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = _most(self.asked.subject)
        self.fields["amount"].help_text = f"At most {cents(self.most)}, with its part of the tax."

    def clean_amount(self) -> int:
        typed: int = self.cleaned_data["amount"]
        if typed > self.most:
            raise ValidationError(f"At most {cents(self.most)} can go back now.")
        return typed


def _most(payment: Payment) -> int:
    """Return the cents that can go back: what is left of it and, without a warning, available."""
    if payment.top_up_seq is None:
        return 0
    left = left_at_the_provider(payment)
    if "warning" in complaints_of(payment):
        return left
    charge, available = charge_of(payment), balance_of(payment.tenant_id).available
    most = min(left, charge.cents_for(max(available, 0)))
    return max(most - (charge.share_of(most) > available), 0)


def _requested(asked: Sought) -> tuple[RequestedMove, str]:
    """Return the move that is asked for, and why it waits for a second person."""
    payment, data = asked.subject, asked.data
    micros = charge_of(payment).share_of(data["amount"])
    requested = RequestedMove(
        tenant_id=payment.tenant_id,
        kind=Transfer.Kind.PAY_BACK.value,
        amount=micros,
        seq=payment.top_up_seq,
        reason=data.get("reason", ""),
        note=data.get("note", ""),
    )
    amounts = {payment.tenant_id: micros}
    return requested, why_it_waits(amounts, actor=asked.by["actor"], now=asked.now)


def _preview(asked: Sought) -> Preview | None:
    if not asked.data.get("amount"):
        return None
    payment, to_card = asked.subject, asked.data["amount"]
    balance, (requested, waits) = balance_of(payment.tenant_id), _requested(asked)
    rehearse(requested, actor=asked.by["actor"])
    spent = max(requested.amount - balance.available, 0)
    left = balance.available - requested.amount + spent
    changes = [
        Change("To the card", "", cents(to_card)),
        Change(f"{payment.tenant.name}, available", amount(balance.available), amount(left)),
    ]
    if spent:
        changes.append(Change("Owed", amount(balance.owed), amount(balance.owed + spent)))
    return Preview(
        changes=changes,
        notes=[f"{waits}."] if waits else [],
        warnings=[WARNED] if spent else [],
        confirmation=typed_again(Micros(to_card * CENT)),
        verb=f"{'Ask to pay' if waits else 'Pay'} back {cents(to_card)}",
        of=(requested.amount, bool(spent)),
    )


def _pay_back(asked: Sought) -> ActResult:
    requested, waits = _requested(asked)
    move = move_money(once=asked.once, requested=requested, now=asked.now, **asked.by)
    facts = {"payment": str(asked.subject.pk), "move": str(move.id)}
    if move.transfer_id is None:
        words = waiting_words(requested.amount, waits)
        return ActResult(words=words, page=reverse("ops:moves"), facts=facts)
    words = f"{cents(asked.data['amount'])} goes back to the card: the provider is asked now"
    return ActResult(words=words, facts={**facts, "amount": to_decimal(requested.amount)})


def _follow(asked: Sought) -> ActResult:
    try:
        seen = follow(asked.subject.pk, now=asked.now, seconds=PAGE_SECONDS)
    except ProviderError as error:
        raise ValidationError(f"The provider could not be asked: {error}.") from error
    _, words = badge_of(seen, complaints_of(seen))
    return ActResult(words=f"Looked at the provider: {words.lower()}", facts={"state": seen.state})


_act = partial(Act[Payment], about=PAYMENT, needs=Permission.MONEY, is_on=cards_on)
ACTS: tuple[Act[Any], ...] = (
    _act(
        name="payment.follow", verb="Look again", audit="", do=_follow,
        lead="Asks the provider what became of the payment, and books it.",
    ),
    _act(
        name="payment.pay_back", verb="Pay back", audit="balance.pay_back", form=PayBackForm,
        lead="Sends money back to the card: what is left of the payment and not spent. Where a"
        " bank warns of fraud also what is spent, which becomes owed.",
        # Only its button proposes all: money that went to a card does not come back.
        initial=lambda asked, query: {"amount": _most(asked.subject)} if "whole" in query else {},
        already=lambda asked: "It was asked for already" if moves_among([asked.once]) else "",
        preview=_preview, do=_pay_back,
    ),
)  # fmt: skip
