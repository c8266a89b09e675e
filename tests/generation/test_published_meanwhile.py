"""Prices published between a request and its end never raise the charge above the hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from billing.models import PriceBook
from billing.price_stops import Confirmed, Stops
from billing.pricing import PricedRequest
from billing.selectors import current_table, rows_of, table_of
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.price_lists import list_of
from billing.selectors.office.price_stops import assignment_of, stops_of, stops_of_withdrawal
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from generation.channels.base import TokenUsage
from generation.lifecycle.settlement import bill_of, settle_and_tell
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import (
    PayingCustomer,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)
from tests.making.seeds import sow

MODELS = ("gpt-image-2", "gpt-image-2-auto", "gpt-image-1")
CAME = ((1024, 1024), (1024, 1536), (512, 512), (1000, 900), (2880, 2880))


@pytest.fixture
def acme(db: None) -> PayingCustomer:
    sow()
    make_channel("one", *MODELS, cost_micros=None)
    return PayingCustomer("acme", balance=10**10)


def agreed(stops: Stops) -> Confirmed:
    """Every confirmation that has to be typed."""
    return Confirmed("so be it", stops.number_of_changes, stops.number_below_cost)


def scheduled_or_now(draw: Random, owner: Any) -> PriceBook:
    """Everyone's rows at other prices, published now or for tomorrow, and confirmed."""
    first = PriceBook.objects.order_by("id").first()
    times = draw.choice(["0.1", "0.9", "1.3", "10"])
    rows = [replace(row, micros=Micros(max(1, row.micros // 2))) for row in rows_of(first)]
    book = draft_price_book(
        name=f"of {owner}",
        rows=rows,
        markup=Decimal(times),
        effective_from=clock.now(),
        tenant_id=owner,
        actor="test",
    )
    now = clock.now()
    if draw.random() < 0.3:
        book.effective_from = now + timedelta(days=1)
    return publish_price_book(
        book=book,
        actor="test",
        now=now,
        begins=max(now, book.effective_from),
        confirmed=agreed(stops_of(book, now)),
    )


def happenings(acme: PayingCustomer) -> list[Callable[[Random], object]]:
    """Price decisions that may happen meanwhile."""
    shared = create_price_list(name="Resellers", actor="test")

    def taken_back(_: Random) -> None:
        later = PriceBook.objects.filter(effective_from__gt=clock.now(), withdrawal=None).first()
        if later:
            stops = stops_of_withdrawal(later, clock.now())
            withdraw_price_book(book=later, actor="test", confirmed=agreed(stops))

    def put_back(_: Random) -> None:
        first = PriceBook.objects.order_by("id").first()
        assert first
        now = clock.now()
        confirmed = agreed(stops_of(first, now))
        restore_price_book(book=first, actor="test", now=now, confirmed=confirmed)

    def assigned(draw: Random) -> None:
        chosen, now = draw.choice([shared, None]), clock.now()
        former, named = list_of(acme.id), chosen.id if chosen else None
        had = former.id if former else None
        _, stops = assignment_of(tenant_id=acme.id, former=had, price_list=named, now=now)
        assign_price_list(
            tenant_id=acme.id, price_list=chosen, actor="test", now=now, confirmed=agreed(stops)
        )

    return [
        lambda draw: scheduled_or_now(draw, None),
        lambda draw: scheduled_or_now(draw, acme.id),
        lambda draw: scheduled_or_now(draw, shared.id),
        taken_back,
        put_back,
        assigned,
        lambda _: None,
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_charge_never_exceeds_the_hold(acme, spools, seed):
    draw = Random(seed)  # noqa: S311 - no secret
    happens = happenings(acme)
    held, changed = [], 0
    for _ in range(40):
        model = draw.choice(MODELS)
        n = draw.randint(1, 3)
        size = "auto" if model == "gpt-image-2-auto" else draw.choice(["1024x1024", "1024x1536"])
        quality = draw.choice(["auto", "low", "high"])
        before = current_table(acme.id, clock.now())
        made = acme.generation(model=model, n=n, size=size, quality=quality)
        claim = take(generation_id=made.id, worker=make_worker())  # its lease is fresh
        assert claim is not None
        draw.choice(happens)(draw)
        changed += current_table(acme.id, clock.now()).books != before.books
        tokens = draw.choice([0, 300, 9_000])
        delivery = make_delivery(
            claim,
            spools,
            sizes=[draw.choice(CAME) for _ in range(draw.randint(1, n))],
            quality=draw.choice([None, "low", "high"]),
            usage=TokenUsage(10, tokens, 10 + tokens),
        )
        stored = stored_images(claim, delivery)
        settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
        ended = Generation.objects.get(id=made.id)
        asked = PricedRequest.from_json(ended.priced)
        due = bill_of(ended, delivery, table_of(asked.books))
        held.append((ended.captured_micros, due.total, ended.held_micros, asked.books))

    assert changed > 5
    assert [one for one in held if one[0] != one[1] or one[0] > one[2]] == []
    assert len({books for *_, books in held}) > 5
    assert ledger_findings() == []


def test_a_quote_binds_no_later_request(acme):
    """A quote shows the price now; a later request is held at the price of its own time."""
    table = current_table(acme.id, clock.now())
    said = table.rows["gpt-image-2", "1024x1024", "low"].unit
    dearer = draft_price_book(
        name="list", markup=Decimal("1.2"), effective_from=clock.now(), actor="test"
    )
    publish_price_book(book=dearer, actor="test", now=clock.now())

    made = acme.generation(model="gpt-image-2", size="1024x1024", quality="low", n=1)

    assert (said, made.held_micros) == (5_880, 7_056)
    assert PricedRequest.from_json(made.priced).books == (dearer.id,)
