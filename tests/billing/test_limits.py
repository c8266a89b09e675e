"""In-flight limits and budgets of keys and tenants: counted on locked rows, with reasons."""

from datetime import timedelta

import pytest

from accounts.models import ApiKey
from accounts.services.office.api_keys import issue_api_key
from billing.models import KeyBudget, TenantBalance
from billing.selectors.office.balances import available_to, balance_of
from billing.selectors.office.ledger import ledger_findings
from billing.services import HoldLimits
from pictor.kit.words.errors import InsufficientQuota, RateLimited
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def budget_of(key: ApiKey) -> KeyBudget:
    return KeyBudget.objects.get(key=key)


# --- requests in flight -------------------------------------------------------------------------


def test_a_tenants_requests_in_flight_are_capped(acme):
    limits = HoldLimits(tenant_in_flight=2)
    first = acme.hold(1, limits=limits)
    acme.hold(1, limits=limits)

    with pytest.raises(RateLimited, match="This workspace may have 2") as refusal:
        acme.hold(1, limits=limits)

    assert (refusal.value.code, refusal.value.retry_after) == ("concurrency_limit_exceeded", 1)
    acme.end(first, 1)
    acme.hold(1, limits=limits)
    assert ledger_findings() == []


@pytest.mark.parametrize("limit", [0, 1])
def test_a_keys_requests_in_flight_are_capped(acme, limit):
    holds = [acme.hold(1) for _ in range(limit)]

    with pytest.raises(RateLimited, match=f"This API key may have {limit}"):
        acme.hold(1, limits=HoldLimits(key_in_flight=limit))

    assert balance_of(acme.id).in_flight == len(holds)
    assert ledger_findings() == []


# --- budgets ------------------------------------------------------------------------------------


def test_a_daily_budget_counts_what_is_held_and_charged(acme):
    limits = HoldLimits(key_budget_day=Micros(1_000_000))
    hold = acme.hold(700_000, limits=limits)

    with pytest.raises(InsufficientQuota, match=r"daily budget .* 0\.100000 USD is missing") as no:
        acme.hold(400_000, limits=limits)

    assert "2026-11-21T00:00:00Z" in no.value.message
    acme.end(hold, 500_000)
    acme.hold(500_000, limits=limits)
    assert budget_of(acme.key).day_used_micros == 1_000_000
    assert ledger_findings() == []


def test_a_first_request_above_the_budget_is_refused(acme):
    with pytest.raises(InsufficientQuota, match=r"monthly budget .* 0\.000001 USD is missing"):
        acme.hold(1_000_001, limits=HoldLimits(key_budget_month=Micros(1_000_000)))

    assert not KeyBudget.objects.filter(key=acme.key).exists()
    assert available_to(acme.id) == 10_000_000


def test_a_budget_of_nothing_lets_nothing_through(acme):
    with pytest.raises(InsufficientQuota, match="daily budget"):
        acme.hold(1, limits=HoldLimits(key_budget_day=Micros(0)))


def test_a_new_day_starts_the_daily_budget_again_but_not_the_monthly(acme, now):
    limits = HoldLimits(key_budget_day=Micros(600_000), key_budget_month=Micros(1_000_000))
    acme.hold(600_000, limits=limits, now=now)

    with pytest.raises(InsufficientQuota, match=r"monthly budget .* 0\.200000") as refusal:
        acme.hold(600_000, limits=limits, now=now + timedelta(days=1))

    assert "2026-12-01T00:00:00Z" in refusal.value.message
    acme.hold(400_000, limits=limits, now=now + timedelta(days=1))
    acme.hold(600_000, limits=limits, now=now + timedelta(days=12))
    row = budget_of(acme.key)
    assert (row.day_used_micros, row.month_used_micros) == (600_000, 600_000)
    assert (row.day.isoformat(), row.month.isoformat()) == ("2026-12-02", "2026-12-01")


