"""Owners and admins are mailed once a window when a key passes a budget that only warns."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import ApiKey, Mail, Membership, Tenant, User
from accounts.services.office import mail as sending
from accounts.services.office.api_keys import KeyRules, change_api_key, revoke_api_key
from accounts.services.office.members import add_member
from billing.models import BudgetWarning
from billing.services.office.budget_warnings import look_at_budgets
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer

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
    acme.hold(1_000_000)
    assert (look_at_budgets(now=now), recipients()) == (0, [])
    acme.hold(2_500)

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

    assert (first, between, look_at_budgets(now=now), look_at_budgets(now=now)) == (1, 0, 1, 0)


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

    assert looks == [1, 2, 0]
    kept = BudgetWarning.objects.order_by("id").values_list("period", "window")
    assert [(period, str(window)) for period, window in kept] == [
        ("day", "2026-11-20"), ("day", "2026-11-21"), ("month", "2026-11-01"),
    ]  # fmt: skip


def test_usage_of_an_earlier_window_warns_nobody(acme, now):
    set_rules(acme, MONTH)
    acme.hold(1_000_001)

    assert look_at_budgets(now=now + timedelta(days=31)) == 0


def test_nobody_is_told_of_what_is_within_a_budget_is_stopped_or_has_ended(acme, other, now):
    set_rules(acme, KeyRules(budget_month=ONE))
    set_rules(other, KeyRules(budget_day=Micros(2_000_000), budget_warns_only=True))
    acme.hold(1_000_001)
    other.hold(2_000_000)
    assert look_at_budgets(now=now) == 0
    set_rules(acme, MONTH)
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
