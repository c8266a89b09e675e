"""On a real ledger, a book's what-if revenue is the sum over its requests."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from billing.models import PriceBook, PriceList, PriceListAssignment, SoldDay, Transfer
from billing.price_rows import BookRow
from billing.pricing import PricedRequest, quote
from billing.selectors import current_table, rows_of
from billing.selectors.office import sold as waiting
from billing.selectors.office.whatif import would_have_brought
from billing.services.office.accounts import refund
from billing.services.office.prices import draft_price_book
from billing.whatif import LeftOutReason
from generation.channels.base import TokenUsage
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.outcome import Verified
from generation.lifecycle.settlement import bill_of, settle_and_tell
from generation.models import Generation
from generation.oversight.daily_sales import add_sold
from pictor.kit.bytes.spool import Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer, make_channel, make_delivery, stored_images, take
from tests.making.seeds import sow

MODELS = ("gpt-image-2", "gpt-image-2-auto", "gpt-image-2-origin", "gpt-image-1")
CAME = ((1024, 1024), (1024, 1536), (512, 512), (1000, 900), (1920, 1088))
Deliver = Callable[..., tuple[Generation, Verified]]


@pytest.fixture
def deliver(db: None, worker: WorkerEpoch, spools: Spools, monkeypatch: Any) -> Deliver:
    """Settle a request with the given result."""
    monkeypatch.setattr(waiting, "TRAIL_SECONDS", 0.0)
    sow()
    make_channel("one", *MODELS, cost_micros=1_000)

    def delivered(
        customer: PayingCustomer, request: Any, *, days_ago: int = 0, **came: Any
    ) -> tuple[Generation, Verified]:
        made = customer.generation(**request)
        claim = take(generation_id=made.id, worker=worker)
        assert claim is not None
        delivery = make_delivery(claim, spools, **came)
        stored = stored_images(claim, delivery)
        then = clock.now() - timedelta(days=days_ago)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: then)
            settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=then)
        return Generation.objects.get(id=made.id), delivery

    return delivered


def dearer(*, markup: str = "1.2345", tenant_id: UUID | None = None) -> PriceBook:
    """A dearer draft of everyone's prices, or a tenant's own cheaper one for one model."""
    rows = rows_of(PriceBook.objects.get(name="list", version=1))
    if tenant_id:
        rows = [
            replace(row, micros=Micros(row.micros // 3))
            for row in rows
            if (row.model, row.kind) == (MODELS[0], "fixed")
        ]
    return draft_price_book(
        name=f"of {tenant_id}" if tenant_id else "list",
        rows=rows,
        markup=Decimal(markup),
        effective_from=clock.now(),
        tenant_id=tenant_id,
        actor="test",
    )


def put_in_force(book: PriceBook, since: datetime) -> None:
    PriceBook.objects.filter(id=book.id).update(effective_from=since, published_at=since)


def anything(draw: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A random request and its result."""
    model, n = draw.choice(MODELS), draw.randint(1, 3)
    size = draw.choice(["1024x1024", "1024x1536", "auto"])
    request: dict[str, Any] = {
        "model": model,
        "n": n,
        "size": "auto" if model == "gpt-image-2-auto" else size,
        "quality": draw.choice(["auto", "low", "medium", "high"]),
    }
    if request["size"] == "auto" and model == "gpt-image-2-origin":
        request["size"] = "1024x1024"
    if model == "gpt-image-2" and draw.random() < 0.3:
        request |= {"image": ["https://images.example/a.png"], "prompt": "a fox"}
    tokens = draw.choice([0, 300, 2_000, 9_000])
    return request, {
        "sizes": [draw.choice(CAME) for _ in range(draw.randint(1, n))],
        "quality": draw.choice([None, "low", "high"]),
        "usage": TokenUsage(10, tokens, 10 + tokens, input_image_tokens=draw.choice([0, 256])),
    }


