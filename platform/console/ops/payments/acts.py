"""Acts on a payment: looked at again, paid back in part, and paid back whole."""

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from typing_extensions import override

from accounts.ledger import RequestedMove
from billing.models import Payment, Transfer
from billing.payments.port import ProviderError
from billing.payments.shares import micros_of
from billing.selectors.office.balances import balance_of
from billing.selectors.office.moves import moves_among
from billing.selectors.office.payment_search import complaints_of, payment_by_id
from billing.selectors.office.payments import cards_on
from billing.services.office.moves import move_money, rehearse
from billing.services.office.pay_backs import pay_back_whole
from billing.services.office.payment_movements import charge_of, left_at_the_provider
from billing.services.office.payments import PAGE_SECONDS, follow
from billing.services.office.second_person import why_it_waits
from console.amounts import CENT, amount
from console.ops.access import Permission
from console.ops.reasons import unread_note_field, words_field
from console.ops.second_person import typed_again, waiting_words
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview
from console.parts.form_fields import DollarsField
from console.parts.payment_words import badge_of
from pictor.kit.words.money import Micros, to_decimal

Sought = Asked[Payment]
PAYMENT = About[Payment](
    kind="payment",
    find=payment_by_id,
    words=lambda payment: f"{amount(payment.credited_micros)} of {payment.tenant.name}",
    page=lambda payment: reverse("ops:payment", args=[payment.pk]),
)


class PayBackForm(ActForm):
    amount = DollarsField(
        label="To the card, USD", error_messages={"too_little": "Type an amount above 0."}
    )
    reason = words_field(required=False, help_text="In its ledger and in the mail to its members.")
    note = unread_note_field(required=False)

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = micros_of(_most(self.asked.subject))
        words = f"At most {amount(self.most)}, with its part of the tax."
        self.fields["amount"].help_text = words

    def clean_amount(self) -> Micros:
        micros: Micros | None = self.cleaned_data["amount"]
        if not micros or micros % CENT:
            raise ValidationError("Type whole cents, such as 12.50.")
        if micros > self.most:
            raise ValidationError(f"At most {amount(self.most)} can go back now.")
        return micros


class WholeForm(ActForm):
    reason = words_field(help_text="In its ledger and in the mail to its members.")


def _most(payment: Payment) -> int:
    """Return the cents that can go back: at most what is left of it, and available."""
    charge, available = charge_of(payment), balance_of(payment.tenant_id).available
    if payment.top_up_seq is None:
        return 0
    cents = min(left_at_the_provider(payment), charge.cents_for(max(available, 0)))
    return max(cents - (charge.share_of(cents) > available), 0)


def _requested(asked: Sought) -> RequestedMove:
    payment, data = asked.subject, asked.data
    return RequestedMove(
        tenant_id=payment.tenant_id,
        kind=Transfer.Kind.PAY_BACK.value,
        amount=charge_of(payment).share_of(data["amount"] // CENT),
        seq=payment.top_up_seq,
        reason=data.get("reason", ""),
        note=data.get("note", ""),
    )


def _why_it_waits(asked: Sought, micros: Micros) -> str:
    amounts = {asked.subject.tenant_id: micros}
    return why_it_waits(amounts, actor=asked.by["actor"], now=asked.now, is_payment=False)


def _changes(payment: Payment, to_card: int, before: int, after: int) -> list[Change]:
    name = f"{payment.tenant.name}, available"
    return [
        Change("To the card", "", amount(to_card)),
        Change(name, amount(before), amount(after)),
    ]


def _preview(asked: Sought) -> Preview | None:
    if not isinstance(asked.data.get("amount"), int):
        return None
    requested, to_card = _requested(asked), asked.data["amount"]
    waits = _why_it_waits(asked, requested.amount)
    effect = rehearse(requested, actor=asked.by["actor"])
    return Preview(
        changes=_changes(asked.subject, to_card, effect.before, effect.after),
        notes=[f"{waits}."] if waits else [],
        confirmation=typed_again(to_card),
        verb=f"{'Ask to pay' if waits else 'Pay'} back {amount(to_card)}",
        of=requested.amount,
    )


def _pay_back(asked: Sought) -> ActResult:
    requested = _requested(asked)
    waits = _why_it_waits(asked, requested.amount)
    move = move_money(once=asked.once, requested=requested, now=asked.now, **asked.by)
    facts = {"payment": str(asked.subject.pk), "move": str(move.id)}
    if move.transfer_id is None:
        words = waiting_words(requested.amount, waits)
        return ActResult(words=words, page=reverse("ops:moves"), facts=facts)
    words = f"{amount(asked.data['amount'])} goes back to the card: the provider is asked now"
    return ActResult(words=words, facts={**facts, "amount": to_decimal(requested.amount)})


def _preview_whole(asked: Sought) -> Preview:
    payment = asked.subject
    cents, balance = left_at_the_provider(payment), balance_of(payment.tenant_id)
    micros = charge_of(payment).share_of(cents)
    taken = min(micros, balance.available)
    changes = _changes(payment, micros_of(cents), balance.available, balance.available - taken)
    owed = Change("Owed", amount(balance.owed), amount(balance.owed + micros - taken))
    stops = "" if cents else "Nothing of it is left."
    if "warning" not in complaints_of(payment):
        stops = "No bank warns of this payment: pay back what is not spent."
    return Preview(
        changes=[*changes, owed] if micros > taken else changes,
        notes=["While something is owed, its requests are refused."] if micros > taken else [],
        stops=stops,
        confirmation=typed_again(micros_of(cents)),
    )


def _pay_back_whole(asked: Sought) -> ActResult:
    reason = asked.data["reason"]
    pay_back_whole(payment_id=asked.subject.pk, reason=reason, now=asked.now, **asked.by)
    return ActResult(words="All that is left goes back to the card: the provider is asked now")


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
        lead="Sends money back to the card: what is left of the payment and not spent.",
        initial=lambda asked, _query: {"amount": micros_of(_most(asked.subject))},
        already=lambda asked: "It was asked for already" if moves_among([asked.once]) else "",
        preview=_preview, do=_pay_back,
    ),
    _act(
        name="payment.pay_back_whole", verb="Pay back whole", audit="top_up.pay_back_whole",
        lead="Sends all that is left of the payment back to the card, before its bank takes it with"
        " a fee. What is spent becomes owed.",
        form=WholeForm, initial=lambda _asked, _query: {"reason": "The bank warned of fraud"},
        preview=_preview_whole, do=_pay_back_whole, is_dangerous=True,
    ),
)  # fmt: skip
