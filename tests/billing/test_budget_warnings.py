"""Owners and admins are told once a window when a budget is used to 50, 80 or 100%."""

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import ApiKey, Mail, Membership, Tenant, User
from accounts.quotas import Period
from accounts.services.office import mail as sending
from accounts.services.office.api_keys import KeyRules, change_api_key, revoke_api_key
from accounts.services.office.members import add_member
from billing.models import BudgetWarning
from billing.selectors.office.reached_budgets import BudgetOf
from billing.services.office import budget_warnings
from billing.services.office.budget_warnings import look_at_budgets
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer
from webhooks.models import Event, WebhookEndpoint

pytestmark = pytest.mark.django_db
ONE = Micros(1_000_000)
MONTH = KeyRules(budget_month=ONE, budget_warns_only=True)


@pytest.fixture(autouse=True)
def members(acme):
    for role in Membership.Role:
        user = User.objects.create_user(f"{role}@acme.example")
        add_member(tenant=acme.tenant, user=user, role=role, actor="test")


def set_rules(acme: LedgerCustomer, rules: KeyRules, name: str = "ci") -> None:
    change_api_key(key=acme.key, name=name, rules=rules, actor="test")


def recipients() -> list[str]:
    return sorted(Mail.objects.values_list("to", flat=True))


def test_owners_and_admins_are_told_once_when_a_budget_is_passed(acme, now):
    set_rules(acme, MONTH)
    acme.hold(499_999)
    assert (look_at_budgets(now=now), recipients()) == (0, [])
    acme.hold(502_501)

    looks = [look_at_budgets(now=now), look_at_budgets(now=now + timedelta(minutes=5))]

    assert looks == [1, 0]
    assert recipients() == ["admin@acme.example", "owner@acme.example"]
    mail = Mail.objects.filter(to="owner@acme.example").get()
    assert mail.subject == "The key “ci” is over its budget: $1.0025 of $1.00 in November 2026"
    words = ("“ci” of the workspace “acme”", "A new month begins on 1 December 2026.")
    assert [word in mail.text for word in words] == [True, True]
    assert [word in mail.html for word in words] == [True, True]


def test_a_budget_passed_just_before_the_window_ended_is_told_afterwards(acme, now):
    set_rules(acme, KeyRules(budget_day=ONE, budget_warns_only=True))
    acme.hold(1_000_001, now=now)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=3)

    looks = [look_at_budgets(now=midnight), look_at_budgets(now=midnight + timedelta(days=1))]

    assert looks == [1, 0]
    assert "on 20 November 2026" in Mail.objects.all()[0].subject


def test_a_budget_that_was_raised_is_told_of_again(acme, now):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)
    first = look_at_budgets(now=now)
    set_rules(acme, KeyRules(budget_month=Micros(1_500_000), budget_warns_only=True))
    between = look_at_budgets(now=now)
    acme.hold(500_000)

    # 1.000001 USD are two thirds of the new budget.
    assert (first, between, look_at_budgets(now=now), look_at_budgets(now=now)) == (1, 1, 1, 0)


def test_nobody_is_told_of_a_key_that_works_no_more(acme, now):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)
    ApiKey.objects.update(expires_at=now)
    ended = look_at_budgets(now=now)
    ApiKey.objects.update(expires_at=None)
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)

    assert (ended, look_at_budgets(now=now), recipients()) == (0, 0, [])


def test_each_window_is_told_of_by_itself(acme, now):
    rules = KeyRules(budget_day=ONE, budget_month=Micros(2_000_000), budget_warns_only=True)
    set_rules(acme, rules)
    tomorrow = now + timedelta(days=1)

    def spend_and_look(at: datetime) -> int:
        acme.hold(1_000_001, now=at)
        return look_at_budgets(now=at)

    looks = [spend_and_look(now), spend_and_look(tomorrow), spend_and_look(tomorrow)]

    # On the first day the month is at 50%.
    assert looks == [2, 2, 0]
    kept = BudgetWarning.objects.order_by("id").values_list("period", "window")
    assert [(period, str(window)) for period, window in kept] == [
        ("day", "2026-11-20"), ("month", "2026-11-01"), ("day", "2026-11-21"),
    ]  # fmt: skip


def test_usage_of_an_earlier_window_warns_nobody(acme, now):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)

    assert look_at_budgets(now=now + timedelta(days=31)) == 0


def test_nobody_is_told_of_a_budget_of_0_that_is_unused_or_of_a_key_that_has_ended(
    acme, other, now
):
    set_rules(acme, MONTH)
    set_rules(other, KeyRules(budget_day=Micros(0)))
    acme.hold(1_000_001)
    other.hold(0)
    revoke_api_key(key=acme.key, actor="test", now=now)

    assert look_at_budgets(now=now) == 0