def charged_then(made: Generation, delivery: Verified, table: Any) -> int:
    """The charge under this table, reference images apart."""
    asked = PricedRequest.from_json(made.priced)
    quoted = quote(
        table,
        model=asked.model,
        size=asked.size,
        quality=asked.quality,
        n=asked.n,
        references=1 if asked.references else 0,
    )
    then = Generation(priced=quoted.priced.as_json(), held_micros=quoted.total)
    bill = bill_of(then, delivery, table)
    return bill.total - bill.references


def test_the_revenue_is_the_sum_of_what_each_generation_would_owe(
    deliver, django_assert_num_queries
):
    draw = Random(4)  # noqa: S311 - no secret
    acme, other = PayingCustomer("acme", balance=10**9), PayingCustomer("other", balance=10**9)
    put_in_force(dearer(markup="0.7", tenant_id=other.id), clock.now() - timedelta(hours=1))
    made = []
    for who in (acme, other) * 40:
        request, came = anything(draw)
        made.append((who, *deliver(who, request, **came)))
    add_sold()
    book = dearer()

    with django_assert_num_queries(6):
        found = would_have_brought(book, clock.now())

    put_in_force(book, clock.now())
    expected: dict[UUID, int] = defaultdict(int)
    for who, generation, delivery in made:
        expected[who.id] += charged_then(generation, delivery, current_table(who.id, clock.now()))
    assert {one.tenant: one.becomes for one in found.facts.touched} == expected
    captured = sum(Transfer.objects.filter(kind="capture").values_list("amount", flat=True))
    of_references = sum(
        SoldDay.objects.filter(asked="reference").values_list("captured_micros", flat=True)
    )
    assert of_references
    assert (found.facts.was, found.facts.uncompared) == (captured - of_references, of_references)
    assert {one.why for one in found.facts.left_out} == {LeftOutReason.REFERENCES}


LARGE = {"model": "gpt-image-2-auto", "quality": "high", "prompt": "a fox"}


def test_the_book_in_force_would_have_brought_what_was_charged(deliver):
    acme = PayingCustomer()
    deliver(acme, {"quality": "low"})
    add_sold()

    found = would_have_brought(PriceBook.objects.get(), clock.now())

    assert (found.facts.was, found.facts.change, found.most_touched) == (5_880, 0, [])


def test_only_days_on_which_a_hold_may_cut_off_are_left_out(deliver, django_assert_num_queries):
    acme = PayingCustomer()
    deliver(acme, {**LARGE, "n": 2}, sizes=[(2880, 2880), (1024, 1024)], days_ago=3)
    deliver(acme, LARGE)
    add_sold()

    book = dearer(markup="1.5")
    with django_assert_num_queries(7):
        found = would_have_brought(book, clock.now())

    assert (found.facts.was, found.facts.becomes) == (210_720, 316_080)
    assert found.lines == [
        (
            "The last 30 days would have brought $0.31608 instead of $0.21072 (+50.0 %);"
            " most touched: acme +$0.10536."
        ),
        "Left out on both sides: $0.85632 of gpt-image-2-auto auto high: a hold may cut it off.",
    ]


def test_a_tenants_book_is_about_that_tenant(deliver):
    acme, other = PayingCustomer("acme"), PayingCustomer("other")
    for who in (acme, other):
        deliver(who, {"model": "gpt-image-2", "quality": "medium"})
    add_sold()

    found = would_have_brought(dearer(tenant_id=other.id, markup="1"), clock.now())

    assert [(tenant.name, one.was, one.becomes) for tenant, one in found.most_touched] == [
        ("other", 52_680, 17_560)
    ]
    assert found.facts.was == 52_680


