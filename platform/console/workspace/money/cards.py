"""Payments by card: begin one, what became of it, all of them, and the provider's portal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from billing.models import Payment, PaymentMovement
from billing.payments.port import ProviderError
from billing.selectors.office.payments import payment_of, payments_before, top_up_room
from billing.services.office.payments import NotCharged, follow, open_portal
from console.parts.filters import PAGE_ROWS
from console.parts.page_query import meant_by, word_of
from console.workspace.access import POST, Permission, Workspace, or_404, rendered
from console.workspace.money.card_forms import (
    TopUpForm,
    asking,
    card_page,
    leading_to_cards,
    paying_at,
)
from console.workspace.money.pages import billing_page
from pictor.kit.words import clock, ids

LOOKED_LATELY = timedelta(seconds=2)
"""A page that waits for a payment asks the provider no more often."""
_STATES = {
    Payment.State.BEGUN: ("idle", "Not paid yet"),
    Payment.State.PAID: ("ok", "Paid"),
    Payment.State.FAILED: ("bad", "Declined"),
    Payment.State.EXPIRED: ("idle", "Not paid"),
    Payment.State.PERSON: ("warn", "Being checked"),
}
_Kind, _Moved = PaymentMovement.Kind, PaymentMovement.State


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment with what of it was paid back or taken by disputes, in cents."""

    payment: Payment

    @property
    def badge(self) -> tuple[str, str]:
        """The state's look and its word."""
        return _STATES[Payment.State(self.payment.state)]

    @property
    def paid_back(self) -> int:
        """What was paid back, or is on its way."""
        failed = _Moved.FAILED
        return sum(one.cents for one in self._moved(_Kind.REFUND) if one.state != failed)

    @property
    def disputed(self) -> int:
        """What disputes took and have not given back."""
        taken = sum(one.cents for one in self._moved(_Kind.WITHDRAWAL))
        return taken - sum(one.cents for one in self._moved(_Kind.REINSTATEMENT))

    def _moved(self, kind: str) -> list[PaymentMovement]:
        return [one for one in self.payment.movements.all() if one.kind == kind]


@card_page(Permission.MANAGE_MONEY, POST)
@leading_to_cards
def pay(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Begin a payment and lead to the provider's page; a refused form is kept."""
    form = TopUpForm.of(top_up_room(workspace.tenant.id, clock.now()), request.POST)
    page = form.is_valid() and paying_at(request, workspace, form, cents=form.cleaned_data["cents"])
    return redirect(page) if page else billing_page(request, workspace, top_up=form)


@card_page(Permission.SEE_MONEY)
def payment(request: HttpRequest, workspace: Workspace, payment: UUID) -> HttpResponseBase:
    """Show what became of a payment: one that is open is looked up at the provider at once.

    With `left=1` somebody came back from the provider's page without paying.
    """
    found = or_404(payment_of(workspace.tenant.id, payment))
    now = clock.now()
    is_unheard = False
    if found.state == found.State.BEGUN and not _is_looked_at(found, now):
        try:
            with asking():
                found = follow(found.id, now=now)
        except (NotCharged, ProviderError):
            is_unheard = True
    context = {
        "row": PaymentRow(found),
        "has_left": bool(word_of(request.GET, "left", ["1"])),
        "is_unheard": is_unheard,
        "is_open": found.state == found.State.BEGUN and found.expires_at > now,
    }
    return rendered(request, workspace.with_balance_now(), "workspace/payment.html", context)


def _is_looked_at(payment: Payment, now: datetime) -> bool:
    return payment.looked_at is not None and now - payment.looked_at < LOOKED_LATELY


@card_page(Permission.SEE_MONEY)
@leading_to_cards
def payments(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """List the workspace's payments, newest first."""
    tenant_id = workspace.tenant.id
    before = meant_by(request.GET, "before", ids.parse_uuid)
    last = payment_of(tenant_id, before) if before else None
    shown = [PaymentRow(one) for one in payments_before(tenant_id, last, limit=PAGE_ROWS + 1)]
    context = {
        "rows": shown[:PAGE_ROWS],
        "more": shown[PAGE_ROWS - 1].payment.id if len(shown) > PAGE_ROWS else None,
        "is_later": bool(last),
    }
    return rendered(request, workspace, "workspace/payments.html", context)


@card_page(Permission.MANAGE_MONEY, POST)
def portal(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Lead to the provider's page with the workspace's invoices and cards."""
    tenant = workspace.tenant
    back = reverse("workspace:payments", args=[tenant.public_id])
    after = request.build_absolute_uri(back)
    try:
        with asking():
            return redirect(open_portal(tenant_id=tenant.id, back_to=after, now=clock.now()))
    except NotCharged as error:
        messages.error(request, str(error))
    return redirect(back)
