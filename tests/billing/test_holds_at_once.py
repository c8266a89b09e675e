"""Many holds at once, and a process that dies between two stages, on real connections."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services.office.suspending import resume, suspend
from billing.selectors.office.balances import balance_of, statement
from billing.selectors.office.ledger import ledger_findings, usage_findings
from billing.services import Hold, HoldLimits, LedgerError, Usage, end_hold, record_usage
from billing.services.office.accounts import top_up
from pictor.kit.words.errors import InsufficientQuota, RateLimited
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import place_hold
from tests.stack.databases import wait_for_a_blocked_session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient_connections"),
]

THREADS = 40


def outcomes(work: Callable[[int], str], count: int) -> Counter[str]:
    """Run `work(index)` `count` times on many threads; count the answers and refusals."""

    def one(index: int) -> str:
        try:
            return work(index)
        except (InsufficientQuota, RateLimited, IntegrityError, LedgerError) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(count)))


def test_exactly_10_of_200_parallel_holds_pass_on_a_balance_for_10(acme):
    def hold(_):
        acme.hold(1_000_000)
        return "held"

    assert outcomes(hold, 200) == {"held": 10, "InsufficientQuota": 190}

    balance = balance_of(acme.id)
    assert (balance.available, balance.held, balance.in_flight) == (0, 10_000_000, 10)
    assert [line.seq for line in statement(acme.id)] == list(range(1, 12))
    assert ledger_findings() == []


def test_a_hold_does_not_wait_for_a_suspension(acme):
    def hold(_):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 1000")
        acme.hold(1_000_000)
        return "held"

    with transaction.atomic():
        suspend(tenant=acme.tenant, words="unpaid since May", actor="test")
        placed = outcomes(hold, 1)
        resume(tenant=acme.tenant, actor="test")
        placed += outcomes(hold, 1)

    assert placed == {"held": 2}


def test_exactly_7_of_60_parallel_requests_pass_with_room_for_7(acme):
    limits = HoldLimits(tenant_in_flight=7)

    def hold(_):
        acme.hold(1, limits=limits)
        return "held"

    assert outcomes(hold, 60) == {"held": 7, "RateLimited": 53}


@pytest.mark.parametrize("budget", ["key_budget_month", "tenant_budget_day"])
def test_exactly_5_of_60_parallel_requests_pass_on_a_budget_for_5(acme, budget):
    limits = HoldLimits(**{budget: Micros(500_000)})

    def hold(_):
        acme.hold(100_000, limits=limits)
        return "held"

    assert outcomes(hold, 60) == {"held": 5, "InsufficientQuota": 55}
    assert balance_of(acme.id).held == 500_000
    assert ledger_findings() == []


def test_a_hold_ended_by_40_threads_at_once_ends_once(acme):
    hold = acme.hold(1_000_000)
    for _ in range(3):
        acme.hold(1_000_000)

    def end(_):
        acme.end(hold, 400_000)
        return "ended"

    found = outcomes(end, 40)
    assert found.pop("ended") == 1
    assert set(found) <= {"IntegrityError", "LedgerError"}
    assert sum(found.values()) == 39
    assert balance_of(acme.id).held == 3_000_000
    assert ledger_findings() == []


def test_holds_and_settlements_of_two_tenants_at_once_add_up(acme, other, now):
    def work(index):
        customer = (acme, other)[index % 2]
        hold = customer.hold(10_000)
        with transaction.atomic():
            end_hold(hold=hold, captured=Micros(index))
            record_usage(
                Usage(
                    tenant_id=customer.id,
                    key_id=customer.key.id,
                    model="gpt-image-2",
                    tier="base",
                    channel="sandbox",
                    status="succeeded",
                    at=now,
                    images=1,
                    captured=Micros(index),
                    took=timedelta(seconds=index),
                )
            )
        return "settled"

    assert outcomes(work, 120) == {"settled": 120}

    # 0 + 2 + … + 118 and 1 + 3 + … + 119
    assert balance_of(acme.id).available == 10_000_000 - 3_540
    assert balance_of(other.id).available == 5_000_000 - 3_600
    assert ledger_findings() == []
    assert usage_findings() == []


def test_a_top_up_that_commits_just_in_time_lets_the_hold_pass(acme):
    def hold():
        try:
            acme.hold(11_000_000)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            top_up(tenant_id=acme.id, amount=Micros(1_000_000), reason="card", actor="test")
            waiting = pool.submit(hold)
            wait_for_a_blocked_session()
        waiting.result(timeout=10)

    balance = balance_of(acme.id)
    assert (balance.available, balance.held) == (0, 11_000_000)
    assert ledger_findings() == []


class Crash(Exception):
    """The process died here."""


def hold_and_crash(tenant_id: UUID, key_id: UUID, now: datetime) -> None:
    with transaction.atomic():
        place_hold(
            tenant_id=tenant_id,
            key_id=key_id,
            generation_id=new_uuid(),
            amount=Micros(1_000_000),
            now=now,
        )
        raise Crash


@transaction.atomic
def end_and_crash(hold: Hold) -> None:
    end_hold(hold=hold, captured=Micros(400_000))
    raise Crash


def test_a_crash_after_the_hold_and_before_the_commit_leaves_nothing(acme, now):
    with pytest.raises(Crash):
        hold_and_crash(acme.id, acme.key.id, now)

    balance = balance_of(acme.id)
    assert (balance.available, balance.held, balance.in_flight) == (10_000_000, 0, 0)
    assert ledger_findings() == []


def test_a_crash_between_hold_and_settlement_leaves_the_hold_to_be_ended_once(acme):
    hold = acme.hold(1_000_000)

    with pytest.raises(Crash):
        end_and_crash(hold)

    assert balance_of(acme.id).held == 1_000_000
    acme.end(hold, 400_000)
    assert [line.kind for line in statement(acme.id)] == ["top_up", "hold", "capture", "release"]
    assert ledger_findings() == []


def test_a_refused_key_budget_leaves_the_account_as_it_was(acme, now):
    with transaction.atomic(), pytest.raises(InsufficientQuota):
        place_hold(
            tenant_id=acme.id,
            key_id=acme.key.id,
            generation_id=new_uuid(),
            amount=Micros(1_000_000),
            now=now,
            limits=HoldLimits(key_budget_day=Micros(1)),
        )

    assert balance_of(acme.id).in_flight == 0
    assert balance_of(acme.id).available == 10_000_000
    assert ledger_findings() == []
