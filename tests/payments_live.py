"""`make payments-live`: the journey of a payment at Stripe itself, in its test mode. Never in CI.

PICTOR_STRIPE_SECRET_KEY has a test key; a live one is refused. A saved card is charged by an
invoice, looked at and paid back. A page to pay on is begun too: at a terminal it is yours to pay
(4242 4242 4242 4242), elsewhere it is ended.
"""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from billing.payments.port import Checkout, CustomerDetails, Ids, PayBack, Present, ProviderError
from billing.payments.stripe.adapter import PUBLIC, Stripe
from pictor.kit.words import clock, ids

Say = Callable[[str], object]
Save = Callable[[Stripe, str], None]
CARD = "pm_card_visa"
"""A payment method that Stripe's test mode gives to everybody."""


def save_card(provider: Stripe, customer: str) -> None:
    """Give a customer the card of everybody, which otherwise takes a page."""
    library: Any = provider._v1  # noqa: SLF001 - the port has no such call
    library.payment_methods.attach(CARD, {"customer": customer})


def charge_and_pay_back(provider: Stripe, customer: str, say: Say) -> None:
    """Charge a saved card twenty dollars, and pay five of them back."""
    payment_id = ids.new_uuid()
    paid = provider.charge_saved_card(payment_id, customer=customer, cents=2_000)
    expect(say, "a saved card is charged", paid.state, "paid")
    expect(say, "what was bought is what was charged", paid.subtotal_cents, 2_000)
    found = Ids(payment_id, invoice_id=paid.invoice_id)
    pay_back(provider, found, paid, say)


def pay_back(provider: Stripe, found: Ids, paid: Present, say: Say) -> None:
    movement = ids.new_uuid()
    known = Ids(found.payment_id, paid.session_id, paid.payment_intent_id, paid.invoice_id)
    asked = PayBack(movement_id=movement, key=str(movement), ids=known, cents=500)
    provider.pay_back(asked)
    made = provider.paid_back(asked)
    expect(say, "five dollars are paid back by a credit note", made and made.cents, 500)
    after = provider.present(found)
    kinds = [move.kind for move in after.movements] if after else []
    expect(say, "the payment has both movements", kinds, ["charge", "refund"])


def pay_on_a_page(provider: Stripe, customer: str, say: Say, wait: Callable[[], bool]) -> None:
    """Begin a page, and look at it after somebody has paid there, or end it."""
    checkout = Checkout(
        payment_id=ids.new_uuid(),
        tenant_id=ids.new_uuid(),
        customer=customer,
        cents=2_000,
        expires_at=clock.now() + timedelta(minutes=35),
        success_url="https://example.com/?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://example.com/",
        keeps_card=True,
    )
    page = provider.begin(checkout)
    say(f"pay here: {page.url}")
    found = Ids(checkout.payment_id, session_id=page.session_id)
    is_paid = wait()
    if not is_paid:
        provider.end(page.session_id)
    after = provider.present(found)
    assert after is not None
    expect(say, "the page ends", after.state, "paid" if is_paid else "expired")
    if is_paid:
        pay_back(provider, found, after, say)


def expect(say: Say, what: str, got: object, wanted: object) -> None:
    """Say what is so. Raises AssertionError if it is not."""
    say(f"{'ok' if got == wanted else 'WRONG'}: {what}: {got}")
    assert got == wanted, what


def journey(provider: Stripe, say: Say, wait: Callable[[], bool], save: Save) -> None:
    since = clock.now() - timedelta(minutes=1)
    details = CustomerDetails(tenant_id=ids.new_uuid(), name="Payments live", email="a@example.com")
    customer = provider.keep_customer(details, customer=None)
    try:
        save(provider, customer)
        charge_and_pay_back(provider, customer, say)
        pay_on_a_page(provider, customer, say, wait)
        expect(say, "events are listed", any(provider.events(since)), wanted=True)
        say(f"the books have {len(list(provider.entries(since, clock.now())))} entries")
        say(f"portal: {provider.portal(customer, back_to='https://example.com/')}")
    finally:
        provider.forget_customer(customer)


def main(given: Mapping[str, str], save: Save = save_card) -> int:
    """Make the journey; return the exit status."""
    key = given.get("PICTOR_STRIPE_SECRET_KEY", "")
    if "CI" in given or "_test_" not in key:
        sys.stderr.write("It needs PICTOR_STRIPE_SECRET_KEY=sk_test_…, and is never run in CI.\n")
        return 2
    provider = Stripe(
        key,
        api=given.get("PICTOR_STRIPE_API", PUBLIC),
        tax_code=given.get("PICTOR_STRIPE_TAX_CODE", ""),
    )
    try:
        journey(provider, lambda line: sys.stdout.write(f"{line}\n"), wait, save)
    except (AssertionError, ProviderError) as why:
        sys.stderr.write(f"{type(why).__name__}: {why}\n")
        return 1
    return 0


def wait() -> bool:
    """Wait at a terminal until somebody says that it is paid."""
    return sys.stdin.isatty() and input("Enter once it is paid, n to end the page: ") != "n"


if __name__ == "__main__":
    sys.exit(main(os.environ))
