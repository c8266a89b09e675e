"""Refund a delivered generation, or credit a failed one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.ledger import Window
from billing.models import MoneyMove
from billing.selectors import (
    ChargeSums,
    available_after,
    available_to,
    charge_sums_of,
    credited_for,
)
from billing.services import is_typed_twice, max_compensation_per_day, why_it_waits
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.generations.one import generation_or_404
from console.ops.tenants.acts import waiting_words
from console.parts.filters import amount_of
from console.parts.form_fields import DollarsField, dressed, take_errors
from generation.models import Generation, State
from generation.oversight.compensation import Gift, Giver, credit, refund
from generation.oversight.inspection import Called, called_for
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, in_dollars

MAX_CHARACTERS = 200


class GiftForm(forms.Form):
    """The amount and the reason; `once` is set when the form is shown."""

    once = forms.UUIDField(widget=forms.HiddenInput)
    amount = DollarsField(
        label="Amount, USD", error_messages={"too_little": "Type an amount above 0."}
    )
    note = forms.CharField(label="Note for staff", max_length=MAX_CHARACTERS)
    words = forms.CharField(
        label="Words for the customer", max_length=MAX_CHARACTERS, required=False
    )

    def clean_amount(self) -> Micros:
        """Raise ValidationError for no amount, or for one that belongs on the tenant's page."""
        amount: Micros | None = self.cleaned_data["amount"]
        if amount is None:
            raise ValidationError("Type an amount in dollars, such as 0.05.")
        if is_typed_twice(amount):
            raise ValidationError(
                "Give an amount this large on the tenant's page, where it is typed twice."
            )
        return amount

    @property
    def gift(self) -> Gift:
        data = self.cleaned_data
        return Gift(data["amount"], data["words"], data["note"])


@dataclass(frozen=True, slots=True)
class GiftAction:
    """A refund or a credit: its words, its service, and the proposed amount.

    Attributes:
        refusal: returns the reason why a generation cannot get it; empty if it can.
    """

    verb: str
    done: str
    give: Callable[..., MoneyMove]
    usual: Callable[[Generation, ChargeSums], int]
    refusal: Callable[[Generation, ChargeSums], str]


def _refund_refusal(_: Generation, sums: ChargeSums) -> str:
    return "" if sums.left else "It has no charge left to refund."


def _credit_refusal(generation: Generation, _: ChargeSums) -> str:
    is_for = generation.livemode and generation.state in {State.FAILED, State.CANCELED}
    return (
        ""
        if is_for
        else ("Only a generation that failed or was canceled, uncharged, can get a credit.")
    )


REFUND = GiftAction(
    verb="Refund",
    done="refunded",
    give=refund,
    usual=lambda _, sums: sums.left,
    refusal=_refund_refusal,
)
CREDIT = GiftAction(
    verb="Credit",
    done="credited",
    give=credit,
    usual=lambda generation, _: generation.held_micros,
    refusal=_credit_refusal,
)


@dataclass(frozen=True, slots=True)
class GiftEffect:
    """The effect of a gift; amounts are micros.

    Attributes:
        before: the tenant's available balance.
        waits: why it waits for a second person; empty if it does not.
    """

    amount: int
    before: int
    sums: ChargeSums
    called: Called
    waits: str

    @property
    def after(self) -> int:
        """The tenant's available balance afterwards."""
        return self.before + self.amount

    @property
    def margin(self) -> int:
        """The margin of the generation now, as far as its cost is known."""
        return self.sums.left - self.called.known_cost - self.sums.credited

    @property
    def margin_after(self) -> int:
        """The margin of the generation afterwards."""
        return self.margin - self.amount


def giver_of(request: HttpRequest, operator: Operator) -> Giver:
    """Return the operator as the giver, with the limit of their day."""
    return Giver(**by(request, operator), max_per_day=max_compensation_per_day(operator.user))


@staff(Permission.REFUND, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def give_back(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    return _give(request, operator, generation_or_404(generation), REFUND)


@staff(Permission.REFUND, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def give_credit(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    return _give(request, operator, generation_or_404(generation), CREDIT)


def _give(
    request: HttpRequest, operator: Operator, generation: Generation, way: GiftAction
) -> HttpResponse:
    sums = charge_sums_of([generation.id], tenants=[generation.tenant_id])[generation.id]
    usual = way.usual(generation, sums)
    initial = {"once": uuid4(), "amount": usual}
    form = GiftForm(request.POST if request.method == "POST" else None, initial=initial)
    wanted = amount_of(request.POST.get("amount") or request.GET.get("amount", "")) or usual
    effect = _effect(generation, sums, wanted, operator)
    if form.is_bound and form.is_valid():
        try:
            move = way.give(
                once=form.cleaned_data["once"],
                generation=generation,
                gift=form.gift,
                giver=giver_of(request, operator),
                now=clock.now(),
            )
        except ValidationError as error:
            take_errors(form, error)
        else:
            words = _result_sentence(generation, move, way, effect)
            return done(request, words, "generation", generation.public_id)
    context = {
        "operator": operator,
        "made": generation,
        "way": way,
        "is_refund": way is REFUND,
        "refusal": way.refusal(generation, sums),
        "form": dressed(form),
        "effect": effect,
        "given": sums,
        "covered": _outage_credit(generation) if way is CREDIT else None,
        "max_per_day": max_compensation_per_day(operator.user),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "ops/generation_give.html", context, status=status)


def _outage_credit(generation: Generation) -> Micros | None:
    """Return the credit that the tenant got for an outage at that time, if any."""
    moment = Window(
        generation.created_at, generation.created_at + timedelta(microseconds=1), generation.model
    )
    return credited_for(moment, tenants=[generation.tenant_id], now=clock.now()).get(
        generation.tenant_id
    )


def _effect(
    generation: Generation, sums: ChargeSums, amount: int, operator: Operator
) -> GiftEffect:
    before, called = available_to(generation.tenant_id), called_for([generation.id])
    amounts = {generation.tenant_id: amount}
    waits = why_it_waits(amounts, actor=operator.user, now=clock.now())
    return GiftEffect(amount, before, sums, called[generation.id], waits)


def _result_sentence(
    generation: Generation, move: MoneyMove, way: GiftAction, effect: GiftEffect
) -> str:
    if move.transfer_id is None:
        return waiting_words(move.amount, effect.waits)
    after = available_after(move.transfer_id)
    return (
        f"{in_dollars(move.amount)} {way.done}: {generation.tenant.name}"
        f" {in_dollars(after - move.amount)} → {in_dollars(after)}"
    )