def test_a_shared_lists_book_is_about_the_tenants_that_have_it(deliver):
    """It applies over everyone's book and under a tenant's own."""
    acme, other, third = PayingCustomer("acme"), PayingCustomer("other"), PayingCustomer("third")
    shared = PriceList.objects.create(name="Resellers")
    for who in (acme, other):
        PriceListAssignment.objects.create(tenant=who.tenant, price_list=shared)
    put_in_force(dearer(markup="0.7", tenant_id=other.id), clock.now() - timedelta(hours=1))
    for who in (acme, other, third):
        deliver(who, {"model": "gpt-image-2", "quality": "medium"})
    add_sold()
    draft = dearer(markup="1", tenant_id=shared.id)

    of_list = would_have_brought(draft, clock.now())
    put_in_force(draft, clock.now())
    of_everyone = would_have_brought(dearer(markup="2"), clock.now())

    assert {one.tenant: (one.was, one.becomes) for one in of_list.facts.touched} == {
        acme.id: (52_680, 17_560),
        other.id: (12_292, 12_292),
    }
    assert {one.tenant: one.becomes for one in of_everyone.facts.touched} == {
        acme.id: 17_560,
        other.id: 12_292,
        third.id: 105_360,
    }


def test_payments_before_an_assignment_are_not_compared_with_the_lists_price(deliver):
    """The list charges for reference images, and everyone's book includes them."""
    acme, shared, now = PayingCustomer(), PriceList.objects.create(name="Resellers"), clock.now()
    deliver(acme, {"model": "gpt-image-1", "quality": "low"})
    add_sold()
    row = BookRow("gpt-image-1", "reference", "input", Micros(50_000), 1, 1, "formula")
    book = draft_price_book(
        name="resellers", rows=[row], effective_from=now, tenant_id=shared.id, actor="test"
    )
    put_in_force(book, now - timedelta(days=60))
    PriceListAssignment.objects.create(tenant=acme.tenant, price_list=shared)

    found = would_have_brought(dearer(), clock.now())

    assert [(one.why, one.key[0]) for one in found.facts.left_out] == [
        (LeftOutReason.NEW_REFERENCES, "gpt-image-1")
    ]


def test_demo_data_older_days_and_refunds_are_apart(deliver):
    acme = PayingCustomer()
    demo, _ = deliver(acme, {"quality": "low"})
    Generation.objects.filter(id=demo.id).update(source="demo")
    kept, _ = deliver(acme, {"quality": "medium"})
    refund(tenant_id=acme.id, generation_id=kept.id, reason="late", actor="test")
    for days in (29, 30):
        deliver(acme, {"quality": "high"}, days_ago=days)
    add_sold()

    live = would_have_brought(dearer(), clock.now())
    of_demo = would_have_brought(dearer(), clock.now(), is_demo=True)

    assert (live.facts.was, of_demo.facts.was) == (52_680 + 210_720, 5_880)


def without_high(since: datetime) -> None:
    """A book without a high quality, in force until the seeded one took over a day ago."""
    book = dearer()
    book.prices.filter(model=MODELS[0], quality="high").delete()
    put_in_force(book, since)


def test_a_quality_that_a_book_of_these_days_had_not_leaves_its_rows_out(deliver):
    acme, now = PayingCustomer(), clock.now()
    deliver(acme, {"model": MODELS[0], "quality": "low"})
    add_sold()
    without_high(now - timedelta(days=9))

    found = would_have_brought(dearer(), now)

    assert [one.why for one in found.facts.left_out] == [LeftOutReason.OTHER_QUALITIES]


def test_a_book_that_was_published_late_did_not_charge_before_that(deliver):
    acme, now = PayingCustomer(), clock.now()
    deliver(acme, {"model": MODELS[0], "quality": "low"})
    add_sold()
    without_high(now - timedelta(days=90))
    late = dearer()
    PriceBook.objects.filter(id=late.id).update(
        effective_from=now - timedelta(days=80), published_at=now
    )

    found = would_have_brought(dearer(), now)

    assert [one.why for one in found.facts.left_out] == [LeftOutReason.OTHER_QUALITIES]
