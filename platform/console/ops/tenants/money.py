"""Move a tenant's money: the effect is shown first, and large amounts are typed twice."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.ledger import RequestedMove
from accounts.models import Tenant
from billing.models import Transfer
from billing.selectors import balance_of
from billing.services import (
    is_typed_twice,
    move_money,
    rehearse,
    reversible,
    why_it_waits,
)
from console.amounts import amount
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.tenants.rows import tenant_of
from console.parts.form_fields import ConfirmationInput, dressed, micros_of, take_errors
from console.parts.periods import number_of
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros, to_decimal

Kind = Transfer.Kind
MAX_REASON_CHARS = 200
VERBS = {
    Kind.TOP_UP: ("Book payment", "A payment that has arrived, booked once per reference."),
    Kind.CREDIT: ("Credit", "Adds money to the balance without a payment."),
    Kind.ADJUSTMENT: ("Adjust", "Corrects a mistake. A negative amount takes from the balance."),
    Kind.REVERSAL: ("Reverse", "Reverses a mistaken top-up or credit."),
}
"""The kinds of moves by operators, each with its verb and an explanation."""


class MoneyForm(forms.Form):
    """The amount, the words for the tenant, and the note for staff."""

    once = forms.UUIDField(widget=forms.HiddenInput)
    seq = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )
    amount = forms.CharField(
        max_length=40,
        label="Amount, USD",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        max_length=MAX_REASON_CHARS, required=False, label="Words for the customer"
    )
    note = forms.CharField(max_length=MAX_REASON_CHARS, required=False, label="Note for staff")
    again = forms.CharField(
        max_length=40,
        required=False,
        label="The amount again, USD",
        widget=ConfirmationInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kind: Transfer.Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_payment = kind == Kind.TOP_UP
        self.fields["note"].required = not is_payment
        self.fields["reason"].required = is_payment
        if is_payment:
            self.fields["reason"].label = "Reference of the payment"

    def clean_amount(self) -> Micros:
        """Return the amount in micros."""
        micros = micros_of(self.cleaned_data["amount"])
        if not micros:
            raise ValidationError("Type an amount in dollars, such as 12.50.")
        return micros

    def is_confirmed(self) -> bool:
        """True if the amount is small or was typed twice; a wrong repeat is an error."""
        wanted: Micros = self.cleaned_data["amount"]
        if not is_typed_twice(wanted):
            return True
        typed = self.cleaned_data["again"]
        try:
            is_same = micros_of(typed) == wanted
        except ValidationError:
            is_same = False
        if typed and not is_same:
            self.add_error("again", f"This is not {amount(wanted)}: which of them is meant?")
        return bool(typed) and is_same

    def requested_move(self, tenant: Tenant, kind: Transfer.Kind) -> RequestedMove:
        data = self.cleaned_data
        return RequestedMove(
            tenant_id=tenant.id,
            kind=kind.value,
            amount=data["amount"],
            seq=data["seq"] if kind == Kind.REVERSAL else None,
            reason=data["reason"],
            note=data["note"],
        )


@staff(Permission.MONEY, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, operator: Operator, tenant: str, kind: str) -> HttpResponse:
    """Ask for the amount, show the effect, then book the move; a repeat books nothing."""
    found, verb = tenant_of(tenant), _kind(kind)
    if request.method != "POST":
        return _empty_form_page(request, operator, found, verb)
    form = MoneyForm(request.POST, kind=verb)
    if not form.is_valid():
        return _page(request, operator, found, verb, form)
    try:
        return _move(request, operator, found, verb, form)
    except ValidationError as error:
        take_errors(form, error)
    return _page(request, operator, found, verb, form)


def _kind(name: str) -> Transfer.Kind:
    for kind in VERBS:
        if kind.value == name:
            return kind
    raise Http404


def _empty_form_page(
    request: HttpRequest, operator: Operator, tenant: Tenant, kind: Transfer.Kind
) -> HttpResponse:
    """Show the empty form; for a reversal it proposes all that can be reversed."""
    initial: dict[str, Any] = {"once": ids.new_uuid()}
    if kind == Kind.REVERSAL:
        seq = number_of(request.GET.get("seq", "")) or 0
        try:
            _, most = reversible(tenant_id=tenant.id, seq=seq)
        except ValidationError as error:
            return _refuse(request, operator, tenant, kind, " ".join(error.messages))
        initial |= {"seq": seq, "amount": to_decimal(most)}
    form = MoneyForm(initial=initial, kind=kind)
    return _page(request, operator, tenant, kind, form, status=HTTPStatus.OK)


def _move(
    request: HttpRequest,
    operator: Operator,
    tenant: Tenant,
    kind: Transfer.Kind,
    form: MoneyForm,
) -> HttpResponse:
    """Book the move if its effect was shown, else show the effect. Raises ValidationError."""
    requested = form.requested_move(tenant, kind)
    waits = _why_it_waits(requested, operator)
    is_seen = request.POST.get("seen") == str(requested.amount)
    if not is_seen or not form.is_confirmed():
        effect = rehearse(requested, actor=operator.user)
        is_large = is_typed_twice(requested.amount)
        more = {"effect": effect, "is_large": is_large, "asked": requested, "waits": waits}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        return _page(request, operator, tenant, kind, form, status=status, more=more)
    move = move_money(
        once=form.cleaned_data["once"],
        requested=requested,
        now=clock.now(),
        **by(request, operator),
    )
    if move.transfer_id is None:
        return done(request, waiting_words(requested.amount, waits), "moves")
    now = amount(balance_of(tenant.id).available)
    words = f"{VERBS[kind][0]}: {amount(requested.amount)}. {tenant.name} has {now} now"
    return done(request, words, "tenant", tenant.public_id)


def _why_it_waits(requested: RequestedMove, operator: Operator) -> str:
    return why_it_waits(
        {requested.tenant_id: requested.amount},
        actor=operator.user,
        now=clock.now(),
        is_payment=requested.kind == Kind.TOP_UP,
    )


def waiting_words(micros: int, why: str) -> str:
    """Say that an amount was asked for, and why it waits; `why` was found before it was sent."""
    return f"Asked for {amount(micros)}. {why or 'It waits for a second person'}"


def _refuse(
    request: HttpRequest, operator: Operator, tenant: Tenant, kind: Transfer.Kind, words: str
) -> HttpResponse:
    context = {"operator": operator, "tenant": tenant, "verb": VERBS[kind][0], "refusal": words}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "ops/tenant_money.html", context, status=status)


def _page(
    request: HttpRequest,
    operator: Operator,
    tenant: Tenant,
    kind: Transfer.Kind,
    form: MoneyForm,
    *,
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    verb, words = VERBS[kind]
    context = {
        "operator": operator,
        "tenant": tenant,
        "form": dressed(form),
        "verb": verb,
        "words": words,
        "is_payment": kind == Kind.TOP_UP,
        "balance": balance_of(tenant.id),
        **(more or {}),
    }
    return render(request, "ops/tenant_money.html", context, status=status)
