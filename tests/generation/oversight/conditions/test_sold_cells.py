"""Cells sold below cost or at an unknown cost: each condition opens and ends."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from billing.models import PriceBook, SoldDay
from billing.price_rows import BookRow
from billing.selectors.office import sold as waiting
from billing.services.office.prices import draft_price_book
from billing.upstream_cost import CostRow
from generation.catalogue.services import set_costs
from generation.channels.base import TokenUsage
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Channel, Condition, Contract, Route
from generation.oversight.daily_sales import add_sold
from pictor.kit.bytes.spool import Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import (
    ORIGIN,
    PayingCustomer,
    make_channel,
    make_delivery,
    stored_images,
    take,
)

CELL = f"{ORIGIN} 1024x1024 medium on one"
BELOW, UNKNOWN = ("sold_below_cost", CELL), ("cost_unknown", f"{ORIGIN} on one")


Sell = Callable[..., None]


@pytest.fixture
def sell(worker: WorkerEpoch, spools: Spools, monkeypatch: pytest.MonkeyPatch) -> Sell:
    """Deliver an image for 0.05268 USD that cost 0.03, and count it at once."""
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)

    def sold(
        customer: PayingCustomer, *, usage: TokenUsage | None = None, **fields: object
    ) -> None:
        made = customer.generation(**fields)
        claim = take(generation_id=made.id, worker=worker)
        assert claim is not None
        delivery = make_delivery(claim, spools, usage=usage)
        stored = stored_images(claim, delivery)
        settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
        add_sold()

    return sold


def flat_cost(micros: int | None) -> None:
    Route.objects.update(cost_micros=micros)


def price(micros: int, *, tenant_id: UUID | None = None, size: str = "1024x1024") -> None:
    """Put a book with only this price in force."""
    begun = clock.now() - timedelta(minutes=1)
    row = BookRow(ORIGIN, size, "medium", Micros(micros), 1024, 1024)
    book = draft_price_book(
        name="special" if tenant_id else "list",
        rows=[row],
        effective_from=begun,
        tenant_id=tenant_id,
        actor="test",
    )
    PriceBook.objects.filter(id=book.id).update(published_at=begun)


def costs(*rows: CostRow) -> None:
    channel = Channel.objects.get()
    set_costs(channel=channel, rows=rows, source="", actor="test", again=rows[0].micros)


def test_a_cell_whose_cost_rises_above_its_price(acme, sell, look):
    sell(acme)
    sell(acme)
    with_margin = look(0)

    flat_cost(60_000)

    assert with_margin == {}
    words = "sold at $0.05268, costs $0.060; 2 images since yesterday"
    assert look(1) == {BELOW: words}
    assert Condition.objects.exclude(kind="part_fails").get().micros == 14_640  # twice 7,320
    flat_cost(52_680)
    assert look(2) == {}


def test_a_cell_whose_price_falls_below_its_cost(acme, sell, look):
    sell(acme)

    price(29_999)

    assert look(0) == {BELOW: "sold at $0.029999, costs $0.030; 1 image since yesterday"}
    price(30_000)
    assert look(1) == {}


def test_a_price_of_one_tenant_is_a_condition_of_its_own(acme, other, sell, look):
    sell(acme)
    sell(other)

    price(20_000, tenant_id=other.id)

    words = "sold at $0.020, costs $0.030; 1 image since yesterday"
    assert look(0) == {("sold_below_cost", f"{CELL} for {other.tenant.public_id}"): words}
    flat_cost(60_000)
    assert set(look(1)) == {BELOW, ("sold_below_cost", f"{CELL} for {other.tenant.public_id}")}


@pytest.mark.parametrize(
    "end",
    [
        lambda: Channel.objects.update(is_enabled=False),
        lambda: Channel.objects.update(serves="both"),
        lambda: SoldDay.objects.update(day=clock.now().date() - timedelta(days=2)),
        lambda: SoldDay.objects.update(is_demo=True),
    ],
    ids=["not served any more", "a sandbox", "sold two days ago", "demo data"],
)
def test_a_cell_no_longer_sold_is_no_condition(acme, sell, look, end):
    sell(acme)
    flat_cost(60_000)
    look(0)

    end()

    assert BELOW not in look(1)


def test_midnight_ends_no_condition(acme, sell, look):
    sell(acme)
    flat_cost(60_000)
    look(0)
    since = Condition.objects.exclude(kind="part_fails").get().since

    assert BELOW in look(23 * 60)

    assert Condition.objects.get(kind=BELOW[0]).since == since


def test_a_table_of_costs_counts_from_its_date(acme, sell, look):
    sell(acme)
    tomorrow = clock.now() + timedelta(minutes=90)
    row = CostRow(ORIGIN, "1024x1024", "medium", Micros(70_000))
    set_costs(
        channel=Channel.objects.get(), rows=[row], source="", actor="test",
        effective_from=tomorrow, again=row.micros,
    )  # fmt: skip
    SoldDay.objects.update(day=tomorrow.date())

    today = look(0)

    assert BELOW not in today
    assert BELOW in look(91)


def test_a_channel_that_counts_tokens_costs_todays_mean(acme, sell, look):
    costs(CostRow(ORIGIN, "tokens", "output", Micros(30_000_000)))
    sell(acme, usage=TokenUsage(0, 1_000, 1_000))  # 0.03 USD
    in_time = look(1)

    sell(acme, usage=TokenUsage(0, 3_000, 3_000))  # 0.09 USD

    assert in_time == {}
    assert look(2) == {BELOW: "sold at $0.05268, costs $0.060; 2 images since yesterday"}
    price(60_000)
    assert look(3) == {}


def test_auto_costs_what_came_and_is_charged_so(acme, sell, look):
    channel = make_channel("two", "gpt-image-2")
    rows = [
        CostRow("gpt-image-2", "1024x1024", "medium", Micros(60_000)),
        CostRow("gpt-image-2", "any", "medium", Micros(1)),
    ]
    set_costs(channel=channel, rows=rows, source="", actor="test", again=Micros(60_000))

    sell(acme, model="gpt-image-2", size="auto")

    cell = "gpt-image-2 auto as 1024x1024 medium on two"
    words = "sold at $0.05268, costs $0.060; 1 image since yesterday"
    assert look(1) == {("sold_below_cost", cell): words}


def test_a_size_by_a_rule_costs_what_its_images_did(acme, sell, look):
    price(45_000, size="any")
    bounds = {"step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1}
    rule = {**bounds, "max_pixels": 4_194_304, "max_ratio": 3}
    Contract.objects.filter(pk=ORIGIN).update(size_rule=rule)
    sell(acme, size="1008x1344", quality="medium")
    with_margin = look(0)

    flat_cost(60_000)

    assert with_margin == {}
    cell = f"{ORIGIN} any as 1mp medium on one"
    words = "sold at $0.045, costs $0.060; 1 image since yesterday"
    assert look(1) == {("sold_below_cost", cell): words}
    flat_cost(None)  # the image cost 0.03 USD
    assert look(2) == {}
    SoldDay.objects.update(delivered="1mp+")  # what such an image is charged does not follow
    flat_cost(60_000)
    assert look(3) == {("sold_below_cost", f"{ORIGIN} any as 1mp+ medium on one"): words}


def test_a_cost_that_nobody_knows_with_traffic(acme, sell, look):
    flat_cost(None)
    nothing_sold = look(0)

    sell(acme)

    assert nothing_sold == {}
    words = "1 image since yesterday in 1 cell without a known cost, such as 1024x1024 medium"
    assert look(1) == {UNKNOWN: words}
    flat_cost(30_000)
    assert look(2) == {}


def test_tokens_that_an_upstream_did_not_count_have_no_known_cost(acme, sell, look):
    flat_cost(None)
    costs(CostRow(ORIGIN, "tokens", "output", Micros(30_000_000)))
    sell(acme, usage=TokenUsage(0, 1_000, 1_000))
    counted = look(1)

    sell(acme)

    assert counted == {}
    assert set(look(2)) == {UNKNOWN}
