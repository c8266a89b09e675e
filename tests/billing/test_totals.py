"""All tenants together: their balances, and everything ever used."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import UsageRollup
from billing.selectors.office.totals import Balances, EndedGenerations, UsageTotals, balance_totals
from billing.services import Usage, record_usage
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def record(
    customer: PayingCustomer, at: datetime, *, status: str = "succeeded", captured: int = 50
) -> None:
    record_usage(
        Usage(
            tenant_id=customer.id,
            key_id=new_uuid(),
            model="gpt-image-2",
            tier="2K",
            channel="sandbox",
            status=status,
            at=at,
            images=2 if captured else 0,
            captured=Micros(captured),
            took=None,
        )
    )


@pytest.fixture
def acme() -> PayingCustomer:
    return PayingCustomer("acme", balance=7_000_000)


@pytest.fixture
def other() -> PayingCustomer:
    return PayingCustomer("other", balance=5)


def test_balances_are_those_of_all_tenants(acme, other):
    assert balance_totals() == Balances(Micros(7_000_005), Micros(0), 0)


def test_without_tenants_there_is_nothing():
    assert balance_totals() == Balances(Micros(0), Micros(0), 0)
    assert UsageTotals()(now=NOW) == {}


def test_usage_is_that_of_all_tenants_hours_and_keys_by_model_and_status(acme, other):
    record(acme, NOW - timedelta(days=400))
    record(acme, NOW)
    record(other, NOW, captured=7)
    record(other, NOW - timedelta(hours=1), status="failed", captured=0)

    assert UsageTotals()(now=NOW) == {
        ("gpt-image-2", "succeeded"): EndedGenerations(3, 6, Micros(107)),
        ("gpt-image-2", "failed"): EndedGenerations(1, 0, Micros(0)),
    }


def test_the_totals_go_on_counting_from_hour_to_hour(acme):
    together = UsageTotals()
    counted = []
    for hours in range(5):
        now = NOW + timedelta(hours=hours)
        together(now=now - timedelta(minutes=29))  # earlier in the same hour
        record(acme, now)
        counted.append(together(now=now)[("gpt-image-2", "succeeded")].generations)

    assert counted == [1, 2, 3, 4, 5]


def test_an_hour_that_is_over_is_read_once(acme):
    together = UsageTotals()
    record(acme, NOW - timedelta(hours=3))
    record(acme, NOW)
    before = together(now=NOW)

    UsageRollup.objects.filter(hour__lt=NOW - timedelta(hours=2)).delete()

    assert together(now=NOW + timedelta(hours=1)) == before