def test_a_process_that_ends_with_its_mails_leaves_them_all_to_the_next_look(
    acme, now, monkeypatch
):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)

    def dies_once_they_are_written(to: Iterable[str], **words: str) -> None:
        for address in to:
            Mail.objects.create(to=address, contents=Mail.sealed(**words))
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_post", dies_once_they_are_written)
        with pytest.raises(SystemExit):
            look_at_budgets(now=now)
    assert (recipients(), BudgetWarning.objects.count()) == ([], 0)

    assert look_at_budgets(now=now) == 1

    assert recipients() == ["admin@acme.example", "owner@acme.example"]


@pytest.mark.parametrize(
    ("used", "told"),
    [
        ([500_000], ["50%"]),
        ([799_999], ["50%"]),
        ([800_000], ["80%"]),
        ([999_999], ["80%"]),
        ([1_000_000], ["100%"]),
        ([500_000, 100_000, 200_000, 200_000], ["50%", "80%", "100%"]),
        ([500_000, 500_000], ["50%", "100%"]),
    ],
)
def test_only_the_highest_threshold_since_the_last_look_is_told(acme, now, used, told):
    set_rules(acme, KeyRules(budget_month=ONE))
    looks = []

    for amount in used:
        acme.hold(amount)
        looks.append(look_at_budgets(now=now))

    subjects = [
        mail.subject for mail in Mail.objects.filter(to="owner@acme.example").order_by("id")
    ]
    assert [re.findall(r"has used (\d+%) of its budget", one) for one in subjects] == [
        [percent] for percent in told
    ]
    assert sum(looks) == len(told)


def test_a_daily_budget_of_0_is_not_told_of_with_the_months(acme, now):
    acme.hold(500_000, now=now - timedelta(days=1))
    set_rules(acme, KeyRules(budget_day=Micros(0), budget_month=ONE))
    acme.hold(0, now=now)

    look_at_budgets(now=now)

    assert BudgetWarning.objects.get().period == "month"


def test_use_that_falls_and_rises_again_is_told_of_once(acme, now):
    set_rules(acme, KeyRules(budget_month=ONE))
    hold = acme.hold(800_000)
    first = look_at_budgets(now=now)
    acme.end(hold, captured=600_000)
    fallen = look_at_budgets(now=now)
    acme.hold(200_000)

    assert (first, fallen, look_at_budgets(now=now)) == (1, 0, 0)


def test_a_budget_that_stops_says_until_when(acme, now):
    set_rules(acme, KeyRules(budget_day=ONE))
    acme.hold(800_000)

    look_at_budgets(now=now)

    mail = Mail.objects.filter(to="owner@acme.example").get()
    assert (
        mail.subject
        == "The key “ci” has used 80% of its budget: $0.80 of $1.00 on 20 November 2026"
    )
    words = "refused until a new day begins on 21 November 2026. You can raise it on the key's page"
    assert words in mail.text
    assert "begins on" in mail.html


WINDOWS = {"day": date(2026, 11, 20), "month": date(2026, 11, 1)}


def refused_by(
    acme: LedgerCustomer, period: Period, needed: int, window: date | None = None
) -> dict[BudgetOf, Micros]:
    return {(acme.key.id, period, window or WINDOWS[period]): Micros(needed)}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (("day", 200_000), ["day 100", "month 80"]),
        (("month", 200_000), ["day 80", "month 100"]),
        (("day", 150_000), ["day 80", "month 80"]),  # it fits now
        (("day", 200_000, date(2026, 11, 19)), ["day 80", "month 80"]),
    ],
)
def test_a_budget_that_refused_what_does_not_fit_counts_as_used_up(acme, now, refusal, told):
    set_rules(acme, KeyRules(budget_day=ONE, budget_month=ONE))
    acme.hold(850_000, now=now)
    refused = refused_by(acme, *refusal)

    looks = [look_at_budgets(now=now, refused=refused) for _ in range(2)]

    kept = BudgetWarning.objects.order_by("period").values_list("period", "percent")
    assert (looks, [f"{window} {percent}" for window, percent in kept]) == ([2, 0], told)


def test_who_is_refused_by_a_budget_is_told_so(acme, now):
    set_rules(acme, KeyRules(budget_day=ONE))
    acme.hold(850_000, now=now)

    look_at_budgets(now=now)
    look_at_budgets(now=now, refused=refused_by(acme, "day", 200_000))

    first, then = Mail.objects.filter(to="owner@acme.example").order_by("id")
    words = "A request that no longer fits was refused. That budget is a hard stop"
    assert then.subject == (
        "A budget refuses requests of the key “ci”: $0.85 of $1.00 on 20 November 2026"
    )
    assert (words in first.text, words in then.text) == (False, True)


@pytest.mark.parametrize(
    ("used", "rules", "told"),
    [
        (790_000, KeyRules(budget_day=ONE), 50),  # the request was a large one
        (850_000, KeyRules(budget_day=ONE, budget_warns_only=True), 80),  # it warns only, now
    ],
    ids=["below 80%", "warns only"],
)
def test_a_budget_with_room_or_no_stop_is_not_used_up_by_a_refusal(acme, now, used, rules, told):
    set_rules(acme, rules)
    acme.hold(used, now=now)

    look_at_budgets(now=now, refused=refused_by(acme, "day", 900_000))

    assert BudgetWarning.objects.get().percent == told


