"""A workspace's payments against the sandbox's Stripe: adapter, services and ledger together."""

from datetime import timedelta

import pytest

from accounts.ledger import RequestedMove
from accounts.models import Membership, Tenant
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from billing.models import Payment, ProviderEvent, TenantBalance
from billing.selectors.office.balances import available_to, statement
from billing.selectors.office.card_proof import card_findings
from billing.selectors.office.ledger import ledger_findings
from billing.services.office.accounts import adjust
from billing.services.office.automatic import agree
from billing.services.office.moves import move_money
from billing.services.office.payments import begin_top_up
from billing.services.office.provider_books import compare
from billing.tasks import follow_all, top_up_automatically
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import PAGES, new_payer
from tests.fakes.card_provider import Cards

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("pooled_connections"),
]


@pytest.fixture
def shop():
    tenant = create_tenant(name="shop", actor="test")
    Tenant.objects.filter(id=tenant.id).update(created_at=clock.now() - timedelta(days=30))
    return tenant


def pay(cards: Cards, shop: Tenant, cents: int, *, keeps_card: bool = False) -> Payment:
    once = ids.new_uuid()
    begin_top_up(
        once=once, tenant_id=shop.id, cents=cents, keeps_card=keeps_card, pages=PAGES,
        now=clock.now(), actor="test",
    )  # fmt: skip
    payment = Payment.objects.get(id=once)
    cards.door("pay", session=payment.session_id, way="paid")
    follow_all(now=clock.now())
    payment.refresh_from_db()
    return payment


def owed_by(shop: Tenant) -> int:
    return TenantBalance.objects.get(tenant_id=shop.id).owed


def is_right() -> bool:
    return ledger_findings() == card_findings() == []


def test_pay_pay_back_dispute_and_win(cards, shop):
    payment = pay(cards, shop, 2000)
    assert (payment.state, payment.card_last4) == ("paid", "4242")
    assert payment.invoice_number
    assert available_to(shop.id) == 20_000_000

    wanted = RequestedMove(
        tenant_id=shop.id, kind="pay_back", amount=Micros(5_000_000), seq=1, reason="asked"
    )
    move_money(once=ids.new_uuid(), requested=wanted, actor="ann", now=clock.now())
    follow_all(now=clock.now())
    follow_all(now=clock.now())
    assert [move.kind for move in statement(shop.id)] == ["top_up", "pay_back", "paid_back"]

    adjust(tenant_id=shop.id, amount=Micros(-14_000_000), reason="spent", actor="test")
    made = cards.door("dispute", charge=payment.charge_id, amount=1_500)
    follow_all(now=clock.now())
    assert (available_to(shop.id), owed_by(shop)) == (0, 14_000_000)

    cards.door("win", dispute=made["id"])
    follow_all(now=clock.now())
    assert (available_to(shop.id), owed_by(shop)) == (1_000_000, 0)
    assert is_right()
    assert ProviderEvent.objects.filter(handled_at=None).count() == 0
    hour = timedelta(hours=1)
    assert compare(clock.now() - hour, clock.now() + hour) == []


def test_a_saved_card_tops_up_by_itself(cards, shop):
    payer = new_payer()
    add_member(tenant=shop, user=payer, role=Membership.Role.BILLING, actor="test")
    pay(cards, shop, 500, keeps_card=True)
    agree(
        tenant_id=shop.id, below_micros=Micros(10_000_000), add_cents=2_000, most_cents=9_000,
        now=clock.now(), actor=payer,
    )  # fmt: skip

    top_up_automatically()

    automatic = Payment.objects.get(automatic=True)
    assert (automatic.state, automatic.card_last4) == ("paid", "4242")
    assert automatic.invoice_number
    assert available_to(shop.id) == 25_000_000
    assert is_right()
