"""The provider of the settings, asked as the services ask it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from billing.payments.port import CardProvider, Checkout, CustomerDetails, Ids, PayBack, Present
from billing.payments.provider import card_provider
from pictor.kit.words import clock
from tests.fakes.card_provider import Cards

PAYMENT, TENANT, MOVEMENT = UUID(int=1), UUID(int=2), UUID(int=3)


def provider() -> CardProvider:
    found = card_provider()
    assert found is not None
    return found


def details(**changed: Any) -> CustomerDetails:
    facts = {"tenant_id": TENANT, "name": "Acme", "email": "pay@acme.example"}
    return CustomerDetails(**{**facts, **changed})


def checkout(**changed: Any) -> Checkout:
    """A payment of $20.00 by a new customer."""
    if "customer" not in changed:
        changed["customer"] = provider().keep_customer(details(), customer=None)
    facts = {
        "payment_id": PAYMENT,
        "tenant_id": TENANT,
        "cents": 2_000,
        "expires_at": clock.now() + timedelta(minutes=35),
        "success_url": "https://pictor.example/paid/?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://pictor.example/billing/",
        "keeps_card": False,
    }
    return Checkout(**{**facts, **changed})


def paid(cards: Cards, way: str = "paid", **changed: Any) -> Present:
    """The present state of a payment after what its customer did."""
    page = provider().begin(checkout(**changed))
    cards.door("pay", session=page.session_id, way=way)
    return present(session_id=page.session_id)


def present(**ids: str) -> Present:
    found = provider().present(Ids(PAYMENT, **ids))
    assert found is not None
    return found


def ids_of(payment: Present) -> Ids:
    return Ids(PAYMENT, payment.session_id, payment.payment_intent_id, payment.invoice_id)


def pay_back(payment: Present, cents: int, movement: UUID = MOVEMENT) -> PayBack:
    return PayBack(movement_id=movement, key=str(movement), ids=ids_of(payment), cents=cents)


def kinds(payment: Present) -> list[tuple[str, int, str]]:
    """What moved."""
    return [(move.kind, move.cents, move.state) for move in payment.movements]
