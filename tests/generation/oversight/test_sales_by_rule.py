"""Sales in sizes by a rule: one price row, whole megapixels."""

from datetime import timedelta
from typing import Any

import pytest

from billing.models import PriceBook, SoldDay
from billing.pixel_prices import by_megapixels
from billing.price_rows import BookRow, row_by
from billing.selectors.office import sold as waiting
from billing.services.office.prices import draft_price_book
from generation.lifecycle.attempts import cut_off
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.models import Channel, Contract
from generation.oversight.daily_sales import add_sold, rebuild
from generation.oversight.ledger.sold import findings_of_sold
from pictor.kit.bytes.spool import Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, begun, make_delivery, stored_images, take

RULE = {
    "step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1, "max_pixels": 4_194_304,
    "max_ratio": 3,
}  # fmt: skip


@pytest.fixture
def sell(
    acme: PayingCustomer, worker: WorkerEpoch, spools: Spools, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Deliver images in a size by the rule, and count them at once."""
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)
    Contract.objects.filter(pk=ORIGIN).update(size_rule=RULE)
    then = clock.now() - timedelta(minutes=1)
    terms = by_megapixels([Micros(30_000), Micros(15_000)])
    in_force = draft_price_book(
        name="list",
        rows=[
            row_by(BookRow(ORIGIN, "any", "medium", Micros(0), 1024, 1024), terms),
            BookRow(ORIGIN, "1024x1024", "medium", Micros(30_000), 1024, 1024),
        ],
        effective_from=then,
        actor="test",
    )
    PriceBook.objects.filter(id=in_force.id).update(published_at=then)

    def sold(*came: tuple[int, int], **fields: Any) -> None:
        made = acme.generation(quality="medium", **{"size": "1008x1344", **fields})
        claim = take(generation_id=made.id, worker=worker)
        assert claim is not None
        delivery = make_delivery(claim, spools, sizes=came)
        stored = stored_images(claim, delivery)
        settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
        add_sold()

    return sold


def rows(*columns: str) -> list[tuple[Any, ...]]:
    return list(SoldDay.objects.order_by("asked", "delivered").values_list(*columns))


def test_they_are_counted_in_one_row_by_whole_megapixel(sell):
    sell((1008, 1344))
    sell((1344, 1008), size="1344x1008")
    sell((1024, 1024), (2048, 2048), n=2)
    sell((1024, 1024), size="1024x1024")

    assert rows("asked", "delivered", "images", "captured_micros") == [
        ("1024x1024", "1024x1024", 1, 30_000),
        ("any", "1mp", 1, 30_000),
        ("any", "2mp", 2, 90_000),
        ("any", "2mp+", 1, 45_000),
    ]
    assert (rebuild(), findings_of_sold()) == (0, [])


def test_a_loss_is_of_the_row_any(sell, acme, worker):
    made = acme.generation(size="1008x1344", quality="medium")
    claim = take(generation_id=made.id, worker=worker)
    assert claim is not None
    begun(claim, Channel.objects.get())
    fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    cut_off(generation_ids=[claim.generation.id], now=clock.now())
    add_sold()

    assert rows("asked", "delivered", "quality", "losses_micros") == [("any", "", "medium", 30_000)]
    assert (rebuild(), findings_of_sold()) == (0, [])
