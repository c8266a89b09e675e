"""Budgets of a key stop it unless they only warn; balance and workspace budget always stop it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.services.office.api_keys import KeyRules, change_api_key
from accounts.services.office.own_limits import OwnLimits, set_own_limits
from billing.models import KeyBudget
from billing.selectors.office.ledger import ledger_findings
from generation.lifecycle.settlement import settle_and_tell
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.errors import InsufficientQuota
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer, make_delivery, make_worker, stored_images, take

pytestmark = pytest.mark.django_db

ONE = Micros(52_680)
WARNED = KeyRules(budget_day=ONE, budget_month=ONE, budget_warns_only=True)


def used(customer: PayingCustomer) -> tuple[int, int]:
    row = KeyBudget.objects.get(key=customer.key)
    return row.day_used_micros, row.month_used_micros


def pay(customer: PayingCustomer, spools: Spools) -> None:
    """Admit a request, make its image and charge it."""
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, spools)
    settle_and_tell(
        claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now()
    )


@pytest.mark.usefixtures("channel")
def test_requests_pass_beyond_a_budget_that_warns_and_are_charged_and_counted(tmp_path):
    warned = PayingCustomer(rules=WARNED)
    spools = Spools(tmp_path, SpoolBudget(1_000_000))

    pay(warned, spools)
    pay(warned, spools)
    warned.submit()

    assert warned.money == (9_841_960, 52_680)
    assert used(warned) == (158_040, 158_040)
    assert ledger_findings() == []


@pytest.mark.usefixtures("channel")
def test_a_budget_of_nothing_that_warns_stops_no_first_request():
    warned = PayingCustomer(rules=KeyRules(budget_day=Micros(0), budget_warns_only=True))

    warned.submit()

    assert used(warned) == (52_680, 52_680)


@pytest.mark.usefixtures("channel")
def test_usage_under_a_warning_budget_counts_once_it_becomes_a_hard_stop():
    key = PayingCustomer(rules=WARNED)
    key.submit()
    key.submit()
    hard = KeyRules(budget_month=Micros(150_000))
    change_api_key(key=key.key, name="acme", rules=hard, actor="test")

    with pytest.raises(InsufficientQuota, match=r"monthly budget .* 0\.008040 USD is missing"):
        key.submit()

    assert key.money == (9_894_640, 105_360)


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("balance", "own", "what"),
    [
        (52_680, OwnLimits(), "balance"),
        (10_000_000, OwnLimits(budget_day_micros=ONE), "workspace"),
        (10_000_000, OwnLimits(budget_month_micros=ONE), "workspace"),
    ],
)
def test_a_balance_and_a_workspace_s_budget_stop_such_a_key_too(balance, own, what):
    warned = PayingCustomer(rules=WARNED, balance=balance)
    set_own_limits(tenant=warned.tenant, limits=own, actor="test")
    warned.submit()

    with pytest.raises(InsufficientQuota) as refused:
        warned.submit()

    assert refused.value.limit == what
    assert used(warned) == (52_680, 52_680)
    assert ledger_findings() == []


@pytest.mark.usefixtures("channel", "patient_connections")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("warns", "outcomes", "counted"),
    [
        (False, {True: 3, "InsufficientQuota": 17}, 158_040),
        (True, {True: 20}, 1_053_600),
    ],
    ids=["a hard stop", "warns only"],
)
def test_a_budget_for_three_stops_the_rest_of_twenty_at_once_unless_it_only_warns(
    warns, outcomes, counted
):
    rules = KeyRules(budget_month=Micros(158_040), budget_warns_only=warns)
    customer, barrier = PayingCustomer(rules=rules), Barrier(20)

    def one(_: int) -> object:
        try:
            barrier.wait(10)
            return customer.submit().is_new
        except InsufficientQuota as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(one, range(20))) == outcomes

    assert used(customer) == (counted, counted)
    assert customer.money == (10_000_000 - counted, counted)
    assert ledger_findings() == []
