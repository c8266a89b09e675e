"""Acts on a tenant: its money, and its permission to order."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from typing_extensions import override

from accounts.ledger import RequestedMove
from accounts.models import Tenant
from accounts.selectors.office.tenants import tenant_as_shown
from accounts.services.office.suspending import resume, suspend
from billing.models import Transfer
from billing.selectors.office.balances import balance_of
from billing.services.office.accounts import reversible
from billing.services.office.moves import move_money, rehearse
from billing.services.office.second_person import why_it_waits
from console.amounts import amount
from console.ops.access import Permission
from console.ops.reasons import unread_note_field, words_field
from console.ops.second_person import typed_again, waiting_words
from console.parts.acts import About, Act, ActForm, ActResult, Asked, Change, Preview
from console.parts.form_fields import micros_of
from console.parts.page_query import meant_by
from console.parts.periods import number_of
from pictor.kit.words.money import Micros, to_decimal

Kind = Transfer.Kind
TENANT = About[Tenant](
    kind="tenant",
    find=tenant_as_shown,
    words=lambda tenant: tenant.name,
    page=lambda tenant: reverse("ops:tenant", args=[tenant.public_id]),
)
tenant_act = partial(Act[Tenant], about=TENANT, needs=Permission.TENANTS)


class MoneyForm(ActForm):
    amount = forms.CharField(
        max_length=40,
        label="Amount, USD",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = words_field(
        required=False, help_text="In its ledger and audit log. Empty: the entry has no words."
    )
    note = unread_note_field()

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        available = amount(balance_of(self.asked.subject.id).available)
        self.fields["amount"].help_text = f"{self.asked.subject.name} has {available} available."

    def clean_amount(self) -> Micros:
        micros = micros_of(self.cleaned_data["amount"])
        if not micros:
            raise ValidationError("Type an amount in dollars, such as 12.50.")
        return micros


class PaymentForm(MoneyForm):
    reason = words_field(
        "Reference of the payment",
        help_text="Its own. The customer reads it, and it can be booked only once.",
    )
    note = unread_note_field(required=False)


class ReversalForm(MoneyForm):
    """Like the others, and the number of the entry that is reversed."""

    seq = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)


@dataclass(frozen=True)
class MovingMoney:
    """An act that moves a tenant's money."""

    kind: Kind
    verb: str
    lead: str
    form: type[MoneyForm] = MoneyForm

    def act(self) -> Act[Tenant]:
        return Act(
            name=f"tenant.{self.kind.value}",
            verb=self.verb,
            lead=self.lead,
            about=TENANT,
            needs=Permission.MONEY,
            audit=f"balance.{self.kind.value}",
            form=self.form,
            initial=self.initial,
            preview=self.preview,
            do=self.do,
        )

    def initial(self, asked: Asked[Tenant], query: QueryDict) -> dict[str, Any]:
        """For a reversal, all that can be reversed of the entry that the address names."""
        if self.kind is not Kind.REVERSAL:
            return {}
        seq = meant_by(query, "seq", number_of)
        if seq is None:
            return {}
        _, most = reversible(tenant_id=asked.subject.id, seq=seq)
        return {"seq": seq, "amount": to_decimal(most)}

    def preview(self, asked: Asked[Tenant]) -> Preview | None:
        if not isinstance(asked.data.get("amount"), int):
            return None
        wanted, waits = Micros(asked.data["amount"]), self._why_it_waits(asked)
        effect = rehearse(self._requested(asked), actor=asked.by["actor"])
        name = f"{asked.subject.name}, available"
        return Preview(
            changes=[Change(name, amount(effect.before), amount(effect.after))],
            notes=[f"{waits}."] if waits else [],
            confirmation=typed_again(wanted),
            verb=f"{'Ask for' if waits else self.verb} {amount(wanted)}",
            of=wanted,
        )

    def do(self, asked: Asked[Tenant]) -> ActResult:
        wanted, waits = Micros(asked.data["amount"]), self._why_it_waits(asked)
        requested = self._requested(asked)
        move = move_money(once=asked.once, requested=requested, now=asked.now, **asked.by)
        facts = {"tenant": asked.subject.public_id, "move": str(move.id)}
        if move.transfer_id is None:
            words = waiting_words(wanted, waits)
            return ActResult(words=words, page=reverse("ops:moves"), facts=facts)
        available = balance_of(asked.subject.id).available
        after = f"{asked.subject.name} has {amount(available)} now"
        return ActResult(
            words=f"{self.verb}: {amount(wanted)}. {after}",
            facts={**facts, "amount": to_decimal(wanted), "available": to_decimal(available)},
        )

    def _requested(self, asked: Asked[Tenant]) -> RequestedMove:
        data = asked.data
        return RequestedMove(
            tenant_id=asked.subject.id,
            kind=self.kind.value,
            amount=data["amount"],
            seq=data.get("seq"),
            reason=data.get("reason", ""),
            note=data.get("note", ""),
        )

    def _why_it_waits(self, asked: Asked[Tenant]) -> str:
        return why_it_waits(
            {asked.subject.id: asked.data["amount"]},
            actor=asked.by["actor"],
            now=asked.now,
            is_payment=self.kind == Kind.TOP_UP,
        )


class SuspendForm(ActForm):
    words = words_field(
        "Reason, for the customer",
        help_text="In its console, in the answer to each request, and mailed to owners, admins and"
        " billing members.",
    )
    note = unread_note_field(required=False)


def _suspend(asked: Asked[Tenant]) -> ActResult:
    number = suspend(tenant=asked.subject, **asked.data, **asked.by)
    members = f"reason mailed to {number} member{'' if number == 1 else 's'}"
    return ActResult(words=f"{asked.subject.name} suspended, {members}", facts={"mailed": number})


def _resume(asked: Asked[Tenant]) -> ActResult:
    resume(tenant=asked.subject, **asked.by)
    return ActResult(words=f"{asked.subject.name} is active again")


ACTS: tuple[Act[Any], ...] = (
    MovingMoney(
        Kind.TOP_UP,
        "Book payment",
        "A payment that has arrived, booked once per reference.",
        PaymentForm,
    ).act(),
    MovingMoney(Kind.CREDIT, "Credit", "Adds money to the balance without a payment.").act(),
    MovingMoney(
        Kind.ADJUSTMENT, "Adjust", "Corrects a mistake. A negative amount takes from the balance."
    ).act(),
    MovingMoney(
        Kind.REVERSAL, "Reverse", "Reverses a mistaken top-up or credit.", ReversalForm
    ).act(),
    tenant_act(
        name="tenant.suspend",
        verb="Suspend",
        lead="Its requests are refused from the next one on; those under way will finish.",
        audit="tenant.status",
        form=SuspendForm,
        do=_suspend,
        is_dangerous=True,
    ),
    tenant_act(
        name="tenant.resume",
        verb="Resume",
        lead="Its requests are accepted from the next one on.",
        audit="tenant.status",
        do=_resume,
    ),
)
