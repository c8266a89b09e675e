"""The card on Usage that says what comes next: about, and from what."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from accounts.models import ApiKey, Membership, Tenant, User
from accounts.services.office.api_keys import issue_api_key
from billing.models import KeyBudget
from billing.selectors.office.balances import Balance, BudgetUse
from billing.services import Usage, record_usage
from console.workspace.access import Workspace
from console.workspace.forecast import forecast_of
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def charge(customer: PayingCustomer, amount: int, at: datetime) -> None:
    record_usage(Usage(
        tenant_id=customer.id, key_id=customer.key.id, model="dall-e-3", tier="base",
        channel="one", status="succeeded", at=at, images=1, captured=Micros(amount),
        took=timedelta(seconds=4),
    ))  # fmt: skip


@pytest.fixture
def workspace(acme: PayingCustomer) -> Workspace:
    """Acme as its owner sees it, with 20 USD; each of the last 7 days cost 2 USD, one of them 8."""
    for days in range(7):
        charge(acme, 8_000_000 if days == 3 else 1_000_000, NOW - timedelta(days=days, hours=2))
    balance = Balance(
        Micros(20_000_000), Micros(0), 0, BudgetUse(Micros(1_000_000), Micros(0)), Micros(0)
    )
    member = Membership(tenant=acme.tenant, role="owner")
    return Workspace(acme.tenant, User(email="owner@acme.example"), balance, 1, membership=member)


def forecast(workspace: Workspace) -> dict[str, Any]:
    return forecast_of(RequestFactory().get("/"), workspace, NOW, kept={})


def shown(found: dict[str, Any]) -> list[tuple[bool, str, str, str]]:
    """Each budget: whether a key's, its window, when it runs out and when it resets."""
    return [
        (
            one.budget.key is not None,
            one.budget.window,
            f"{one.runs_out:%m-%d %H:%M}" if one.runs_out else "",
            f"{one.resets_at:%m-%d}",
        )
        for one in found["budgets"]
    ]


def use_budgets(customer: PayingCustomer, used: int, **budgets: int) -> None:
    """The key has these budgets, and has used so much of each."""
    ApiKey.objects.filter(id=customer.key.id).update(**budgets)
    KeyBudget.objects.create(
        key=customer.key, day=NOW.date(), day_used_micros=used, month=NOW.date().replace(day=1),
        month_used_micros=used,
    )  # fmt: skip


def test_the_months_end_is_told_by_the_mean_the_slowest_and_the_fastest_day(workspace):
    used = BudgetUse(Micros(0), Micros(14_000_000))
    found = forecast(replace(workspace, balance=replace(workspace.balance, used=used)))

    # 14 USD in 7 days; 10.5 days are left of November.
    assert found["a_day"] == 2_000_000
    assert found["at_end"] == [35_000_000, 24_500_000, 98_000_000]
    assert found["balance_runs_out"] == datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_each_budget_runs_out_at_its_own_pace_or_resets_before(acme, workspace):
    workspace.tenant.budget_month_micros = 10_000_000  # 5 days
    workspace.tenant.budget_day_micros = 5_000_000  # 2 days
    use_budgets(acme, 500_000, budget_month_micros=1_500_000, budget_day_micros=500_000)

    assert shown(forecast(workspace)) == [
        (True, "day", "11-20 12:00", "11-21"),
        (True, "month", "11-21 00:00", "12-01"),
        (False, "day", "", "11-21"),
        (False, "month", "11-25 12:00", "12-01"),
    ]


def test_a_budget_of_a_key_that_the_member_may_not_see_is_left_out(acme, workspace):
    use_budgets(acme, 500_000, budget_day_micros=500_000)
    developer = replace(
        workspace,
        membership=Membership(tenant=acme.tenant, role="developer"),
        user=User(email="dev@acme.example"),
    )

    found = forecast(developer)

    assert (len(shown(forecast(workspace))), shown(found)) == (1, [])
    assert found["sees_balance"] is False


