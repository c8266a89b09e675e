"""A change above 50 % on a sold price needs a reason and the number of such changes typed."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import ApiKey, AuditEvent
from billing.models import PriceBook
from billing.price_rows import BookRow
from billing.price_stops import Confirmed
from billing.selectors import book_in_force
from billing.services import Usage, record_usage
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.billing.conftest import LedgerCustomer, alone, waits_for_a_lock
from tests.stack.stack_processes import until

pytestmark = pytest.mark.django_db

MODEL = "gpt-image-2"


def sell(
    customer: LedgerCustomer, *, days_ago: float = 0, micros: int = 5_880, model: str = MODEL
) -> None:
    record_usage(
        Usage(
            tenant_id=customer.id,
            key_id=customer.key.id,
            model=model,
            tier="1K",
            channel="one",
            status="succeeded" if micros else "failed",
            at=clock.now() - timedelta(days=days_ago),
            images=1 if micros else 0,
            captured=Micros(micros),
            took=None,
        )
    )


def draft(
    low: int,
    medium: int = 2_000,
    *,
    begins: datetime | None = None,
    tenant_id: UUID | None = None,
    markup: str = "1",
) -> PriceBook:
    rows = [
        BookRow(MODEL, "1024x1024", quality, Micros(micros), 1024, 1024)
        for quality, micros in (("low", low), ("medium", medium))
    ]
    return draft_price_book(
        name="list" if tenant_id is None else "own",
        rows=rows,
        effective_from=begins or clock.now(),
        markup=Decimal(markup),
        tenant_id=tenant_id,
        actor="test",
    )


def publish(book: PriceBook, **confirmed: Any) -> PriceBook:
    said = Confirmed(**confirmed)
    return publish_price_book(book=book, actor="test", now=clock.now(), confirmed=said)


@pytest.fixture
def priced(acme):
    """Prices of 1,000 and 2,000 micros; acme bought an image of that model."""
    publish(draft(1_000))
    sell(acme)


@pytest.mark.parametrize("low", [100_000, 1_501, 499, 10])
@pytest.mark.parametrize(
    "confirmed",
    [{}, {"reason": "why"}, {"changes": 1}, {"reason": " ", "changes": 1}],
    ids=["nothing", "no number", "no reason", "a blank reason"],
)
def test_a_large_change_is_stopped_without_a_reason_and_the_number(priced, low, confirmed):
    book = draft(low)

    with pytest.raises(ValidationError, match="It needs a reason, and the number of changed"):
        publish(book, **confirmed)

    assert PriceBook.objects.get(id=book.id).published_at is None


def test_the_refusal_counts_the_changes_and_names_the_large_ones(priced):
    with pytest.raises(ValidationError) as refused:
        publish(draft(10_000, 2_100), reason="a new list", changes=1)

    assert " ".join(refused.value.messages) == (
        "changed prices: 2; by more than 50 % on models that sold in the last 30 days: 1,"
        " gpt-image-2 1024x1024 low: 0.001000 USD -> 0.010000 USD."
        " 1 is not the number of changed prices."
    )


def test_a_confirmed_change_is_published_and_only_the_operator_sees_the_reason(priced):
    book = publish(draft(10_000, 2_100), reason=" vendor's new list ", changes=2)

    assert book_in_force(None, clock.now()) == book
    event = AuditEvent.objects.get(action="price_book.confirm")
    assert event.after == {
        "reason": "vendor's new list", "changes": 2, "large": 1, "below_cost": 0,
    }  # fmt: skip
    assert event.tenant is None


@pytest.mark.parametrize(("low", "medium"), [(1_500, 3_000), (500, 1_000), (1_000, 2_000)])
def test_up_to_50_percent_passes_unasked(priced, low, medium):
    assert publish(draft(low, medium)).published_at is not None


def test_a_markup_is_part_of_the_price(priced):
    with pytest.raises(ValidationError, match=re.escape("0.001000 USD -> 0.003000 USD")):
        publish(draft(1_000, markup="3"))


def test_a_scheduled_book_is_judged_by_what_it_takes_over_from(priced):
    tomorrow = clock.now() + timedelta(days=1)
    publish(draft(1_500, begins=tomorrow))

    assert publish(draft(2_250, begins=tomorrow + timedelta(days=1))).version == 3
    with pytest.raises(ValidationError, match=re.escape("0.001000 USD -> 0.002250 USD")):
        publish(draft(2_250, begins=tomorrow - timedelta(hours=1)))


def test_a_tenants_own_book_and_one_that_is_restored_are_stopped_too(priced, acme, other):
    publish(draft(10_000), reason="a mistake", changes=1)
    first = PriceBook.objects.get(version=1)

    with pytest.raises(ValidationError, match=re.escape("0.010000 USD -> 0.001000 USD")):
        restore_price_book(book=first, actor="test", now=clock.now())
    with pytest.raises(ValidationError, match=re.escape("0.010000 USD -> 0.100000 USD")):
        publish(draft(100_000, tenant_id=other.id))
    said = Confirmed("put right", changes=1)
    again = restore_price_book(book=first, actor="test", now=clock.now(), confirmed=said)

    assert PriceBook.objects.filter(name="list").count() == 3
    assert book_in_force(None, clock.now()) == again


def test_the_first_book_is_not_stopped(acme):
    sell(acme)

    assert publish(draft(100_000)).published_at is not None


@pytest.mark.parametrize(
    "sold",
    [{"model": "dall-e-3"}, {"micros": 0}, {"days_ago": 31}],
    ids=["another model", "for nothing", "long ago"],
)
def test_a_model_that_did_not_sell_is_not_stopped(acme, sold):
    publish(draft(1_000))
    sell(acme, **sold)

    assert publish(draft(100_000)).published_at is not None


def test_a_model_that_only_demo_data_bought_is_not_stopped(acme):
    made_at = clock.now() - timedelta(days=60)  # demo keys are dated earlier than their ids
    ApiKey.objects.filter(id=acme.key.id).update(created_at=made_at)
    publish(draft(1_000))
    sell(acme)

    assert publish(draft(100_000)).published_at is not None


def test_a_model_that_sold_29_days_ago_is(acme):
    publish(draft(1_000))
    sell(acme, days_ago=29)

    with pytest.raises(ValidationError, match="changed prices: 1;"):
        publish(draft(100_000))


@pytest.fixture
def three(priced):
    """Books at 1,000 now, 1,400 from tomorrow, 2,000 the day after: no step is large."""
    tomorrow = clock.now() + timedelta(days=1)
    return [
        publish(draft(low, begins=tomorrow + timedelta(days=days)))
        for days, low in ((0, 1_400), (1, 2_000))
    ]


def test_a_withdrawal_is_stopped_by_what_the_next_book_then_changes(three):
    between, last = three

    with pytest.raises(ValidationError) as refused:
        withdraw_price_book(book=between, actor="test")
    unharmed = book_in_force(None, last.effective_from - timedelta(hours=1))
    said = Confirmed("a mistake", changes=1)
    withdraw_price_book(book=between, actor="test", confirmed=said)

    assert unharmed == between
    assert " ".join(refused.value.messages) == (
        f"list:3 at {last.effective_from.isoformat()} then comes with changed prices: 1; by more"
        " than 50 % on models that sold in the last 30 days: 1, gpt-image-2 1024x1024 low:"
        " 0.001000 USD -> 0.002000 USD. It needs a reason, and the number of changed prices."
    )
    event = AuditEvent.objects.get(action="price_book.confirm")
    assert (event.after or {})["reason"] == "a mistake"


def test_the_last_of_them_is_withdrawn_unasked(three):
    assert withdraw_price_book(book=three[1], actor="test").book == three[1]


def test_a_withdrawal_needs_no_second_confirmation_of_the_next_books_changes(priced):
    later = clock.now() + timedelta(days=2)
    publish(draft(1_000, 4_000, begins=later), reason="a new list", changes=1)
    between = publish(draft(1_100, begins=later - timedelta(days=1)))

    assert withdraw_price_book(book=between, actor="test").book == between


def test_a_book_is_stopped_by_what_the_next_then_changes(priced):
    later = clock.now() + timedelta(days=2)
    publish(draft(1_400, begins=later))

    with pytest.raises(
        ValidationError, match=r"list:2 at .* low: 0[.]000900 USD -> 0[.]001400 USD"
    ):
        publish(draft(900))

    assert publish(draft(900), reason="a promotion", changes=1).published_at is not None


def test_a_tenants_own_withdrawal_is_stopped_and_its_reason_is_the_operators(priced, acme):
    tomorrow = clock.now() + timedelta(days=1)
    between = publish(draft(1_400, begins=tomorrow, tenant_id=acme.id))
    publish(draft(2_000, begins=tomorrow + timedelta(days=1), tenant_id=acme.id))

    with pytest.raises(ValidationError, match=r"own:2 at .* low: 0[.]001000 USD -> 0[.]002000 USD"):
        withdraw_price_book(book=between, actor="test")
    said = Confirmed("a mistake", changes=1)
    withdraw_price_book(book=between, actor="test", confirmed=said)

    assert AuditEvent.objects.get(action="price_book.confirm").tenant is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("patient_connections")
def test_the_second_of_two_at_once_is_judged_by_the_first(priced, pool):
    dearer, cheaper = draft(1_400), draft(600)  # of 1,000 each less than 50 %
    is_published, may_commit = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            publish(dearer)
            is_published.set()
            assert may_commit.wait(20)

    one = pool.submit(alone, first)
    assert is_published.wait(20)
    other = pool.submit(alone, lambda: publish(cheaper))
    until(waits_for_a_lock)
    may_commit.set()

    one.result(20)
    with pytest.raises(ValidationError, match=re.escape("0.001400 USD -> 0.000600 USD")):
        other.result(20)
