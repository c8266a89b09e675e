"""All transfers of one generation, found without reading the ledger."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.selectors.office.balances import transfers_of
from billing.selectors.office.refunds_given import charge_sums_of
from billing.services import book_upstream_cost
from billing.services.office.accounts import refund
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros

ATTEMPT = new_uuid()


@pytest.fixture
def moved(acme, other):
    """One generation's transfers, in order, amid others of its tenant and of another."""
    acme.end(acme.hold(1_000_000), 1_000_000)
    other.end(other.hold(1_000_000), 1_000_000)
    hold = acme.hold(2_000_000)
    acme.end(hold, 1_500_000)
    generation_id = hold.generation_id
    book_upstream_cost(
        generation_id=generation_id, attempt_id=ATTEMPT, amount=Micros(300_000), as_loss=False
    )
    refund(
        tenant_id=acme.id,
        generation_id=generation_id,
        amount=Micros(500_000),
        reason="a bad image",
        actor="test",
    )
    return hold


def test_the_hold_end_cost_and_refunds_of_a_generation_are_found(moved):
    found = transfers_of(moved.generation_id, tenant_id=moved.tenant_id, attempt_ids=[ATTEMPT])

    assert [(one.kind, one.amount) for one in found] == [
        ("hold", 2_000_000),
        ("capture", 1_500_000),
        ("release", 500_000),
        ("upstream_cost", 300_000),
        ("refund", 500_000),
    ]


def test_transfers_of_a_generation_are_read_by_an_index(acme, moved):
    for _ in range(40):
        # the tenant has few rows of other kinds, or another index would be as cheap by chance
        acme.hold(1)
    with CaptureQueriesContext(connection) as asked:
        transfers_of(moved.generation_id, tenant_id=moved.tenant_id, attempt_ids=[ATTEMPT])
        charge_sums_of([moved.generation_id, ATTEMPT], tenants=[moved.tenant_id])

    every, given = (plan_of(one["sql"]) for one in asked)
    assert "Seq Scan on billing_transfer" not in every + given
    indexes = ("one_hold_capture_release", "moved_by_people_by_seq", "one_cost_per_attempt")
    assert [index in every for index in indexes] == [True, True, True]
    assert [index in given for index in indexes[:2]] == [True, True]


def plan_of(sql: str) -> str:
    """The planner would read all of so short a ledger, so sequential scans are off."""
    with connection.cursor() as cursor:
        # Remains of other tests in the indexes would make one dearer than another.
        cursor.execute("REINDEX TABLE billing_transfer; ANALYZE billing_transfer")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor)
