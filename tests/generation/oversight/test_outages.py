"""One credit to a tenant for an outage, under any name and with any number of askers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any
from unittest.mock import DEFAULT, Mock
from uuid import UUID

import pytest

from accounts.ledger import Window
from billing.models import MoneyMove, Transfer
from billing.selectors.office.moves import credited_for
from billing.services.office.accounts import reverse
from billing.services.office.moves import decline_move, move_money
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail
from generation.models import Generation
from generation.oversight import compensation
from generation.oversight.compensation import Gift, Giver
from generation.oversight.outages import Credited, Outage, OutageVictim, credit_all, hit_by
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone
from tests.making.factories import PayingCustomer, make_channel, make_worker, take
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
QUOTED = 52_680


@pytest.fixture
def hit(seeded):
    """A customer with one failed request."""
    return struck()


def struck() -> PayingCustomer:
    make_channel()
    customer = PayingCustomer("hit")
    failed(customer)
    return customer


def failed(customer: PayingCustomer) -> Generation:
    claim = take(generation_id=customer.generation().id, worker=make_worker())
    assert claim is not None
    fail(claim=claim, failure=Failure(TIMED_OUT), now=clock.now())
    claim.generation.refresh_from_db()
    return claim.generation


def outage(**more: Any) -> Outage:
    return replace(Outage(since=clock.now() - HOUR, until=clock.now() + HOUR), **more)


def credit_hits(one: Outage, *, each: Micros | None = None) -> list[Credited]:
    hits = hit_by(one, now=clock.now())
    return credited(one, hits, each)


def credited(
    one: Outage, hits: list[OutageVictim], each: Micros | None = None, once: UUID | None = None
) -> list[Credited]:
    return credit_all(
        once=once or new_uuid(), outage=one, hits=hits, each=each, words="sorry", note="down",
        giver=Giver("ann"), now=clock.now(),
    )  # fmt: skip


def amounts() -> list[int]:
    return list(Transfer.objects.filter(kind="credit").values_list("amount", flat=True))


def _covers(window: Window) -> int:
    tenants = [move.tenant_id for move in MoneyMove.objects.all()]
    return sum(credited_for(window, tenants=tenants, now=clock.now()).values())


@pytest.mark.parametrize(
    "named",
    [
        dict,
        lambda: {"until": clock.now() + timedelta(minutes=61)},
        lambda: {"since": clock.now() - timedelta(minutes=1)},
        lambda: {"model": "gpt-image-2-origin"},
    ],
)
def test_a_tenant_is_credited_once_however_the_outage_is_named(hit, named):
    credit_hits(outage())

    (again,) = credit_hits(outage(**named()))

    assert again.refusal == "that time is already covered"
    assert amounts() == [QUOTED]


def test_another_model_or_another_time_is_another_outage(hit):
    covered = outage(model="gpt-image-2-origin")
    credit_hits(covered)

    assert _covers(covered.window) == QUOTED
    assert _covers(outage().window) == QUOTED
    assert _covers(outage(model="gpt-image-2-pro").window) == 0
    assert _covers(Window(covered.until, covered.until + HOUR)) == 0
    assert _covers(Window(covered.since - HOUR, covered.since)) == 0


def test_a_generation_credited_by_itself_is_left_out_of_the_outage(hit):
    second = failed(hit)
    gift = Gift(Micros(70_000), "sorry", "they wrote")
    compensation.credit(
        once=new_uuid(), generation=second, gift=gift, giver=Giver("ann"), now=clock.now()
    )

    (one,) = hit_by(outage(), now=clock.now())

    assert (one.failed, one.quoted) == (1, QUOTED)


def test_a_generation_whose_credit_is_wholly_reversed_belongs_to_the_outage_again(hit):
    second = failed(hit)
    gift = Gift(Micros(70_000), "sorry", "they wrote")
    compensation.credit(
        once=new_uuid(), generation=second, gift=gift, giver=Giver("ann"), now=clock.now()
    )
    why = {"reason": "", "note": "another tenant's", "actor": "ann"}
    seq = Transfer.objects.get(kind="credit").seq or 0

    reverse(tenant_id=hit.id, seq=seq, amount=Micros(69_999), **why)
    (partly,) = hit_by(outage(), now=clock.now())
    reverse(tenant_id=hit.id, seq=seq, amount=Micros(1), **why)
    (wholly,) = hit_by(outage(), now=clock.now())

    assert (partly.failed, partly.quoted) == (1, QUOTED)
    assert (wholly.failed, wholly.quoted) == (2, 2 * QUOTED)


def test_a_declined_or_reversed_credit_covers_no_time(hit):
    much = Micros(50_000_000_000)
    (waits,) = credit_hits(outage(), each=much)
    (meanwhile,) = credit_hits(outage())
    decline_move(move_id=MoneyMove.objects.get().id, actor="bob", now=clock.now())
    credit_hits(outage())
    seq = Transfer.objects.get(kind="credit").seq or 0
    reverse(tenant_id=hit.id, seq=seq, reason="", note="too early", actor="ann")

    (anew,) = credit_hits(outage(), each=Micros(60_000))

    assert (waits.waits, meanwhile.refusal) == (True, "that time is already covered")
    assert (anew.amount, anew.refusal) == (60_000, "")


def test_a_form_sent_again_after_its_credit_was_declined_says_so(hit):
    down, much, once = outage(), Micros(50_000_000_000), new_uuid()
    hits = hit_by(down, now=clock.now())
    (first,) = credited(down, hits, much, once)
    decline_move(move_id=MoneyMove.objects.get().id, actor="bob", now=clock.now())

    (again,) = credited(down, hits, much, once)

    assert (first.waits, first.amount) == (True, 50_000_000_000)
    assert (again.waits, again.amount) == (False, 0)
    assert again.refusal == "It waited for another person and is declined."


def test_the_rest_of_an_interrupted_bulk_waits_like_its_beginning(hit, monkeypatch):
    failed(PayingCustomer("second"))
    dies_once = Mock(wraps=move_money, side_effect=[DEFAULT, ConnectionError, DEFAULT])
    monkeypatch.setattr("generation.oversight.outages.move_money", dies_once)
    with pytest.raises(ConnectionError):
        credit_hits(outage(), each=Micros(6_000_000_000))

    covered, rest = credit_hits(outage(), each=Micros(6_000_000_000))

    assert (covered.refusal, rest.waits) == ("that time is already covered", True)
    assert [move.amount for move in MoneyMove.objects.all()] == [6_000_000_000, 6_000_000_000]
    assert amounts() == []


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.django_db(transaction=True)
def test_two_who_credit_at_once_credit_once(monkeypatch):
    sow()
    struck()
    both = Barrier(2, timeout=0.5)

    def slowly(*args, **kwargs):
        found = credited_for(*args, **kwargs)
        with suppress(BrokenBarrierError):
            both.wait()
        return found

    one, other = outage(), outage(until=clock.now() + 2 * HOUR)
    hits = {name: hit_by(name, now=clock.now()) for name in (one, other)}
    monkeypatch.setattr("billing.services.office.moves.credited_for", slowly)

    with ThreadPoolExecutor(2) as people:
        sent = [people.submit(alone, lambda name=name: credited(name, hits[name])) for name in hits]
    said = sorted(done.refusal for (done,) in (one.result() for one in sent))

    assert said == ["", "$0.05268 already covers a part of that time"]
    assert amounts() == [QUOTED]
