"""A scheduled price book is withdrawn: it never takes effect, and no other book changes."""

from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.audit_log import audit_page
from accounts.models import AuditEvent
from accounts.selectors import config_revision
from billing.models import PriceBook, PriceBookWithdrawal
from billing.price_rows import BookRow
from billing.selectors import (
    book_in_force,
    current_table,
    following,
    price_books,
    price_tables,
    table_to_charge,
    withdrawals,
)
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.price_stops import price_changes
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone, waits_for_a_lock
from tests.stack.stack_processes import until

pytestmark = pytest.mark.django_db

KEY = ("gpt-image-2", "1024x1024", "low")


def publish(
    micros: int,
    *,
    begins: datetime | None = None,
    tenant_id: UUID | None = None,
    markup: int = 1,
    name: str = "standard",
) -> PriceBook:
    now = clock.now()
    draft = draft_price_book(
        name=name,
        rows=[BookRow(*KEY, Micros(micros), 1024, 1024)],
        effective_from=begins or now,
        markup=Decimal(markup),
        tenant_id=tenant_id,
        actor="test",
    )
    return publish_price_book(book=draft, actor="test", now=now)


def unit(tenant_id: UUID | None, at: datetime) -> int:
    return current_table(tenant_id, at).rows[KEY].unit


@pytest.fixture
def soon():
    return clock.now() + timedelta(hours=1)


def test_a_withdrawn_book_never_takes_effect_for_anybody(acme, soon):
    publish(100)
    book = publish(1_000, begins=soon)
    assert unit(acme.id, soon) == 1_000

    withdraw_price_book(book=book, actor="test")

    assert unit(acme.id, soon) == unit(None, soon) == 100
    assert current_table(acme.id, clock.now()).valid_until is None
    assert len(price_tables(acme.id, clock.now())) == 1
    assert (book_in_force(None, soon), following(None, clock.now())) == (
        PriceBook.objects.get(version=1),
        [],
    )


def test_processes_learn_of_it_by_the_configurations_revision(soon):
    book = publish(1_000, begins=soon)
    before = config_revision()

    withdraw_price_book(book=book, actor="test")

    assert config_revision() != before


def test_a_draft_that_only_a_withdrawn_book_had_overtaken_begins_as_it_says(soon):
    publish(100)
    withdraw_price_book(book=publish(1_000, begins=soon), actor="test")
    draft = draft_price_book(name="late", effective_from=soon - timedelta(minutes=1), actor="test")

    late = publish_price_book(book=draft, actor="test", now=soon + timedelta(minutes=1))

    assert late.effective_from == soon - timedelta(minutes=1)


def test_a_withdrawal_is_audited_and_its_tenant_reads_it(acme, soon):
    book = publish(50, begins=soon, tenant_id=acme.id, name="acme")

    withdrawal = withdraw_price_book(book=book, actor="test", ip="192.0.2.7")

    assert str(withdrawal) == "acme v1 withdrawn"
    event = AuditEvent.objects.get(action="price_book.withdraw")
    assert (event.actor_name, event.object_id, event.ip) == ("test", str(book.id), "192.0.2.7")
    assert event.after == {
        "name": "acme",
        "version": 1,
        "markup": "1",
        "effective_from": soon.isoformat(),
        "tenant": str(acme.id),
        "withdrawn_at": withdrawal.withdrawn_at.isoformat(),
    }
    actions = [one.action for one in audit_page(acme.id, action="price_book", limit=9)]
    assert actions == ["price_book.withdraw", "price_book.publish"]


@pytest.mark.parametrize(
    ("version", "why"), [(1, "has begun"), (2, "withdrawn already"), (3, "is a draft")]
)
def test_only_what_is_scheduled_is_withdrawn(soon, version, why):
    publish(100)
    withdraw_price_book(book=publish(1_000, begins=soon), actor="test")
    draft_price_book(name="standard", effective_from=soon, actor="test")

    with pytest.raises(ValidationError, match=why):
        withdraw_price_book(book=PriceBook.objects.get(version=version), actor="test")

    assert PriceBookWithdrawal.objects.get().book.version == 2
    assert AuditEvent.objects.filter(action="price_book.withdraw").count() == 1


