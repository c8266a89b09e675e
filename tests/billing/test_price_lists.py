"""Three layers of prices: everyone's, a shared list's over them, a tenant's own over both."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.audit_log import audit_page
from accounts.models import AuditEvent, Tenant
from accounts.selectors import config_revision
from billing.models import PriceBook, PriceList, PriceListAssignment
from billing.price_rows import BookRow
from billing.price_stops import UNCONFIRMED, Confirmed
from billing.selectors import (
    book_in_force,
    current_table,
    price_books,
    price_tables,
    table_of,
    table_to_charge,
    withdrawals,
)
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.price_layers import tables_in_force
from billing.selectors.office.price_lists import list_history, list_of, moved_by, price_lists, whose
from billing.selectors.office.price_stops import price_changes
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone

pytestmark = pytest.mark.django_db

MODEL = "gpt-image-2"
SIZE = "1024x1024"


def publish(
    prices: dict[str, int],
    *,
    owner: UUID | None = None,
    begins: datetime | None = None,
    markup: str = "1",
    name: str = "",
    said: Confirmed = UNCONFIRMED,
) -> PriceBook:
    """A book with these micros by quality."""
    now = clock.now()
    draft = draft_price_book(
        name=name or ("standard" if owner is None else f"of {owner}"),
        rows=[BookRow(MODEL, SIZE, word, Micros(one), 1024, 1024) for word, one in prices.items()],
        effective_from=begins or now,
        markup=Decimal(markup),
        tenant_id=owner,
        actor="test",
    )
    return publish_price_book(book=draft, actor="test", now=now, confirmed=said)


def units(tenant_id: UUID | None, at: datetime | None = None) -> dict[str, int]:
    table = current_table(tenant_id, at or clock.now())
    return {quality: row.unit for (_, _, quality), row in table.rows.items()}


def assign(tenant: UUID, to: PriceList | None) -> PriceListAssignment | None:
    return assign_price_list(tenant_id=tenant, price_list=to, actor="test", now=clock.now())


@pytest.fixture
def everyones(db):
    return publish({"low": 100, "medium": 400, "high": 1_600})


@pytest.fixture
def resellers(db):
    return create_price_list(name="Resellers", actor="test")


@pytest.fixture
def soon():
    return clock.now() + timedelta(hours=1)


def test_each_layer_lies_over_the_one_below_row_by_row(acme, other, everyones, resellers):
    shared = publish({"low": 90, "medium": 360}, owner=resellers.id, markup="1.5", name="resellers")
    own = publish({"medium": 350}, owner=acme.id, name="acme")

    assign(acme.id, resellers)

    assert units(acme.id) == {"low": 135, "medium": 350, "high": 1_600}
    assert units(other.id) == units(None) == {"low": 100, "medium": 400, "high": 1_600}
    assert current_table(acme.id, clock.now()).books == (everyones.id, shared.id, own.id)


def test_a_shared_list_lies_over_everyones_prices(acme, everyones, resellers):
    publish({"low": 90}, owner=resellers.id)
    assign(acme.id, resellers)

    assert units(acme.id) == {"low": 90, "medium": 400, "high": 1_600}
    assert units(resellers.id) == {"low": 90, "medium": 400, "high": 1_600}


def test_a_list_without_a_book_in_force_changes_nothing_until_it_has_one(
    acme, everyones, resellers, soon, django_assert_num_queries
):
    assign(acme.id, resellers)
    publish({"low": 90}, owner=resellers.id, begins=soon)
    publish({"low": 80}, owner=acme.id, begins=soon + timedelta(hours=1))

    with django_assert_num_queries(2):
        tables = price_tables(acme.id, clock.now())

    assert [begins for begins, _ in tables[1:]] == [soon, soon + timedelta(hours=1)]
    assert [table.rows[MODEL, SIZE, "low"].unit for _, table in tables] == [100, 90, 80]
    assert len(price_tables(None, clock.now())) == 1


def test_an_override_that_is_gone_falls_back_to_the_list(acme, everyones, resellers):
    publish({"low": 90}, owner=resellers.id)
    publish({"low": 80, "high": 1_500}, owner=acme.id, name="acme")
    assign(acme.id, resellers)

    publish({"high": 1_500}, owner=acme.id, name="acme")

    assert units(acme.id) == {"low": 90, "medium": 400, "high": 1_500}


def test_without_a_list_everyones_prices_hold_again(acme, everyones, resellers):
    publish({"low": 90}, owner=resellers.id)
    assign(acme.id, resellers)
    assert list_of(acme.id) == resellers

    assign(acme.id, None)

    assert units(acme.id)["low"] == 100
    assert list_of(acme.id) is None
    assert [one.price_list for one in list_history(acme.id)] == [None, resellers]


def test_a_hold_under_a_list_is_settled_by_that_list(acme, everyones, resellers):
    publish({"low": 90}, owner=resellers.id)
    assign(acme.id, resellers)
    held = table_to_charge(acme.id, clock.now())

    assign(acme.id, None)

    assert table_of(held.books).rows[MODEL, SIZE, "low"].unit == 90


def test_processes_learn_of_an_assignment_by_the_configurations_revision(acme, resellers):
    before = config_revision()

    assign(acme.id, resellers)

    assert config_revision() != before


def test_an_assignment_made_twice_is_made_once(acme, resellers):
    assert assign(acme.id, resellers) is not None
    revision = config_revision()

    assert assign(acme.id, resellers) is None

    assert config_revision() == revision
    assert PriceListAssignment.objects.count() == 1
    assert AuditEvent.objects.filter(action="price_list.assign").count() == 1


def test_a_lists_book_is_restored_and_withdrawn_as_any_other(acme, everyones, resellers, soon):
    first = publish({"low": 90}, owner=resellers.id, name="resellers")
    publish({"low": 95}, owner=resellers.id, name="resellers")
    assign(acme.id, resellers)
    assert units(acme.id)["low"] == 95

    again = restore_price_book(book=first, actor="test", now=clock.now())
    later = publish({"low": 99}, owner=resellers.id, begins=soon, name="resellers")
    assert units(acme.id, soon)["low"] == 99
    withdrawal = withdraw_price_book(book=later, actor="test")

    assert (again.tenant_id, again.version) == (resellers.id, 3)
    assert units(acme.id, soon)["low"] == 90
    assert withdrawals(acme.id, clock.now()) == [withdrawal]
    assert withdrawals(None, clock.now()) == []
    assert book_in_force(resellers.id, soon) == again
    assert ledger_findings() == []


def test_a_lists_book_changes_what_lies_below_it_and_not_what_lies_above(
    acme, everyones, resellers
):
    publish({"low": 50}, owner=acme.id, name="acme")
    assign(acme.id, resellers)

    book = publish({"low": 90}, owner=resellers.id, name="resellers")
    own = draft_price_book(
        name="acme",
        rows=[BookRow(MODEL, SIZE, "low", Micros(80), 1024, 1024)],
        effective_from=clock.now(),
        tenant_id=acme.id,
        actor="test",
    )

    assert [str(change) for change in price_changes(book, clock.now())] == []
    assert [str(change) for change in price_changes(own, clock.now())] == [
        "gpt-image-2 1024x1024 low: 0.000050 USD -> 0.000080 USD"
    ]


def test_each_book_tells_how_many_tenants_it_moves(acme, other, everyones, resellers):
    assign(acme.id, resellers)
    assign(other.id, resellers)
    shared = publish({"low": 90}, owner=resellers.id, name="resellers")
    own = publish({"low": 80}, owner=acme.id, name="acme")

    assert [moved_by(one) for one in (everyones, shared, own)] == [2, 2, 1]
    assert [whose(one) for one in (everyones, shared, own)] == [
        "everyone",
        "tenants on Resellers",
        "acme",
    ]
    (listed,) = price_lists(clock.now())
    assert listed == (resellers, 2, shared, 1, 0)


def test_tables_in_force_are_those_of_each_tenant_with_other_prices(
    acme, other, everyones, resellers
):
    publish({"low": 90}, owner=resellers.id, name="resellers")
    for tenant in (acme, other):
        assign(tenant.id, resellers)
    publish({"low": 80}, owner=acme.id, name="acme")

    tables = tables_in_force(clock.now())

    low = {owner: table.rows[MODEL, SIZE, "low"].unit for owner, table in tables.items()}
    assert low == {None: 100, acme.id: 80, other.id: 90}
    books = {owner: current_table(owner, clock.now()).books for owner in tables}
    assert {owner: table.books for owner, table in tables.items()} == books


def test_a_withdrawal_before_the_assignment_is_not_told_to_the_tenant(
    acme, everyones, resellers, soon
):
    later = publish({"low": 99}, owner=resellers.id, begins=soon)
    withdraw_price_book(book=later, actor="test")

    PriceListAssignment.objects.create(
        tenant=acme.tenant, price_list=resellers, since=clock.now() + timedelta(seconds=1)
    )

    assert withdrawals(acme.id, clock.now()) == []


def test_every_book_is_told_with_the_name_of_its_list(acme, everyones, resellers):
    publish({"low": 90}, owner=resellers.id, name="partners")
    publish({"low": 80}, owner=acme.id, name="acme")

    told = {
        book.name: (book.list_name, book.state, book.tenant) for book in price_books(clock.now())
    }

    assert told == {
        "standard": (None, "current", None),
        "partners": ("Resellers", "current", None),
        "acme": (None, "current", Tenant.objects.get(id=acme.id)),
    }


# --- stops of an assignment ---------------------------------------------------------------------


def test_the_assignment_is_audited_and_its_tenant_reads_it(acme, resellers):
    made = assign_price_list(
        tenant_id=acme.id, price_list=resellers, actor="test", now=clock.now(), ip="192.0.2.7"
    )

    event = AuditEvent.objects.get(action="price_list.assign")
    assert (event.actor_name, event.ip, event.tenant_id) == ("test", "192.0.2.7", acme.id)
    assert event.before == {"price_list": None}
    assert made is not None
    assert event.after == {
        "price_list": "Resellers",
        "list": str(resellers.id),
        "assignment": made.id,
        "since": made.since.isoformat(),
    }
    assert [one.action for one in audit_page(acme.id, action="price_list", limit=9)] == [
        "price_list.assign"
    ]


@pytest.mark.parametrize("name", ["Resellers", " rESELLERS ", "Re\0sellers"])
def test_no_two_lists_are_called_the_same(resellers, name):
    with pytest.raises(ValidationError, match="a list named"):
        create_price_list(name=name, actor="test")

    assert PriceList.objects.count() == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\0"])
def test_an_unusable_name_makes_no_list(db, name):
    with pytest.raises(ValidationError):
        create_price_list(name=name, actor="test")

    assert not PriceList.objects.exists()


def test_a_book_has_an_owner_that_is_there(db):
    with pytest.raises(ValidationError, match="no such tenant"):
        draft_price_book(
            name="lost", effective_from=clock.now(), tenant_id=ids.new_uuid(), actor="test"
        )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_pricelistassignment SET price_list_id = NULL",
        "DELETE FROM billing_pricelistassignment",
    ],
)
def test_the_database_itself_refuses_to_change_assignments(acme, resellers, sql):
    assign(acme.id, resellers)

    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_pricelistassignment DISABLE TRIGGER USER")
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            """INSERT INTO billing_pricelistassignment (tenant_id, price_list_id)
               SELECT tenant_id, NULL FROM billing_pricelistassignment""",
            "was never audited",
        ),
        ("DELETE FROM billing_pricelistassignment", "was made and is gone"),
        (
            "UPDATE billing_pricelistassignment SET price_list_id = NULL",
            "is not what the audit log says",
        ),
        (
            "UPDATE billing_pricelistassignment SET since = since - interval '1 s'",
            "is not what the audit log says",
        ),
    ],
)
def test_an_assignment_that_is_not_as_it_was_is_found(acme, resellers, sql, message):
    assign(acme.id, resellers)
    assert ledger_findings() == []

    tamper(sql)

    assert message in [finding.message for finding in ledger_findings()]


def test_a_book_of_nobody_is_found(everyones):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE billing_pricebook DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_pricebook SET tenant_id = gen_random_uuid()")

    assert "belongs to nobody" in [finding.message for finding in ledger_findings()]


# --- two at once --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_assignments_at_once_are_all_recorded_and_the_last_one_holds(acme, pool, resellers):
    partners = create_price_list(name="Partners", actor="test")

    at_once = [
        pool.submit(alone, lambda one=one: assign(acme.id, one))
        for one in (resellers, partners, resellers, partners)
    ]
    made = [one.result(20) for one in at_once]

    rows = list(PriceListAssignment.objects.order_by("id"))
    assert [row.id for row in rows] == sorted(one.id for one in made if one is not None)
    assert all(one.price_list_id != two.price_list_id for one, two in pairwise(rows))
    assert list_of(acme.id) == rows[-1].price_list
    assert ledger_findings() == []