def test_budgets_of_keys_that_ended_or_only_test_are_left_out(acme, workspace):
    use_budgets(acme, 500_000, budget_day_micros=500_000)
    use_budgets(acme.tester(), 500_000, budget_day_micros=500_000)
    ApiKey.objects.filter(id=acme.key.id).update(revoked_at=NOW)

    assert shown(forecast(workspace)) == []


def test_without_charges_nothing_runs_out(acme, workspace):
    quiet = replace(workspace, tenant=PayingCustomer("quiet").tenant)
    quiet.tenant.budget_month_micros = 10_000_000

    found = forecast(quiet)

    assert (found["at_end"], found["balance_runs_out"]) == ([0, 0, 0], None)
    assert shown(found) == [(False, "month", "", "12-01")]


def test_a_balance_that_lasts_for_years_has_no_day(workspace):
    rich = replace(workspace, balance=replace(workspace.balance, available=Micros(10**18)))

    assert forecast(rich)["balance_runs_out"] is None


def test_the_ten_that_come_first_are_shown(acme, workspace):
    for number in range(11):
        acme.key, _ = issue_api_key(tenant=acme.tenant, name=str(number), actor="test")
        use_budgets(acme, 1, budget_day_micros=1)

    found = forecast(workspace)

    assert (len(found["budgets"]), found["more"]) == (10, 1)


def test_the_page_says_about_and_from_what(acme, sign_in, django_assert_num_queries):
    Tenant.objects.filter(id=acme.id).update(budget_month_micros=10**12, time_zone="Asia/Tokyo")
    charge(acme, 7_000_000, clock.now())

    page = words_of(sign_in(acme).get(url("usage", acme)))

    assert "About, if each day costs $1.00, the mean of the last 7 days" in page
    assert re.search(r"about \$[0-9.]+</dd>", page)
    assert "if each day is as the slowest or fastest of the" in page
    assert "$10.00 available" in page
    assert "not before it resets" in page
    assert "Budgets count days and months of UTC; times here are of Asia/Tokyo." in page


def test_a_budget_is_tried_on_the_last_month(acme, sign_in):
    this_month = clock.now().replace(day=1, hour=0)
    for hours, amount in [(1, 4_000_000), (3, 2_000_000), (5, 1_000_000)]:
        charge(acme, amount, this_month - timedelta(hours=hours))
    client, page = sign_in(acme), url("usage", acme)
    last = this_month - timedelta(days=1)

    stops = words_of(client.get(page, {"period": "7d", "split": "tier", "budget": "$1.50"}))
    stops_nothing = words_of(client.get(page, {"budget": "7"}))

    assert (
        f"$1.50 would have stopped about 1 of 3 requests and $4.00 of $7.00 in {last:%B %Y} (UTC):"
        f" all after the hour of {last:%-d %b}, 21:00, from hourly sums."
    ) in " ".join(stops.split())
    assert '<input type="hidden" name="split" value="tier">' in stops
    assert '<input type="hidden" name="budget"' not in stops
    assert (
        f"$7.00 would have stopped nothing in {last:%B %Y} (UTC), about: $7.00 were charged,"
    ) in " ".join(stops_nothing.split())


@pytest.mark.parametrize("budget", ["-1", "0", "much", "1" * 400, "1.2345678"])
def test_a_budget_that_is_none_is_refused_beside_its_line(acme, sign_in, budget):
    page = sign_in(acme).get(url("usage", acme), {"period": "7d", "budget": budget})

    assert page.status_code == 200
    assert 'id="id_budget_error"' in words_of(page)
    assert "would have stopped" not in words_of(page)


def test_an_empty_line_asks_nothing(acme, sign_in):
    page = words_of(sign_in(acme).get(url("usage", acme), {"budget": ""}))

    assert "id_budget_error" not in page
    assert "would have stopped" not in page


def test_the_card_takes_two_statements_and_a_question_one_more(
    acme, workspace, django_assert_num_queries
):
    use_budgets(acme, 500_000, budget_day_micros=500_000)

    with django_assert_num_queries(2):
        forecast(workspace)
    with django_assert_num_queries(3):
        forecast_of(RequestFactory().get("/", {"budget": "1"}), workspace, NOW, kept={})
