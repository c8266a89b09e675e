"""Automatic top-ups and billing details: what a workspace has agreed to, and who pays."""

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from billing.models import PaymentCustomer
from billing.selectors.office.payments import customer_of, to_confirm
from billing.services.office.automatic import agree, consent_text, stop, why_paused
from billing.services.office.payments import BillingDetails, has_card, keep_details
from console.parts.form_fields import CentsField, DollarsField, dressed, line, take_errors
from console.workspace.access import FORM, POST, Permission, Workspace, by, done, rendered
from console.workspace.money.card_forms import asking, card_page, leading_to_cards, paying_at
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros

_PAUSES = PaymentCustomer.Pause
REMEDIES: dict[str, str] = {
    _PAUSES.DECLINED: "Replace the card on the page of payments, then agree again.",
    _PAUSES.CONFIRM: "Confirm it, or use another card, then agree again.",
    _PAUSES.NO_CARD: "Agree again, and pay once: that saves the card.",
    _PAUSES.DISPUTED: "Settle the dispute with your bank, then agree again.",
    _PAUSES.PAID_BACK: "Agree again if automatic top-ups are still wanted.",
    _PAUSES.OWED: "Add funds for what is owed, then agree again.",
    _PAUSES.SUSPENDED: "Ask the operator of this site.",
    _PAUSES.MEMBER_LEFT: "Another member who may pay has to agree.",
}
"""What to do about each pause."""
AMOUNTS = ("below_micros", "add_cents", "most_cents")


class AutomaticForm(forms.Form):
    """Below one amount add another, at most so much a month; with the consent to it."""

    once = forms.UUIDField(widget=forms.HiddenInput, initial=ids.new_uuid)
    below_micros = DollarsField(label="When less is left than (USD)", required=True)
    add_cents = CentsField(label="Add (USD)", required=True)
    most_cents = CentsField(label="At most a month (USD)", required=True)
    agrees = forms.BooleanField(label="I agree")


class DetailsForm(forms.Form):
    """What stands on statements and on the provider's invoices."""

    legal_name = forms.CharField(max_length=200, required=False, label="Legal name")
    address = forms.CharField(
        max_length=500, required=False, label="Address", widget=forms.Textarea(attrs={"rows": 3})
    )
    tax_id = forms.CharField(max_length=60, required=False, label="Tax id", widget=line())
    purchase_order = forms.CharField(
        max_length=60, required=False, label="Purchase order", widget=line()
    )
    invoice_mail = forms.EmailField(required=False, label="Invoices go to")


@card_page(Permission.MANAGE_MONEY, FORM)
def automatic(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show the automatic top-ups, or agree to them; without a saved card, by a first payment."""
    customer = customer_of(workspace.tenant.id) or PaymentCustomer()
    form = dressed(AutomaticForm(request.POST or None, initial=model_to_dict(customer, AMOUNTS)))
    if form.is_valid() and (answer := _agreed(request, workspace, form)):
        return answer
    if form.is_bound:
        customer = customer_of(workspace.tenant.id) or customer
    waiting = to_confirm(workspace.tenant.id)
    context = {"form": form, "customer": customer, "waiting": waiting, **_standing(customer)}
    page = "workspace/automatic.html"
    return leading_to_cards(rendered(request, workspace, page, context, refused=form.is_bound))


def _standing(customer: PaymentCustomer) -> dict[str, object]:
    """What was agreed to, and why it rests; nothing while automatic top-ups are off."""
    below, add, most = customer.below_micros, customer.add_cents, customer.most_cents
    if below is None or add is None or most is None:
        return {}
    is_new = not customer.tries and customer.next_at and customer.next_at > clock.now()
    paused = why_paused(customer)
    return {
        "consent": consent_text(Micros(below), add, most),
        "paused": _PAUSES(paused).label if paused else "",
        "remedy": REMEDIES.get(paused),
        # Until then the member may still pay on the page that saves the card.
        "begins": is_new and customer.next_at,
    }


def _agreed(request: HttpRequest, workspace: Workspace, form: AutomaticForm) -> HttpResponse | None:
    """Agree, and pay once if no card is saved; None with why in the form."""
    data, tenant = form.cleaned_data, workspace.tenant
    try:
        with asking():
            is_saved = has_card(tenant.id)
        agree(
            tenant_id=tenant.id,
            **{name: data[name] for name in AMOUNTS},
            is_card_saved=is_saved,
            now=clock.now(),
            **by(request, workspace),
        )
    except ValidationError as error:
        take_errors(form, error)
        return None
    if is_saved:
        return done(request, workspace, "Automatic top-ups are on", "automatic")
    page = paying_at(request, workspace, form, cents=data["add_cents"], keeps_card=True)
    if page is None:  # there will be no card to charge
        stop(tenant_id=tenant.id, **by(request, workspace))
    return redirect(page) if page else None


@card_page(Permission.MANAGE_MONEY, POST)
def end_automatic(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    stop(tenant_id=workspace.tenant.id, **by(request, workspace))
    return done(request, workspace, "Automatic top-ups are off", "automatic")


@card_page(Permission.MANAGE_MONEY, FORM)
def details(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Show the billing details, or change them."""
    customer = customer_of(workspace.tenant.id)
    initial = {name: getattr(customer, name, "") for name in DetailsForm.base_fields}
    form = dressed(DetailsForm(request.POST or None, initial=initial))
    if form.is_valid():
        try:
            keep_details(
                tenant_id=workspace.tenant.id,
                details=BillingDetails(**form.cleaned_data),
                **by(request, workspace),
            )
        except ValidationError as error:
            take_errors(form, error)
        else:
            return done(request, workspace, "Billing details saved", "billing_details")
    return rendered(
        request, workspace, "workspace/billing_details.html", {"form": form}, refused=form.is_bound
    )