def test_a_hold_of_yesterday_gives_back_to_yesterday(acme, now):
    yesterdays = acme.hold(500_000, now=now)
    acme.hold(300_000, now=now + timedelta(days=1))

    acme.end(yesterdays, 100_000)

    row = budget_of(acme.key)
    assert (row.day_used_micros, row.month_used_micros) == (300_000, 400_000)


def test_a_clock_that_runs_behind_does_not_reset_the_window(acme, now):
    acme.hold(500_000, now=now + timedelta(days=1))
    acme.hold(300_000, now=now)

    row = budget_of(acme.key)
    assert (row.day_used_micros, row.day.isoformat()) == (500_000, "2026-11-21")


def test_each_key_has_its_own_budget(acme, now):
    limits = HoldLimits(key_budget_day=Micros(1_000_000))
    acme.hold(1_000_000, limits=limits)
    acme.key, _ = issue_api_key(tenant=acme.tenant, name="second", actor="test")

    acme.hold(1_000_000, limits=limits)

    assert balance_of(acme.id).held == 2_000_000
    assert ledger_findings() == []


# --- a workspace's budgets ----------------------------------------------------------------------


def second_key(acme: LedgerCustomer) -> None:
    acme.key, _ = issue_api_key(tenant=acme.tenant, name="second", actor="test")


def test_a_workspaces_budget_counts_all_its_keys(acme, other):
    limits = HoldLimits(tenant_budget_day=Micros(1_000_000))
    hold = acme.hold(700_000, limits=limits)
    second_key(acme)

    with pytest.raises(InsufficientQuota, match=r"workspace's daily budget .* 0\.100000 USD") as no:
        acme.hold(400_000, limits=limits)

    assert "2026-11-21T00:00:00Z" in no.value.message
    assert not KeyBudget.objects.filter(key=acme.key).exists()
    other.hold(1_000_000, limits=limits)
    acme.hold(300_000, limits=limits)
    assert hold.key_id != acme.key.id
    assert ledger_findings() == []


def test_money_released_by_a_settlement_can_be_spent_again(acme):
    limits = HoldLimits(tenant_budget_day=Micros(1_000_000), tenant_budget_month=Micros(1_000_000))
    hold = acme.hold(1_000_000, limits=limits)

    acme.end(hold, 400_000)

    acme.hold(600_000, limits=limits)
    row = TenantBalance.objects.get(tenant=acme.tenant)
    assert (row.day_used_micros, row.month_used_micros) == (1_000_000, 1_000_000)
    assert ledger_findings() == []


def test_a_workspaces_day_begins_again_but_not_its_month(acme, now):
    limits = HoldLimits(tenant_budget_day=Micros(600_000), tenant_budget_month=Micros(1_000_000))
    acme.hold(600_000, limits=limits, now=now)
    tomorrow = now + timedelta(days=1)

    with pytest.raises(InsufficientQuota, match=r"workspace's monthly budget .* 0\.200000") as no:
        acme.hold(600_000, limits=limits, now=tomorrow)

    assert "2026-12-01T00:00:00Z" in no.value.message
    acme.hold(400_000, limits=limits, now=tomorrow)
    acme.hold(600_000, limits=limits, now=now + timedelta(days=12))
    row = TenantBalance.objects.get(tenant=acme.tenant)
    assert (str(row.day), str(row.month)) == ("2026-12-02", "2026-12-01")
    assert (row.day_used_micros, row.month_used_micros) == (600_000, 600_000)
    assert ledger_findings() == []


def test_a_workspace_counts_nothing_of_what_its_key_refuses(acme):
    with pytest.raises(InsufficientQuota, match="API key's daily budget"):
        acme.hold(2, limits=HoldLimits(key_budget_day=Micros(1)))

    row = TenantBalance.objects.get(tenant=acme.tenant)
    assert (row.day, row.day_used_micros, row.in_flight) == (None, 0, 0)
