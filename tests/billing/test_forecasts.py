"""What a tenant spends at last week's pace, and what a budget would have stopped last month."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.selectors.office.forecasts import SpendingPace, spending_pace, stopped_last_month
from billing.services import Usage, record_usage
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def charge(
    customer: LedgerCustomer, amount: int, at: datetime, *, status: str = "succeeded"
) -> None:
    record_usage(Usage(
        tenant_id=customer.id, key_id=customer.key.id, model="dall-e-3", tier="base", channel="one",
        status=status, at=at, images=1, captured=Micros(amount), took=timedelta(seconds=4),
    ))  # fmt: skip


def october(day: int, hour: int) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


def test_each_of_the_last_seven_days_is_summed_once(acme, other, now, django_assert_num_queries):
    for days, amount in [(0, 1), (1.5, 20), (1.6, 30), (6.9, 400), (7.1, 5_000), (19, 60_000)]:
        charge(acme, amount, now - timedelta(days=days))
    charge(other, 9_000_000, now)

    with django_assert_num_queries(1):
        pace = spending_pace(acme.id, now=now)

    assert pace.days == [1, 50, 0, 0, 0, 0, 400]
    assert pace.keys == {acme.key.id: 451}
    assert pace.a_day == pytest.approx(64.43, abs=0.01)


def test_a_tenant_without_charges_has_a_pace_of_nothing(acme, now):
    assert spending_pace(acme.id, now=now) == SpendingPace(days=[Micros(0)] * 7, keys={})


@pytest.mark.parametrize(
    ("budget", "stopped"),
    [
        (99, (october(3, 8), 3, 500)),
        (100, (october(9, 20), 1, 300)),
        (299, (october(9, 20), 1, 300)),
        (300, (october(30, 23), 0, 0)),
        (599, (october(30, 23), 0, 0)),
        (600, (None, 0, 0)),
    ],
)
def test_a_budget_stops_what_came_after_the_hour_in_which_it_was_passed(
    acme, other, now, budget, stopped
):
    """The last hour's own charges are not counted as stopped: they may have come first."""
    charge(acme, 100, october(3, 8))
    charge(acme, 50, october(9, 20))
    charge(acme, 150, october(9, 20), status="failed")
    charge(acme, 300, october(30, 23))
    charge(acme, 900, NOVEMBER)
    charge(acme, 900, datetime(2026, 9, 30, 23, tzinfo=UTC))
    charge(other, 900, october(2, 8))

    found = stopped_last_month(acme.id, Micros(budget), now=now)

    assert (found.passed_at, found.stopped_requests, found.stopped) == stopped
    assert (found.start, found.budget) == (datetime(2026, 10, 1, tzinfo=UTC), budget)
    assert (found.requests, found.charged) == (4, 600)


def test_in_a_month_without_usage_nothing_was_stopped(acme, now, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = stopped_last_month(acme.id, Micros(1), now=now)

    assert (found.passed_at, found.requests, found.charged) == (None, 0, 0)
