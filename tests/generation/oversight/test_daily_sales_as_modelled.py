"""Sales equal the ledger's sums to the micro, whatever moves in whatever order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import SoldDay, Transfer
from billing.selectors.office import sold as waiting
from billing.selectors.office.ledger import ledger_totals
from billing.selectors.office.sold import By, margins, total_of
from billing.services.office import sold as adding
from billing.services.office.accounts import adjust, credit, refund, reverse
from generation.lifecycle.attempts import cut_off
from generation.lifecycle.outcome import TIMED_OUT, Failure, not_stored
from generation.lifecycle.settlement import cancel, fail, settle_and_tell
from generation.models import Attempt, Channel, Generation
from generation.oversight.bills.corrections import CorrectionLine, correct
from generation.oversight.daily_sales import add_sold, rebuild
from generation.oversight.ledger.sold import findings_of_sold
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal
from storage.models import StoredImage
from tests.making.factories import (
    PayingCustomer,
    begun,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db

SIZES = ((1024, 1024), (512, 512), (1024, 1536), (16, 16))


class World:
    """Two tenants, a channel and a worker; each step does something to them, of some size."""

    def __init__(self, folder: Path, tenants: list[PayingCustomer], channel: Channel) -> None:
        self.spools = Spools(folder, SpoolBudget(1_000_000))
        self.tenants, self.channel, self.worker = tenants, channel, make_worker()
        self.lines = 0

    def hold(self, draw: Random) -> None:
        draw.choice(self.tenants).generation(n=draw.randint(1, 3))

    def deliver(self, draw: Random) -> None:
        for made in self.waiting(draw):
            claim = take(generation_id=made.id, worker=self.worker)
            assert claim is not None
            sizes = [draw.choice(SIZES) for _ in range(draw.randint(1, made.n))]
            delivery = make_delivery(claim, self.spools, sizes=sizes)
            if draw.random() < 0.2:
                fail(claim=claim, failure=not_stored(delivery, "no room"), now=clock.now())
            else:
                stored = stored_images(claim, delivery)
                settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())

    def fail_while_it_is_called(self, draw: Random) -> None:
        for made in self.waiting(draw):
            claim = take(generation_id=made.id, worker=self.worker)
            assert claim is not None
            begun(claim, self.channel)
            fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())

    def close_late(self, draw: Random) -> None:
        del draw
        left = Attempt.objects.filter(finished_at=None).values_list("generation_id", flat=True)
        cut_off(generation_ids=list(left), now=clock.now() + timedelta(hours=3))

    def cancel(self, draw: Random) -> None:
        for made in self.waiting(draw):
            cancel(generation=made, now=clock.now())

    def refund(self, draw: Random) -> None:
        captures = Transfer.objects.filter(kind="capture").order_by("id")
        if captures:
            of = draw.choice(captures)
            assert of.tenant_id
            assert of.generation_id
            refund(
                tenant_id=of.tenant_id,
                generation_id=of.generation_id,
                amount=Micros(draw.randint(1, of.amount)),
                reason="late",
                actor="test",
            )

    def give(self, draw: Random) -> None:
        amount = Micros(draw.randint(1, 1_000))
        credit(tenant_id=draw.choice(self.tenants).id, amount=amount, reason="gift", actor="test")

    def adjust(self, draw: Random) -> None:
        amount = Micros(draw.randint(-1_000, 1_000))
        adjust(tenant_id=draw.choice(self.tenants).id, amount=amount, reason="typo", actor="test")

    def reverse(self, draw: Random) -> None:
        given_then = Transfer.objects.filter(kind__in=["top_up", "credit"]).order_by("id")
        of = draw.choice(given_then)
        assert of.tenant_id
        assert of.seq
        amount = Micros(draw.randint(1, max(1, of.amount // 10)))
        reverse(tenant_id=of.tenant_id, seq=of.seq, amount=amount, reason="typo", actor="test")

    def correct(self, draw: Random) -> None:
        self.lines += 1
        ended = Attempt.objects.exclude(finished_at=None).order_by("id")
        of = str(draw.choice(ended).id) if ended and draw.random() < 0.8 else ""
        change = Micros(draw.randint(-40_000, 40_000))
        correct([CorrectionLine(f"line {self.lines}", of, change)], reason="bill", actor="test")

    def add(self, draw: Random) -> None:
        del draw
        add_sold()

    def waiting(self, draw: Random) -> list[Generation]:
        """One queued generation, or none."""
        queued = list(Generation.objects.filter(state="queued").order_by("id"))
        return [draw.choice(queued)] if queued else []


BY: tuple[By, ...] = ("tenant", "model", "channel", "cell")
FIRST = {
    "captured_micros": "capture",
    "refunded_micros": "refund",
    "cost_micros": "upstream_cost",
    "losses_micros": "loss",
}
"""Figures booked first, with their kind of transfer."""
STEPS: dict[str, Callable[[World, Random], None]] = {
    name: step
    for name, step in vars(World).items()
    if not name.startswith("_") and name != "waiting"
}


@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=10, max_size=30),
    draw=st.randoms(use_true_random=False),
    at_once=st.integers(1, 7),
)
@settings(max_examples=8)
def test_whatever_moves_sums_are_the_ledgers(steps, draw, at_once):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, undone():
        patch.setattr(waiting, "TRAIL_SECONDS", 0.0)
        patch.setattr(adding, "TRANSFERS_AT_ONCE", at_once)
        sow()
        channel = make_channel(cost_micros=30_001)
        world = World(Path(folder), [PayingCustomer("acme"), PayingCustomer("other")], channel)

        for step in ["hold", "hold", "deliver", "hold", *steps]:
            with suppress(ValidationError):  # more than there is to refund, reverse or correct
                STEPS[step](world, draw)
        add_sold()

        ledger = ledger_totals()
        total = total_of(margins(by="cell", per="day"))
        sums = [total.revenue, total.cost, total.losses, total.credited]
        accounts = ("platform_revenue", "upstream_cost", "losses", "credits")
        assert [to_decimal(one) for one in sums] == [ledger[name] for name in accounts]
        for by in BY:
            rows = margins(by=by)
            assert total_of(rows) == total
            assert total_of(margins(by=by, per="week")) == total
            for row in rows:
                alone = margins(by="all", of=row.group)
                assert total_of(alone) == total_of([row])
        assert total.images == StoredImage.objects.count()
        kinds = dict(Transfer.objects.values_list("kind").annotate(sum=Sum("amount")))
        first = SoldDay.objects.aggregate(*map(Sum, FIRST))
        assert [first[f"{name}__sum"] or 0 for name in FIRST] == [
            kinds.get(kind, 0) for kind in FIRST.values()
        ]
        assert (findings_of_sold(), rebuild()) == ([], 0)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
