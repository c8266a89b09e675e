"""The chain of seals: its contents, and the detection of a break."""

import pytest
from django.db import connection

from billing.models import TenantBalance, Transfer
from billing.price_rows import BookRow
from billing.selectors.office.ledger import ledger_findings
from billing.services import book_upstream_cost
from billing.services.office.prices import draft_price_book, publish_price_book
from billing.services.office.sealing import SealBroken, seal_ledger
from billing.transfer_seals import checkpoint_mark
from pictor.kit.secrets.seals import NOTHING_BEFORE, one_time_key, seal
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db

UNSEALED = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE billing_transfer DISABLE TRIGGER USER;
UPDATE billing_transfer SET seal = NULL;
UPDATE billing_tenantbalance SET seal = NULL, previous_seal = NULL;
ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only
"""


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def findings() -> set[tuple[str, str]]:
    return {(finding.check, finding.object.split()[0]) for finding in ledger_findings()}


def test_every_movement_follows_the_seal_of_the_one_before(acme, settings):
    settings.LEDGER_KEY = "another key"

    acme.end(acme.hold(1_000_000), 400_000)

    assert ("seal", "transfer") in findings()  # the top-up, which stands before


def test_the_balance_carries_the_last_two_seals(acme):
    acme.end(acme.hold(1_000_000), 400_000)
    acme.end(acme.hold(500_000), 0)
    acme.end(acme.hold(300_000), 300_000)
    acme.end(acme.hold(0), 0)

    seals = list(Transfer.objects.order_by("seq").values_list("seal", flat=True))
    (balance,) = TenantBalance.objects.values_list("previous_seal", "seal")
    assert len(set(seals)) == len({bytes(seal or b"") for seal in seals}) == 8
    assert balance == (seals[-2], seals[-1])
    assert ledger_findings() == []


def test_a_transfer_with_changed_evidence_breaks_its_seal(acme):
    run("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE billing_transfer DISABLE TRIGGER USER")
    run("UPDATE billing_transfer SET evidence = '\\x00'")
    run("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    assert findings() == {("seal", "transfer")}


def test_costs_are_sealed_one_by_one(acme):
    for as_loss in (False, True):
        book_upstream_cost(
            generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(9), as_loss=as_loss
        )

    assert ledger_findings() == []


def test_an_older_ledger_is_taken_into_the_chain_as_it_is(acme, other):
    acme.end(acme.hold(1_000_000), 400_000)
    run(UNSEALED)
    acme.hold(100_000)
    assert findings() == {("unsealed", "tenant")}

    assert seal_ledger(actor="test") == 2

    acme.end(acme.hold(700_000), 1)
    other.hold(5)
    assert ledger_findings() == []
    assert seal_ledger(actor="test") == 0


def test_older_costs_are_sealed_together(acme):
    for _ in range(2):
        book_upstream_cost(
            generation_id=new_uuid(), attempt_id=new_uuid(), amount=Micros(9), as_loss=False
        )
    run(UNSEALED)
    assert findings() == {("unsealed", "tenant"), ("seal", "transfers")}

    seal_ledger(actor="test")
    assert ledger_findings() == []

    run("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
    run("UPDATE billing_transfer SET amount = 8 WHERE kind = 'upstream_cost'")
    run("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")
    seal_ledger(actor="test")
    assert findings() == {("seal", "transfers")}


def test_a_change_to_a_row_sealed_later_is_found(acme):
    run(UNSEALED)
    seal_ledger(actor="test")
    acme.hold(5)

    run("ALTER TABLE billing_transfer DISABLE TRIGGER USER")
    run("UPDATE billing_transfer SET reason = 'gift' WHERE seq = 1")
    run("ALTER TABLE billing_transfer ENABLE ALWAYS TRIGGER append_only")

    assert findings() == {("seal", "transfer")}


def test_a_balance_that_lost_its_seal_is_not_sealed_over_a_changed_transfer(acme):
    acme.hold(5)
    run("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE billing_transfer DISABLE TRIGGER USER")
    run("UPDATE billing_transfer SET reason = 'gift' WHERE seq = 1")
    run("UPDATE billing_tenantbalance SET seal = NULL")

    with pytest.raises(SealBroken):
        seal_ledger(actor="test")


@pytest.mark.parametrize(("owed", "content"), [(0, "7|01|5|2"), (3, "7|01|5|2|3")])
def test_a_checkpoint_without_a_debt_keeps_the_mark_of_the_release_before(owed, content):
    key = one_time_key("checkpoint platform")

    mark = checkpoint_mark(name="platform", seq=7, sealed=b"\x01", available=5, held=2, owed=owed)

    assert mark == seal(key, previous=NOTHING_BEFORE, content=content)


def test_a_published_price_that_was_changed_is_found(now):
    row = BookRow("m", "1024x1024", "low", Micros(100), 1024, 1024)
    book = draft_price_book(name="everyone", rows=[row], effective_from=now, actor="test")
    publish_price_book(book=book, actor="test", now=now)
    assert ledger_findings() == []

    run("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE billing_price DISABLE TRIGGER USER")
    run("UPDATE billing_price SET micros = 1")
    run("ALTER TABLE billing_price ENABLE TRIGGER USER")
    run("ALTER TABLE billing_price ENABLE ALWAYS TRIGGER final_once_published")

    assert findings() == {("prices", "price_book")}
