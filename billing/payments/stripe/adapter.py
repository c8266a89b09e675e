"""Stripe behind the port: Checkout for customers who are there, invoices for saved cards.

`platform/sandbox` plays Stripe in tests, and the classes of its library hold both to its API.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import stripe
from typing_extensions import override

from billing.payments.port import (
    NO_CARD,
    BalanceEntry,
    Checkout,
    CheckoutPage,
    CustomerDetails,
    Event,
    Ids,
    Movement,
    PayBack,
    Present,
    ProviderError,
    ProviderForbidden,
    ProviderRefused,
    ProviderUnsure,
)
from billing.payments.stripe import stripe_objects as objects
from billing.payments.stripe import stripe_params as params
from billing.payments.stripe.stripe_http import StripeHttp, within
from billing.payments.stripe.stripe_objects import MOVEMENT, PAYMENT, TENANT, id_of, our_id

if TYPE_CHECKING:
    from stripe import Charge, Invoice, PaymentIntent
    from stripe.checkout import Session
    from stripe.radar import EarlyFraudWarning

PUBLIC = "https://api.stripe.com"
PAGE_SECONDS = 5.0
"""The longest that one call made for a page takes, all its requests together."""
OLDEST_SECONDS = stripe.Webhook.DEFAULT_TOLERANCE
UNKNOWN = "resource_missing"
_MOST = 100
_CHARGE = ("latest_charge.balance_transaction", "latest_charge.refunds")

stripe.enable_telemetry = False  # it would write an id of its own into the home folder


class Stripe:
    """One account of Stripe's, in the mode of its key."""

    within = staticmethod(within)

    def __init__(
        self, key: str, *, api: str, webhook_secrets: Sequence[str] = (), tax_code: str = ""
    ) -> None:
        self.live = "_live_" in key
        self._secrets = webhook_secrets
        self._tax_code = tax_code
        self._portal = ""
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": api},
            http_client=StripeHttp(api, is_private=api != PUBLIC),
            max_network_retries=0,
        )
        v1 = self._v1 = self._client.v1
        # The library loads these at their first use, which would be in a request.
        _ = (v1.checkout.sessions, v1.customers.payment_methods, v1.payment_intents, v1.refunds)
        _ = (v1.disputes, v1.radar.early_fraud_warnings, v1.invoices, v1.invoice_items)
        _ = (v1.invoice_payments, v1.credit_notes, v1.events, v1.balance_transactions)
        _ = (v1.billing_portal.sessions, v1.billing_portal.configurations)

    def keep_customer(self, details: CustomerDetails, *, customer: str | None) -> str:
        with within(PAGE_SECONDS):
            if customer:
                with suppress_unknown():
                    self._update(customer, details)
                    return customer
            made = self._v1.customers.create(
                {"metadata": {TENANT: str(details.tenant_id)}},
                {"idempotency_key": f"customer-{details.tenant_id}-{customer or ''}"},
            )
            self._update(made.id, details)
            return made.id

    def _update(self, customer: str, details: CustomerDetails) -> None:
        known: Any = None
        if self._tax_code and details.address:
            known = getattr(self._v1.customers.retrieve(customer), "address", None)
        self._v1.customers.update(customer, params.customer(details, self._tax_code, known))

    def forget_customer(self, customer: str) -> None:
        with suppress_unknown():
            self._v1.customers.delete(customer)

    def has_card(self, customer: str) -> bool:
        return bool(self._card(customer))

    def begin(self, checkout: Checkout) -> CheckoutPage:
        asked, key = params.session(checkout, self._tax_code), str(checkout.payment_id)
        with within(PAGE_SECONDS):
            made = self._v1.checkout.sessions.create(asked, {"idempotency_key": key})
        return CheckoutPage(made.id, made.url or "")

    def end(self, session_id: str) -> None:
        with within(PAGE_SECONDS):
            try:
                self._v1.checkout.sessions.expire(session_id)
            except ProviderRefused as error:
                if error.code == UNKNOWN:
                    return
                if self._v1.checkout.sessions.retrieve(session_id).status == "open":
                    raise

    def portal(self, customer: str, *, back_to: str) -> str:
        with within(PAGE_SECONDS):
            made = self._v1.billing_portal.sessions.create(
                {"customer": customer, "configuration": self._portal_id(), "return_url": back_to}
            )
        return made.url

    def present(self, ids: Ids) -> Present | None:
        found = self._by_session(ids) or self._by_invoice(ids)
        if found is None:
            return None
        present, intent = found
        present = replace(present, payment_intent_id=id_of(intent))
        charge: Any = intent and intent.latest_charge
        if intent is None or not charge or not charge.paid:
            return present
        _check_mode(present, intent, charge)
        return self._with_money(objects.with_charge(present, charge), charge)

    def pay_back(self, asked: PayBack) -> Movement:
        ids, ours = asked.ids, asked.movement_id
        sums: Any = {"amount": asked.cents, "metadata": {MOVEMENT: str(ours)}}
        if not ids.invoice_id:
            sums |= {"payment_intent": ids.payment_intent_id}
            refund = self._v1.refunds.create(sums, {"idempotency_key": asked.key})
            return objects.refund_movement(refund, ours)
        # The refund that a credit note makes has none of its metadata.
        sums |= {"invoice": ids.invoice_id, "refund_amount": asked.cents}
        note = self._v1.credit_notes.create(sums, {"idempotency_key": asked.key})
        made, at = id_of(note.refunds[0].refund), objects.time_of(note.created)
        return Movement("refund", made, asked.cents, "pending", at, ours)

    def paid_back(self, asked: PayBack) -> Movement | None:
        present = self.present(asked.ids)
        movements = present.movements if present else ()
        return next((each for each in movements if each.ours == asked.movement_id), None)

    def charge_saved_card(self, payment_id: UUID, *, customer: str, cents: int) -> Present:
        card = self._card(customer)
        if not card:
            raise ProviderRefused("There is no saved card.", NO_CARD)
        invoice = self._invoice_for(payment_id, customer)
        if invoice.status == "draft":
            self._issue(invoice.id, customer, cents)
        failed: ProviderError | None = None
        try:
            # No key of ours: an invoice is paid once, and a kept 500 would come for a day.
            self._v1.invoices.pay(invoice.id, {"off_session": True, "payment_method": card})
        except ProviderError as error:
            failed = error  # the invoice says what became of it, whatever the call did
        present = self.present(Ids(payment_id, invoice_id=invoice.id))
        if present is None:
            raise ProviderUnsure("The invoice is gone.")
        if present.state == "open" and isinstance(failed, ProviderRefused):
            self.void(invoice.id)  # no bank was asked, and none would be
            raise failed
        return present

    def void(self, invoice_id: str) -> None:
        try:
            self._v1.invoices.void_invoice(invoice_id)
        except ProviderRefused as error:
            if error.code == UNKNOWN:
                return
            status = self._v1.invoices.retrieve(invoice_id).status
            if status == "draft":
                self._v1.invoices.delete(invoice_id)
            elif status == "open":
                raise

    def events(self, since: datetime) -> Iterator[Event]:
        created: Any = {"gte": int(since.timestamp())}
        listed = self._v1.events.list(
            {"types": list(objects.EVENTS), "created": created, "limit": _MOST}
        )
        newest_first = [objects.event_from(event) for event in listed.auto_paging_iter()]
        return reversed(newest_first)

    def event_of(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        signature = headers.get("stripe-signature", "")
        wrong = "no secret"
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, OLDEST_SECONDS)
                return objects.event_in(json.loads(body))
            except Exception as error:  # noqa: BLE001 - it also raises whatever a bad body causes
                wrong = type(error).__name__
        raise ValueError(f"no event of the provider's: {wrong}")

    def entries(self, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        created: Any = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        listed = self._v1.balance_transactions.list(
            {"created": created, "expand": ["data.source"], "limit": _MOST}
        )
        return map(objects.entry_from, listed.auto_paging_iter())

    def _by_session(self, ids: Ids) -> "tuple[Present, PaymentIntent | None] | None":
        """Find a payment by its Checkout Session, all that belongs to it in one answer."""
        session: Session | None = None
        expand = ["invoice", *(f"payment_intent.{field}" for field in _CHARGE)]
        if ids.session_id:
            with suppress_unknown():
                session = self._v1.checkout.sessions.retrieve(ids.session_id, {"expand": expand})
        elif ids.payment_intent_id and not ids.invoice_id:
            of = {"payment_intent": ids.payment_intent_id, "limit": 1}
            listing: Any = {**of, "expand": [f"data.{field}" for field in expand]}
            session = next(iter(self._v1.checkout.sessions.list(listing).data), None)
        if session is None or our_id(session, PAYMENT) != ids.payment_id:
            return None
        invoice = cast("Invoice | None", session.invoice)
        intent = cast("PaymentIntent | None", session.payment_intent)
        present = objects.session_present(session, invoice)
        if invoice is not None:
            _check_mode(present, invoice)
        return present, intent

    def _by_invoice(self, ids: Ids) -> "tuple[Present, PaymentIntent | None] | None":
        invoice_id = ids.invoice_id
        if not invoice_id and ids.payment_intent_id:
            payment = {"type": "payment_intent", "payment_intent": ids.payment_intent_id}
            paid = self._v1.invoice_payments.list(cast("Any", {"payment": payment, "limit": 1}))
            invoice_id = id_of(paid.data[0].invoice) if paid.data else ""
        if not invoice_id:
            return None
        with suppress_unknown():
            invoice = self._v1.invoices.retrieve(invoice_id, {"expand": ["payments"]})
            if our_id(invoice, PAYMENT) != ids.payment_id:
                return None
            intent: PaymentIntent | None = None
            if intent_id := _intent_of(invoice):
                intents = self._v1.payment_intents
                intent = intents.retrieve(intent_id, {"expand": list(_CHARGE)})
            return objects.invoice_present(invoice, intent), intent
        return None

    def _with_money(self, present: Present, charge: "Charge") -> Present:
        """Add refunds, disputes and warnings to a payment that is charged."""
        refunds = list(charge.refunds.auto_paging_iter()) if charge.refunds else []
        noted: dict[str, UUID | None] = {}
        if present.invoice_id and any(our_id(refund, MOVEMENT) is None for refund in refunds):
            notes = self._v1.credit_notes.list({"invoice": present.invoice_id, "limit": _MOST})
            for note in notes.auto_paging_iter():
                _check_mode(present, note)
                noted |= {id_of(made.refund): our_id(note, MOVEMENT) for made in note.refunds}
        of_it: Any = {"payment_intent": present.payment_intent_id, "limit": _MOST}
        disputes = self._v1.disputes.list(of_it).data
        warnings: list[EarlyFraudWarning] = []
        # Restricted keys may have no permission for these; what is paid is booked without.
        with suppress(ProviderForbidden):
            warnings = self._v1.radar.early_fraud_warnings.list(of_it).data
        _check_mode(present, *disputes, *warnings)
        return replace(
            present,
            movements=(
                *present.movements,
                *(objects.refund_movement(each, noted.get(each.id)) for each in refunds),
                *(move for each in disputes for move in objects.dispute_movements(each)),
            ),
            disputes=(
                *(objects.dispute_from(each) for each in disputes),
                *(objects.warning_from(each, charge) for each in warnings),
            ),
        )

    def _invoice_for(self, payment_id: UUID, customer: str) -> "Invoice":
        """Return a payment's invoice, which a lost answer may have left behind, or a new draft."""
        listed = self._v1.invoices.list({"customer": customer, "limit": _MOST}).data
        ours = [each for each in listed if our_id(each, PAYMENT) == payment_id]
        ours.sort(key=lambda each: each.status == "draft")
        made = params.invoice(payment_id, customer, self._tax_code)
        return ours[0] if ours else self._v1.invoices.create(made)

    def _issue(self, invoice: str, customer: str, cents: int) -> None:
        """Fill in a draft and give it its number; one that fails is deleted, and charged nobody."""
        item = params.invoice_item(invoice, customer, cents, self._tax_code)
        try:
            self._v1.invoice_items.create(item, {"idempotency_key": f"{invoice}-item"})
            self._v1.invoices.finalize_invoice(invoice, {"auto_advance": False})
        except ProviderError:
            with suppress(ProviderError):
                self._v1.invoices.delete(invoice)
            raise

    def _card(self, customer: str) -> str:
        """Return the saved card that is charged, the default or else the newest; empty for none."""
        cards: list[str] = []
        default = ""
        with suppress_unknown():
            saved = self._v1.customers.payment_methods
            listed = saved.list(customer, {"type": "card", "limit": _MOST})
            cards = [card.id for card in listed.data]
            settings = self._v1.customers.retrieve(customer).invoice_settings
            default = id_of(settings.default_payment_method) if settings else ""
        return default if default in cards else next(iter(cards), "")

    def _portal_id(self) -> str:
        """Return the portal's configuration, which is made once and found by its metadata."""
        made = self._v1.billing_portal.configurations
        if not self._portal:
            listed = made.list({"active": True, "limit": _MOST}).auto_paging_iter()
            ours = (each.id for each in listed if params.PORTAL in (each.metadata or ()))
            self._portal = next(ours, "")
        if not self._portal:
            self._portal = made.create(params.portal(), {"idempotency_key": params.PORTAL}).id
        return self._portal


class suppress_unknown(AbstractContextManager[None]):  # noqa: N801 - as `suppress`
    """Pass over the refusal of an object that the provider does not have."""

    @override
    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, ProviderRefused) and error.code == UNKNOWN


def _check_mode(present: Present, *things: Any) -> None:
    if any(thing.livemode != present.live for thing in things):
        raise ProviderRefused("The payment's objects are of both modes.", "mixed_modes")


def _intent_of(invoice: "Invoice") -> str:
    """Return the PaymentIntent that paid an invoice, or the one that is tried."""
    payments = list(invoice.payments.data) if invoice.payments else []
    payments.sort(key=lambda each: (each.status == "paid", each.is_default))
    return id_of(payments[-1].payment.payment_intent) if payments else ""