def test_a_workspaces_own_budgets_are_told_of_with_all_its_keys(acme, other, now):
    own = {"budget_day_micros": 1_000_000, "budget_month_micros": 1_250_000}
    Tenant.objects.filter(id=acme.id).update(**own)
    Tenant.objects.filter(id=other.id).update(budget_day_micros=0)
    acme.hold(1_000_000)
    other.hold(0)

    looks = [look_at_budgets(now=now), look_at_budgets(now=now + timedelta(days=1))]

    assert looks == [2, 0]
    assert recipients() == ["admin@acme.example"] * 2 + ["owner@acme.example"] * 2
    mails = Mail.objects.filter(to="owner@acme.example").order_by("id")
    assert [mail.subject for mail in mails] == [
        "The workspace “acme” has used 100% of its budget: $1.00 of $1.00 on 20 November 2026",
        "The workspace “acme” has used 80% of its budget: $1.00 of $1.25 in November 2026",
    ]
    assert "You can raise it in the workspace's settings in the console." in mails[0].text


@pytest.mark.parametrize("changed", [{"status": "suspended"}, {"budget_day_micros": None}])
def test_nobody_is_told_of_a_workspace_that_is_suspended_or_has_no_budget_now(acme, now, changed):
    Tenant.objects.filter(id=acme.id).update(budget_day_micros=1_000_000)
    acme.hold(1_000_000)
    Tenant.objects.filter(id=acme.id).update(**changed)

    assert look_at_budgets(now=now) == 0


def test_what_the_release_before_has_told_is_not_told_again(acme, now):
    """It writes rows without a percentage, once a warn-only budget is exceeded."""
    set_rules(acme, MONTH)
    acme.hold(1_000_001)
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO billing_budgetwarning (key_id, period, "window", most_micros)'
            " VALUES (%s, 'month', '2026-11-01', 1000000)",
            [acme.key.id],
        )

    assert look_at_budgets(now=now) == 0


def test_their_server_is_told_in_the_same_transaction(acme, now):
    WebhookEndpoint.objects.create(tenant=acme.tenant, url="https://example.com/", secret="")
    set_rules(acme, MONTH)
    Tenant.objects.filter(id=acme.id).update(budget_day_micros=2_000_000)
    acme.hold(1_002_500)

    for _ in range(2):
        look_at_budgets(now=now)

    of_key, of_workspace = (json.loads(event.body) for event in Event.objects.order_by("id"))
    assert of_key == {
        "type": "budget.threshold",
        "timestamp": int(now.timestamp()),
        "data": {
            "object": "budget",
            "livemode": True,
            "key": acme.key.public_id,
            "period": "month",
            "percent": 100,
            "used": "1.002500",
            "budget": "1.000000",
            "currency": "USD",
            "warns_only": True,
            "resets_at": 1_796_083_200,  # 1 December 2026
        },
    }
    told = of_workspace["data"]
    assert (told["key"], told["period"], told["percent"]) == (None, "day", 50)
    assert (told["warns_only"], told["resets_at"]) == (False, 1_795_219_200)  # 21 November


def test_an_event_that_cannot_be_written_leaves_all_to_the_next_look(acme, now, monkeypatch):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)

    def fails(**_: object) -> None:
        raise OSError("no event")

    with monkeypatch.context() as patch:
        patch.setattr(budget_warnings, "announce", fails)
        with pytest.raises(OSError, match="no event"):
            look_at_budgets(now=now)
    assert (recipients(), BudgetWarning.objects.count()) == ([], 0)

    assert look_at_budgets(now=now) == 1


def test_a_look_takes_as_many_statements_for_many_told_budgets_as_for_one(
    acme, now, django_assert_num_queries
):
    set_rules(acme, KeyRules(budget_day=ONE, budget_month=ONE))
    Tenant.objects.filter(id=acme.id).update(budget_day_micros=1_000_000)
    acme.hold(1_000_000)
    look_at_budgets(now=now)

    with django_assert_num_queries(6):
        look_at_budgets(now=now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_many_looks_at_once_warn_once(acme, now):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)
    barrier = Barrier(6)

    def look(_: int) -> int:
        try:
            barrier.wait(10)
            return look_at_budgets(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(look, range(6))) == 1

    assert recipients() == ["admin@acme.example", "owner@acme.example"]


def test_a_key_without_a_name_or_with_lines_in_it_is_named_in_one_line(acme, now):
    acme.hold(1_000_001)
    set_rules(acme, MONTH, name="two\nlines")
    look_at_budgets(now=now)
    BudgetWarning.objects.all().delete()
    set_rules(acme, MONTH, name="")
    look_at_budgets(now=now)

    subjects = {mail.subject for mail in Mail.objects.all()}
    assert subjects == {
        f"The key “{name}” is over its budget: $1.000001 of $1.00 in November 2026"
        for name in ("two lines", f"{acme.key.visible_prefix}…")
    }
