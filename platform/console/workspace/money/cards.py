"""Payments by card: begin one, what became of it, all of them, and the provider's portal."""

from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localtime

from billing.models import Payment
from billing.payments.port import ProviderError
from billing.selectors.office.payment_search import PaymentFilter, sums_of_payment
from billing.selectors.office.payments import cards_on, payment_of
from billing.services.office.payments import follow, open_portal
from console.amounts import cents
from console.parts.cells import Cell, Column, Fact
from console.parts.listing import Listing
from console.parts.page_query import word_of
from console.parts.payment_words import CSV, MONEY, facts_of, moved_of, page_of_payments
from console.workspace.access import POST, Permission, Workspace, or_404, rendered
from console.workspace.money.card_forms import (
    TopUpForm,
    asking,
    card_page,
    leading_to_cards,
    paying_at,
)
from console.workspace.money.pages import billing_page
from pictor.kit.words import clock

LOOKED_LATELY = timedelta(seconds=2)
"""A page that waits for a payment asks the provider no more often."""
_BADGES = {
    Payment.State.BEGUN: ("idle", "Not paid yet"),
    Payment.State.PAID: ("ok", "Paid"),
    Payment.State.FAILED: ("bad", "Declined"),
    Payment.State.EXPIRED: ("idle", "Not paid"),
    Payment.State.PERSON: ("warn", "Being checked"),
}


def _state(payment: Payment) -> Cell:
    is_returned = payment.state == Payment.State.FAILED and payment.person_why
    badge, words = ("idle", "Paid back") if is_returned else _BADGES[Payment.State(payment.state)]
    return Cell(words, badge=badge)


def _begun(payment: Payment) -> str:
    return f"{localtime(payment.begun_at):%-d %b %Y, %H:%M}"


def _funds(payment: Payment) -> str:
    return cents(payment.asked_cents)


def _facts(payment: Payment) -> list[Fact]:
    papers = {"Invoice": _invoice(payment), "Receipt": _receipt(payment)}
    return [
        Fact("State", [_state(payment)]),
        *facts_of({"Begun": _begun(payment), "Funds": _funds(payment), **moved_of(payment)}),
        *(Fact(label, [cell]) for label, cell in papers.items() if cell.href),
    ]


def _invoice(payment: Payment) -> Cell:
    is_paid = payment.paid_at and payment.invoice_url
    return Cell(payment.invoice_number or "Open", payment.invoice_url) if is_paid else Cell()


def _receipt(payment: Payment) -> Cell:
    return Cell("Open", payment.receipt_url) if payment.receipt_url else Cell()


@card_page(Permission.MANAGE_MONEY, POST)
def pay(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Begin a payment and lead to the provider's page; a refused form is kept."""
    form = TopUpForm.of(workspace.tenant.id, request.POST)
    page = form.is_valid() and paying_at(request, workspace, form, cents=form.cleaned_data["cents"])
    return redirect(page) if page else billing_page(request, workspace, top_up=form)


@card_page(Permission.SEE_MONEY)
def payment(request: HttpRequest, workspace: Workspace, payment: UUID) -> HttpResponseBase:
    """Show what became of a payment: one that is open is looked up at the provider at once.

    With `left=1` somebody came back from the provider's page without paying.
    """
    found = or_404(payment_of(workspace.tenant.id, payment))
    now, is_unheard = clock.now(), False
    if found.state == found.State.BEGUN and not workspace.support and not _is_looked_at(found, now):
        try:
            with asking():
                found = follow(found.id, now=now)
        except (ValidationError, ProviderError):
            is_unheard = True
    is_open = found.state == found.State.BEGUN and found.expires_at > now
    context = {
        "payment": found,
        "facts": _facts(found),
        "has_gone": any(sums_of_payment(found)),
        "has_left": bool(word_of(request.GET, "left", ["1"])),
        "is_unheard": is_unheard,
        "is_open": is_open,
        "pay_at": is_open and (found.invoice_url if found.automatic else found.page_url),
    }
    return rendered(request, workspace.with_balance_now(), "workspace/payment.html", context)


def _is_looked_at(payment: Payment, now: datetime) -> bool:
    return payment.looked_at is not None and now - payment.looked_at < LOOKED_LATELY


@card_page(Permission.SEE_MONEY)
def payments(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """List the workspace's payments, newest first; also as CSV."""
    tenant = workspace.tenant

    def begun(payment: Payment) -> Cell:
        page = reverse("workspace:payment", args=[tenant.public_id, payment.id])
        return Cell(_begun(payment), page, note="Automatic" if payment.automatic else "")

    listing = Listing[Payment](
        name="payments",
        title="Payments",
        lead="Each payment by card, with its receipt and its invoice.",
        things="payments",
        needs=Permission.SEE_MONEY,
        is_on=cards_on,
        order="newest first",
        query=lambda _search: PaymentFilter(tenant_id=tenant.id),
        read=page_of_payments,
        columns=[
            Column(title="Begun", cell=begun, csv={"id": attrgetter("id")}),
            Column(title="State", cell=_state),
            Column(title="Funds", cell=_funds, is_number=True, place="lead"),
            *MONEY,
            Column(title="Invoice", cell=_invoice),
            Column(title="Receipt", cell=_receipt, csv=CSV),
        ],
        empty=("No payments yet", "Payments by card appear here."),
        template="workspace/payments.html",
    )
    up = {"up": "Billing", "up_href": reverse("workspace:billing", args=[tenant.public_id])}
    answer = listing.answer(request, "workspace/base.html", {"workspace": workspace, **up})
    return leading_to_cards(answer)


@card_page(Permission.MANAGE_MONEY, POST)
def portal(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Lead to the provider's page with the workspace's invoices and cards."""
    tenant = workspace.tenant
    back = reverse("workspace:payments", args=[tenant.public_id])
    after = request.build_absolute_uri(back)
    try:
        with asking():
            return redirect(open_portal(tenant_id=tenant.id, back_to=after))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(back)