def test_the_databases_clock_decides_and_not_the_processs(monkeypatch):
    publish(100)
    book = publish(1_000, begins=clock.now() + timedelta(milliseconds=300))
    until(lambda: clock.now() > book.effective_from)
    monkeypatch.setattr(clock, "now", lambda: book.effective_from - timedelta(hours=1))

    with pytest.raises(ValidationError, match="has begun"):
        withdraw_price_book(book=book, actor="test")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_pricebookwithdrawal SET withdrawn_at = now()",
        "DELETE FROM billing_pricebookwithdrawal",
        """INSERT INTO billing_pricebookwithdrawal
           SELECT id, '2026-01-01' FROM billing_pricebook WHERE version = 1""",
    ],
    ids=["change", "delete", "after it began"],
)
def test_the_database_itself_refuses_to_change_withdrawals(soon, sql):
    publish(100)
    withdraw_price_book(book=publish(1_000, begins=soon), actor="test")

    with (
        pytest.raises(IntegrityError, match=r"append-only|has begun"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("version", "why"), [(1, "has not been in force"), (2, "was withdrawn"), (3, "is a draft")]
)
def test_only_what_was_in_force_is_restored(soon, version, why):
    publish(1_000, begins=soon)
    withdraw_price_book(book=publish(2_000, begins=soon), actor="test")
    draft_price_book(name="standard", effective_from=soon, actor="test")

    with pytest.raises(ValidationError, match=why):
        restore_price_book(
            book=PriceBook.objects.get(version=version), actor="test", now=clock.now()
        )


@pytest.mark.parametrize("markup", [1, 2])
def test_a_book_put_back_keeps_the_prices_of_models_added_since(markup):
    first, later = publish(100), clock.now()
    added = BookRow("dall-e-3", "1024x1024", "hd", Micros(700), 1024, 1024)
    draft = draft_price_book(
        name="standard",
        rows=[BookRow(*KEY, Micros(60), 1024, 1024), added],
        effective_from=later,
        markup=Decimal(markup),
        actor="test",
    )
    publish_price_book(book=draft, actor="test", now=later)

    again = restore_price_book(book=first, actor="test", now=clock.now())

    charged = {key: row.unit for key, row in current_table(None, clock.now()).rows.items()}
    assert charged == {KEY: 100, added.key: 700 * markup}
    published = AuditEvent.objects.get(action="price_book.publish", object_id=str(again.pk))
    assert (published.after or {})["restores"] == "standard:1"


def test_every_book_is_in_one_state(acme, soon):
    now = clock.now()
    for minutes, micros in ((30, 90), (20, 100)):
        publish(micros, begins=now - timedelta(minutes=minutes))
    publish(1_000, begins=soon)
    withdraw_price_book(book=publish(2_000, begins=soon), actor="test")
    draft_price_book(name="standard", effective_from=soon, actor="test")
    publish(50, tenant_id=acme.id, name="acme")

    states = {f"{book.name}:{book.version}": book.state for book in price_books(clock.now())}

    assert states == {
        "standard:1": "past",
        "standard:2": "current",
        "standard:3": "scheduled",
        "standard:4": "withdrawn",
        "standard:5": "draft",
        "acme:1": "current",
    }


def test_a_scheduled_book_is_compared_with_the_prices_without_it(soon):
    publish(100)
    scheduled, later = publish(1_000, begins=soon), publish(900, begins=soon + timedelta(hours=1))

    assert [str(change) for change in price_changes(scheduled, clock.now())] == [
        "gpt-image-2 1024x1024 low: 0.000100 USD -> 0.001000 USD"
    ]
    assert [str(change) for change in price_changes(later, clock.now())] == [
        "gpt-image-2 1024x1024 low: 0.001000 USD -> 0.000900 USD"
    ]


def test_a_withdrawal_is_told_for_30_days_to_the_tenant_concerned(acme, other, soon):
    book = publish(50, begins=soon, tenant_id=acme.id, name="acme")
    at = withdraw_price_book(book=book, actor="test").withdrawn_at

    told = [
        [withdrawal.book for withdrawal in withdrawals(whom, at + timedelta(days=days))]
        for whom, days in ((acme.id, 29), (acme.id, 30), (other.id, 0), (None, 0))
    ]

    assert told == [[book], [], [], []]


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE billing_pricebookwithdrawal DISABLE TRIGGER USER")
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            """INSERT INTO billing_pricebookwithdrawal
               SELECT id, effective_from - interval '1 s' FROM billing_pricebook
                WHERE version = 1""",
            "is withdrawn, but that was never audited",
        ),
        ("DELETE FROM billing_pricebookwithdrawal", "was withdrawn, but no longer is"),
        (
            "UPDATE billing_pricebookwithdrawal SET withdrawn_at = withdrawn_at - interval '1 s'",
            "was not withdrawn when the audit log says",
        ),
    ],
)
def test_a_withdrawal_that_is_not_as_it_was_is_found(soon, sql, message):
    publish(100)
    withdraw_price_book(book=publish(1_000, begins=soon), actor="test")
    assert ledger_findings() == []

    tamper(sql)

    assert [finding.message for finding in ledger_findings()] == [message]


def test_a_book_that_was_withdrawn_after_it_began_is_found():
    publish(100)

    tamper(
        """INSERT INTO billing_pricebookwithdrawal
           SELECT id, effective_from + interval '1 s' FROM billing_pricebook"""
    )

    messages = [finding.message for finding in ledger_findings()]
    assert "was no longer scheduled when it was withdrawn" in messages


# --- two at once --------------------------------------------------------------------------------


def test_a_clock_that_runs_ahead_charges_nothing_that_can_still_be_withdrawn(soon):
    publish(100)
    publish(1_000, begins=soon)

    table = table_to_charge(None, soon + timedelta(seconds=1))

    assert (table.rows[KEY].unit, table.valid_until) == (100, soon)


def test_a_book_that_began_by_both_clocks_is_charged():
    publish(100)
    book = publish(1_000, begins=clock.now() + timedelta(milliseconds=300))
    until(lambda: clock.now() > book.effective_from)

    assert table_to_charge(None, clock.now()).rows[KEY].unit == 1_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_a_charge_at_the_moment_of_a_withdrawal_waits_for_it(pool):
    publish(100)
    book = publish(1_000, begins=clock.now() + timedelta(seconds=3))
    is_inserted, may_commit = Event(), Event()

    def withdraw() -> None:
        with transaction.atomic():
            withdraw_price_book(book=book, actor="test")
            is_inserted.set()
            assert may_commit.wait(20)

    withdrawn = pool.submit(alone, withdraw)
    assert is_inserted.wait(20)
    until(lambda: clock.now() > book.effective_from)
    charged = pool.submit(alone, lambda: table_to_charge(None, clock.now()).rows[KEY].unit)
    until(waits_for_a_lock)
    may_commit.set()

    withdrawn.result(20)
    assert charged.result(20) == 100
    assert ledger_findings() == []
