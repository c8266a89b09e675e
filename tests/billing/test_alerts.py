"""Payers are mailed once when a balance falls below their threshold."""

import json
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent, Mail, Membership, User
from accounts.services.office.members import add_member
from billing.models import BalanceAlert
from billing.services import Usage, record_usage
from billing.services.office.accounts import adjust, top_up
from billing.services.office.alerts import look_at_balances, set_balance_alert
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer
from webhooks.models import Event, WebhookEndpoint

pytestmark = pytest.mark.django_db
PAGE = "https://pictor.example/console/ten_x/billing/"


@pytest.fixture(autouse=True)
def members(acme):
    for role in Membership.Role:
        user = User.objects.create_user(f"{role}@acme.example")
        add_member(tenant=acme.tenant, user=user, role=role, actor="test")


def want(acme: LedgerCustomer, *, below: int | None = None, days: int | None = None) -> None:
    amount = None if below is None else Micros(below)
    set_balance_alert(tenant=acme.tenant, below=amount, below_days=days, page=PAGE, actor="test")


def charge(acme: LedgerCustomer, amount: int, at: datetime) -> None:
    record_usage(Usage(
        tenant_id=acme.id, key_id=acme.key.id, model="dall-e-3", tier="base", channel="one",
        status="succeeded", at=at, images=1, captured=Micros(amount), took=timedelta(seconds=4),
    ))  # fmt: skip


def recipients() -> list[str]:
    return sorted(Mail.objects.values_list("to", flat=True))


def test_owners_admins_and_billing_members_are_told_once(acme, now):
    want(acme, below=10_000_000)
    assert (look_at_balances(now=now), recipients()) == (0, [])
    adjust(tenant_id=acme.id, amount=Micros(-1_550_001), reason="used", actor="test")

    looks = [look_at_balances(now=now), look_at_balances(now=now + timedelta(minutes=5))]

    assert looks == [1, 0]
    assert recipients() == ["admin@acme.example", "billing@acme.example", "owner@acme.example"]
    mail = Mail.objects.filter(to="owner@acme.example").get()
    assert mail.subject == "acme has $8.44 left"
    assert PAGE in mail.text
    assert PAGE in mail.html


def test_after_a_top_up_they_are_told_again(acme, now):
    want(acme, below=10_000_001)
    look_at_balances(now=now)
    top_up(tenant_id=acme.id, amount=Micros(1), reason="card", actor="test")
    assert look_at_balances(now=now) == 0
    assert BalanceAlert.objects.get().raised_at is None
    adjust(tenant_id=acme.id, amount=Micros(-1), reason="used", actor="test")

    assert look_at_balances(now=now) == 1

    assert len(recipients()) == 6


def test_a_balance_is_low_when_it_lasts_for_too_few_days(acme, now):
    want(acme, days=7)
    assert look_at_balances(now=now) == 0
    charge(acme, 9_800_000, now - timedelta(days=2))
    assert look_at_balances(now=now) == 0  # 1.40 USD a day: 7.14 days

    charge(acme, 210_000, now - timedelta(days=1))

    assert look_at_balances(now=now) == 1  # 1.43 USD a day: 6.99 days
    assert "about 6 more days" in Mail.objects.all()[0].text


def test_nobody_is_told_of_what_nobody_chose(acme, other, now):
    want(acme)
    adjust(tenant_id=acme.id, amount=Micros(-10_000_000), reason="used", actor="test")

    assert look_at_balances(now=now) == 0


def test_each_change_of_the_thresholds_is_audited(acme, now):
    want(acme, below=5)
    want(acme, below=5)
    want(acme, days=3)

    events = AuditEvent.objects.filter(action="balance.alert").order_by("id")
    assert [event.after for event in events] == [
        {"below_micros": 5, "below_days": None},
        {"below_micros": None, "below_days": 3},
    ]


@pytest.mark.parametrize("wish", [{"below": 0}, {"days": 0}])
def test_a_threshold_of_nothing_is_refused(acme, wish):
    with pytest.raises(ValidationError):
        want(acme, **wish)


def test_their_server_is_told_with_the_mail(acme, now):
    WebhookEndpoint.objects.create(tenant=acme.tenant, url="https://example.com/", secret="")
    want(acme, below=10_000_000)
    adjust(tenant_id=acme.id, amount=Micros(-1_550_001), reason="used", actor="test")

    for _ in range(2):
        look_at_balances(now=now)

    body = json.loads(Event.objects.get().body)
    assert body == {
        "type": "balance.low",
        "timestamp": int(now.timestamp()),
        "data": {
            "object": "balance",
            "livemode": True,
            "available": "8.449999",
            "currency": "USD",
            "days_left": None,
            "below": "10.000000",
            "below_days": None,
        },
    }
