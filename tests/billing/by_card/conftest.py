"""A workspace that pays by card at a provider in memory."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts.ledger import RequestedMove
from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from billing.models import MoneyMove, Payment
from billing.payments import provider
from billing.services.office.moves import move_money
from billing.services.office.pay_backs import send_waiting
from billing.services.office.payments import PagesAfter, begin_top_up, follow
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from tests.fakes.cards_in_memory import CardsInMemory

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
PAGES = PagesAfter("https://pictor.example/paid/", "https://pictor.example/back/")


@pytest.fixture
def cards(settings, monkeypatch):
    """The provider in memory, which is on."""
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    settings.SITE_URL = "https://pictor.example"
    there = CardsInMemory(NOW)
    monkeypatch.setattr(provider, "card_provider", lambda: there)
    return there


@pytest.fixture
def payer(db):
    return new_payer()


@pytest.fixture
def shop(payer):
    """A workspace that is no longer new, with 0 USD."""
    return new_shop(payer)


def new_payer() -> User:
    return User.objects.create_user("pia@shop.example", email_verified_at=NOW)


def new_shop(payer: User, name: str = "shop") -> Tenant:
    tenant = create_tenant(name=name, actor="test")
    Tenant.objects.filter(id=tenant.id).update(created_at=NOW - timedelta(days=30))
    add_member(tenant=tenant, user=payer, role=Membership.Role.BILLING, actor="test")
    return tenant


def begin(
    shop: Tenant, payer: User | str = "test", *, cents: int = 2000, **more: object
) -> Payment:
    """Begin a payment and return it."""
    once = more.pop("once", None) or ids.new_uuid()
    asked = {"once": once, "keeps_card": False, "pages": PAGES, "now": NOW, "actor": payer, **more}
    begin_top_up(tenant_id=shop.id, cents=cents, **asked)  # type: ignore[arg-type] # its names
    return Payment.objects.get(id=UUID(str(once)))


def paid(cards: CardsInMemory, shop: Tenant, *, cents: int = 2000, tax: int = 0) -> Payment:
    """Pay by card, and book it."""
    payment = begin(shop, cents=cents)
    cards.pay(payment.id, tax=tax)
    return follow(payment.id, now=NOW)


def pay_back(payment: Payment, micros: int, *, once: UUID | None = None) -> MoneyMove:
    requested = RequestedMove(
        tenant_id=payment.tenant_id,
        kind="pay_back",
        amount=Micros(micros),
        seq=payment.top_up_seq,
        reason="As you asked",
    )
    move = move_money(once=once or ids.new_uuid(), requested=requested, actor="ann", now=NOW)
    send_waiting(NOW)
    return move
