"""Price books: drafted, published, final; and the prices in force for each tenant."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.audit_log import audit_page
from accounts.models import AuditEvent
from accounts.selectors import config_revision
from billing.models import Price, PriceBook
from billing.pixel_prices import by_megapixels
from billing.price_rows import BookRow, row_by
from billing.pricing import PriceTable, quote
from billing.selectors import current_table, known_table_of, table_of
from billing.selectors.office.price_stops import outlook_of
from billing.selectors.office.published import price_findings
from billing.services.office.prices import (
    change_price_book,
    draft_price_book,
    publish_price_book,
    set_prices,
)
from billing.services.office.repricing import undo_prices
from generation.catalogue.services import shipped
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def row(micros: int, size: str = "1024x1024") -> BookRow:
    width, height = (int(side) for side in size.split("x"))
    return BookRow("gpt-image-2", size, "low", Micros(micros), width, height)


def publish(
    rows: list[BookRow],
    now: datetime,
    *,
    effective_from: datetime | None = None,
    tenant_id: UUID | None = None,
    markup: str = "1",
    name: str = "standard",
) -> PriceBook:
    book = draft_price_book(
        name=name,
        rows=rows,
        effective_from=effective_from or now,
        tenant_id=tenant_id,
        markup=Decimal(markup),
        actor="test",
    )
    return publish_price_book(book=book, actor="test", now=now)


def set_markup(book: PriceBook, markup: str) -> None:
    change_price_book(
        book=book,
        effective_from=book.effective_from,
        markup=Decimal(markup),
        tenant_id=None,
        actor="test",
    )


def unit(table: PriceTable, size: str = "1024x1024") -> int:
    return quote(table, model="gpt-image-2", size=size, quality="low", n=1).unit


def test_the_seeded_book_prices_a_request(now):
    publish([*shipped("gpt-image-2").prices], now)

    table = current_table(None, now)

    assert unit(table) == 5_880
    assert table.rows["gpt-image-2", "auto", "high"].kind == "formula"
    assert table.valid_until is None


def test_a_draft_is_not_in_force(now):
    draft_price_book(name="standard", rows=[row(1)], effective_from=now, actor="test")

    assert current_table(None, now).rows == {}


def test_a_hundred_prices_are_set_in_few_queries(now, django_assert_max_num_queries):
    book = draft_price_book(name="standard", rows=[row(9)], effective_from=now, actor="test")

    with django_assert_max_num_queries(10):
        set_prices(book=book, rows=[row(5, f"{side}x64") for side in range(1, 101)], actor="test")

    assert book.prices.filter(micros=5).count() == 100


def test_prices_are_checked_with_the_markup_that_another_person_set_meanwhile(now):
    book = draft_price_book(name="standard", rows=[row(9)], effective_from=now, actor="test")
    stale = PriceBook.objects.get()
    set_markup(book, "100")

    with pytest.raises(ValidationError, match="more than nine billion USD would be charged"):
        set_prices(book=stale, rows=[row(90_000_000_010_000)], actor="test")


def test_a_markup_replaces_the_one_that_another_person_set_meanwhile(now):
    book = draft_price_book(name="standard", rows=[row(9)], effective_from=now, actor="test")
    stale = PriceBook.objects.get()
    set_markup(book, "1.2")

    set_markup(stale, "1")

    event = AuditEvent.objects.filter(action="price_book.change").latest("id")
    assert PriceBook.objects.get().markup == 1
    assert (event.before, event.after) == (
        {**(event.after or {}), "markup": "1.2"},
        {**(event.before or {}), "markup": "1"},
    )


@pytest.mark.parametrize("invalid", [row(-1), row(1, "0x64"), row(1, "64x0")])
def test_a_price_below_nothing_or_without_pixels_is_refused(now, invalid):
    book = draft_price_book(name="standard", rows=[row(9)], effective_from=now, actor="test")

    with pytest.raises(ValidationError, match="greater than or equal to"):
        set_prices(book=book, rows=[invalid], actor="test")


def test_the_latest_effective_book_is_in_force_and_says_how_long(now):
    tomorrow = now + timedelta(days=1)
    publish([row(100)], now)
    publish([row(200)], now, effective_from=tomorrow)

    assert unit(current_table(None, now)) == 100
    assert current_table(None, now).valid_until == tomorrow
    assert unit(current_table(None, tomorrow)) == 200
    assert current_table(None, tomorrow).valid_until is None


def test_a_tenant_reads_of_its_prices_once_they_are_published(acme, now):
    publish([row(50)], now, tenant_id=acme.id, name="acme")

    events = audit_page(acme.id, action="price_book", limit=9)

    assert [event.action for event in events] == ["price_book.publish"]


def test_a_tenants_own_book_overrides_row_by_row_with_its_own_markup(acme, other, now):
    publish([row(100), row(300, "1024x1536")], now, markup="2")
    publish([row(50)], now, tenant_id=acme.id, name="acme", markup="1.5")

    own, everyones = current_table(acme.id, now), current_table(other.id, now)

    assert (unit(own), unit(own, "1024x1536")) == (75, 600)
    assert (unit(everyones), unit(everyones, "1024x1536")) == (200, 600)
    assert len(own.books) == 2


def test_a_request_is_settled_at_the_books_it_was_quoted_from(acme, now):
    publish([row(100)], now)
    publish([row(50)], now, tenant_id=acme.id, name="acme")
    quoted_from = current_table(acme.id, now)
    publish([row(999)], now)

    assert unit(table_of(quoted_from.books)) == 50
    assert table_of(quoted_from.books).books == quoted_from.books


def test_tables_that_are_known_ask_no_database_and_are_bounded(
    now, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("billing.selectors.prices.MAX_TABLES", 2)
    books = [(publish([row(unit)], now).id,) for unit in (100, 200, 300)]

    known = [(known_table_of(one), table_of(one)) for one in books]

    assert [before for before, _ in known] == [None, None, None]
    with django_assert_num_queries(0):
        assert known_table_of(books[2]) is table_of(books[2])
    assert known_table_of(books[0]) is None
    assert unit(table_of(books[0])) == 100


def test_an_unpublished_book_settles_nothing(now):
    draft = draft_price_book(name="standard", rows=[row(1)], effective_from=now, actor="test")

    with pytest.raises(LookupError):
        table_of((draft.id,))
    with pytest.raises(LookupError):
        table_of((draft.id + 1,))


def test_reading_prices_takes_two_queries_however_many_there_are(now, django_assert_num_queries):
    publish([*shipped("gpt-image-2").prices], now)

    with django_assert_num_queries(2):  # the published books; the prices of those in force
        current_table(None, now)


def test_versions_count_up_and_publishing_is_audited(now):
    publish([row(1)], now)
    second = publish([row(2)], now)

    after = AuditEvent.objects.filter(action="price_book.publish").latest("id").after or {}
    assert second.version == 2
    assert (after["version"], after["prices"]) == (2, 1)


def test_a_book_is_published_once_and_not_empty(now):
    book = publish([row(1)], now)
    empty = draft_price_book(name="empty", rows=[], effective_from=now, actor="test")

    with pytest.raises(ValidationError, match="already"):
        publish_price_book(book=book, actor="test", now=now)
    with pytest.raises(ValidationError, match="no prices"):
        publish_price_book(book=empty, actor="test", now=now)


def test_prices_by_pixels_are_published_proved_and_undone(now):
    terms = by_megapixels([Micros(30_000), Micros(15_000)])
    flux = row_by(BookRow("flux", "any", "default", Micros(0), 1024, 1024), terms)
    draft = draft_price_book(name="standard", rows=[flux], effective_from=now, actor="test")
    set_prices(book=draft, rows=[BookRow(*flux.key, Micros(1), 1024, 1024)], actor="test")
    undo_prices(book=draft, actor="test")

    book = publish_price_book(book=draft, actor="test", now=now)

    table = table_of((book.id,))
    assert quote(table, model="flux", size="2048x2048", quality="default", n=1).unit == 75_000
    assert price_findings() == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_price DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_price SET terms = NULL")
    assert [finding.message for finding in price_findings()] == ["is not what was published"]


def test_a_review_is_of_every_amount_of_a_price(now):
    terms = by_megapixels([Micros(30_000), Micros(15_000)])
    dearer = by_megapixels([Micros(30_000), Micros(90_000)])
    flux = row_by(BookRow("flux", "any", "default", Micros(0), 1024, 1024), terms)
    draft = draft_price_book(name="standard", rows=[flux], effective_from=now, actor="test")
    seen = outlook_of(draft, now)

    set_prices(book=draft, rows=[row_by(flux, dearer)], actor="test")

    with pytest.raises(ValidationError, match="prices have changed since these were shown"):
        publish_price_book(book=draft, actor="test", now=now, seen=seen)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_price SET micros = 0",
        "DELETE FROM billing_price",
        "UPDATE billing_pricebook SET markup = 0",
        "UPDATE billing_pricebook SET published_at = NULL",
        "DELETE FROM billing_pricebook",
        """INSERT INTO billing_price (book_id, model, size, quality, micros, kind, width, height)
           SELECT id, 'm', 'auto', 'low', 1, 'fixed', 1, 1 FROM billing_pricebook""",
    ],
)
def test_a_published_book_cannot_be_changed(now, sql):
    publish([row(1)], now)

    with (
        pytest.raises(IntegrityError, match="published and final"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_a_draft_can_be_changed_and_deleted(now):
    book = draft_price_book(name="standard", rows=[row(1)], effective_from=now, actor="test")

    Price.objects.filter(book=book).update(micros=2)
    book.delete()

    assert not PriceBook.objects.exists()


def test_every_change_of_prices_changes_the_revision(now):
    seen = [config_revision()]
    book = draft_price_book(name="standard", rows=[row(1)], effective_from=now, actor="test")
    seen.append(config_revision())
    Price.objects.filter(book=book).update(micros=2)
    seen.append(config_revision())
    publish_price_book(book=book, actor="test", now=now)
    seen.append(config_revision())

    assert len(set(seen)) == 4
