"""A ledger's past, written in bulk: the same books as from holds placed one by one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.models import ApiKey, Tenant
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from billing.models import KeyBudget, TenantBalance, Transfer
from billing.selectors.office.ledger import ledger_findings
from billing.services import Hold, LedgerError, end_hold
from billing.services.office.backfill import PastCost, PastHold, Refills, write_past
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import at, place_hold

pytestmark = pytest.mark.django_db

NOON = at("2026-10-31T12:00:00Z")
REFILLS = Refills(least=Micros(100), full=Micros(1000), reason="refilled")


@pytest.fixture(autouse=True)
def embedded(settings):
    settings.EMBEDDED = True


@pytest.fixture
def tenant() -> Tenant:
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def key(tenant: Tenant) -> ApiKey:
    return issue_api_key(tenant=tenant, name="acme", actor="test")[0]


def past_hold(key: ApiKey, amount: int, captured: int, *, minutes: float = 0) -> PastHold:
    """A hold that lasts for two minutes."""
    placed_at = NOON + timedelta(minutes=minutes)
    hold = Hold(key.tenant_id, key.id, new_uuid(), Micros(amount), placed_at)
    ended_at = placed_at + timedelta(minutes=2)
    return PastHold(hold, Micros(captured), ended_at, placed_for=b"p" * 32, ended_with=b"e" * 32)


def write(tenant: Tenant, *holds: PastHold, costs: Sequence[PastCost] = ()) -> None:
    write_past(tenant_id=tenant.id, holds=holds, costs=costs, refills=REFILLS, actor="test")


def moved(tenant_id: UUID) -> list[tuple[Any, ...]]:
    columns = ("seq", "kind", "amount", "available_after", "held_after")
    rows = Transfer.objects.filter(tenant_id=tenant_id).order_by("seq")
    return list(rows.values_list(*columns))


def test_holds_that_overlap_move_money_in_the_order_of_time(tenant, key):
    write(tenant, past_hold(key, 400, 0, minutes=1), past_hold(key, 300, 200))

    assert moved(tenant.id) == [
        (1, "top_up", 1000, 1000, 0),
        (2, "hold", 300, 700, 300),
        (3, "hold", 400, 300, 700),
        (4, "capture", 200, 300, 500),
        (5, "release", 100, 400, 400),
        (6, "release", 400, 800, 0),
    ]
    # These holds have no generation and no usage: only the ledger is proved here.
    assert ledger_findings() == []


def test_upstream_costs_are_booked_in_order_and_sealed(tenant, key):
    early, late = past_hold(key, 300, 200), past_hold(key, 400, 400, minutes=9)
    cost = PastCost(early.hold.generation_id, new_uuid(), Micros(150), early.ended_at)

    write(tenant, late, early, costs=[cost])

    kinds = list(Transfer.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["top_up", "hold", "capture", "release", "upstream_cost", "hold", "capture"]
    booked = Transfer.objects.get(kind="upstream_cost")
    assert (booked.amount, booked.created_at, booked.seq) == (150, early.ended_at, None)
    assert ledger_findings() == []


def test_the_tenant_pays_in_again_when_little_is_left(tenant, key):
    write(tenant, past_hold(key, 850, 850), past_hold(key, 100, 100, minutes=5))

    assert moved(tenant.id)[2:5] == [
        (3, "capture", 850, 150, 0),
        (4, "top_up", 850, 1000, 0),
        (5, "hold", 100, 900, 100),
    ]


def test_a_hold_of_nothing_counts_and_moves_nothing(tenant, key):
    write(tenant, past_hold(key, 0, 0))

    assert moved(tenant.id) == []
    assert KeyBudget.objects.get().day_used_micros == 0


def test_a_key_counts_its_last_day_and_month(tenant, key):
    write(
        tenant,
        past_hold(key, 10, 10, minutes=-24 * 60),
        past_hold(key, 20, 20),
        past_hold(key, 30, 30, minutes=24 * 60),
        past_hold(key, 40, 4, minutes=25 * 60),
    )

    budget = KeyBudget.objects.get()
    assert (str(budget.day), budget.day_used_micros) == ("2026-11-01", 34)
    assert (str(budget.month), budget.month_used_micros) == ("2026-11-01", 34)


def test_the_chain_goes_on_behind_it(tenant, key):
    write(tenant, past_hold(key, 300, 200))
    hold = Hold(tenant.id, key.id, new_uuid(), Micros(50), NOON)

    place_hold(
        tenant_id=tenant.id, key_id=key.id, generation_id=hold.generation_id,
        amount=Micros(50), now=NOON,
    )  # fmt: skip
    end_hold(hold=hold, captured=Micros(20))

    assert TenantBalance.objects.get().seq == 7
    assert ledger_findings() == []


def test_more_than_a_refill_pays_is_refused(tenant, key):
    with pytest.raises(LedgerError, match="more than a refill pays"), transaction.atomic():
        write(tenant, past_hold(key, 1001, 0))


def test_no_more_is_captured_than_was_held(tenant, key):
    with pytest.raises(LedgerError, match="cannot capture"), transaction.atomic():
        write(tenant, past_hold(key, 10, 11))


def test_a_ledger_that_has_begun_takes_none(tenant, key):
    write(tenant, past_hold(key, 300, 200))

    with pytest.raises(LedgerError, match="has begun"), transaction.atomic():
        write(tenant, replace(past_hold(key, 300, 200), captured=Micros(0)))


@pytest.mark.django_db(transaction=True)
def test_a_backfill_requires_a_transaction(tenant, key):
    with pytest.raises(LedgerError, match="inside the transaction"):
        write(tenant, past_hold(key, 300, 200))


def test_a_production_ledger_takes_no_past(tenant, key, settings):
    settings.EMBEDDED = False

    with pytest.raises(LedgerError, match="only the embedded default"), transaction.atomic():
        write(tenant, past_hold(key, 300, 200))

    assert Transfer.objects.count() == 0
