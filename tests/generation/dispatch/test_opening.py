"""A first attempt that begins with the claim, chosen from the doorbell's message."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from billing.models import Transfer
from billing.upstream_cost import NO_COST
from generation.catalogue.snapshot import current_catalogue
from generation.dispatch import claiming
from generation.dispatch.choosing import Chooser
from generation.dispatch.circuits import FAILURES_IN_A_ROW
from generation.dispatch.service import Dispatcher
from generation.lifecycle import attempts, claims
from generation.lifecycle.attempts import FirstCall
from generation.lifecycle.claims import Claim
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.models import Attempt, Channel, Generation
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.fakes.raw_server import Received, says
from tests.generation.dispatch.carrying import ONE_IMAGE, carried
from tests.making.factories import (
    ORIGIN,
    PayingCustomer,
    make_channel,
    make_worker,
    open_gate,
    take,
)

SIZE = "1024x1024"
TENANT = new_uuid()


def taken(
    generation: Generation, *, model: str = ORIGIN, size: str = SIZE, ahead: int = 0
) -> Claim:
    """Claim it, with an attempt on the first channel if these values match the row."""
    catalogue = current_catalogue()
    (route, *_) = catalogue.routes_for(model, livemode=True)
    first = FirstCall(
        attempt_id=new_uuid(),
        route=route,
        upstream_size=size,
        size=size,
        revision=catalogue.revision + ahead,
    )
    claim = take(generation_id=generation.id, worker=make_worker(), first=first)
    assert claim is not None
    assert claim.generation.state == "running"
    return claim


def test_an_attempt_begins_with_the_claim_of_what_was_expected(queued, channel):
    claim = taken(queued)

    attempt = Attempt.objects.get()
    assert claim.begun_at == attempt.started_at
    assert (attempt.n, attempt.upstream_quality) == (1, "medium")
    assert (attempt.generation_id, attempt.dispatch, attempt.number) == (queued.id, 1, 1)
    assert (attempt.channel_id, attempt.upstream_model, attempt.upstream_size) == (
        *(channel.id, ORIGIN),
        SIZE,
    )
    assert (attempt.finished_at, attempt.attempt_class) == (None, "")


def dispatched_before(customer: PayingCustomer) -> Generation:
    made = customer.generation()
    worker = make_worker()
    take(generation_id=made.id, worker=worker)
    claims.hand_back(worker=worker)
    return made


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda acme: acme.generation(), {"size": "1536x1024"}),
        (lambda acme: acme.generation(), {"ahead": 1}),
        (lambda acme: acme.generation(), {"model": "dall-e-3"}),
        (lambda acme: acme.generation(model="dall-e-3", quality="hd"), {}),
        (lambda acme: acme.generation(size="1536x1024"), {}),
        (dispatched_before, {}),
        (lambda acme: acme.tester().generation(), {}),
    ],
    ids=["size", "configuration", "model", "its model", "its size", "dispatched", "a test"],
)
def test_a_generation_unlike_its_bell_is_claimed_without_an_attempt(seeded, make, expected):
    make_channel("both", ORIGIN, "dall-e-3", serves="both")

    claim = taken(make(PayingCustomer("acme")), **expected)

    assert not claim.has_begun
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("change", [{"task": "edit"}, {"inputs": [{"label": "image"}]}], ids=str)
def test_a_request_with_images_begins_its_attempt_later(queued, change):
    Generation.objects.update(**change)

    assert not taken(queued).has_begun


def test_a_failed_claim_begins_no_attempt(queued):
    taken(queued)
    catalogue = current_catalogue()
    (route, *_) = catalogue.routes_for(ORIGIN, livemode=True)

    again = take(
        generation_id=queued.id,
        worker=make_worker(),
        first=FirstCall(
            attempt_id=new_uuid(),
            route=route,
            upstream_size=SIZE,
            size=SIZE,
            revision=catalogue.revision,
        ),
    )

    assert again is None
    assert Attempt.objects.count() == 1


@pytest.fixture
def chooser(seeded: None) -> Chooser:
    """Two channels; the first takes one call at a time."""
    make_channel("first", priority=1, max_concurrency=1)
    make_channel("second", priority=2)
    current_catalogue()
    return Chooser()


def first_of(chooser: Chooser, model: str = ORIGIN, size: str = SIZE) -> str | None:
    with chooser.opening(model, size, TENANT) as opening:
        return None if opening is None else opening.candidate.route.channel_name


def test_a_call_is_counted_in_where_it_is_chosen_and_out_if_it_is_not_made(chooser):
    with chooser.opening(ORIGIN, SIZE, TENANT):
        beside = first_of(chooser)

    assert (beside, first_of(chooser)) == ("second", "first")


def test_an_attempt_begun_too_late_is_closed_without_a_call(queued, channel, tmp_path):
    claim = taken(queued)
    attempt = Attempt.objects.get()
    chooser = Chooser()
    with chooser.opening(ORIGIN, SIZE, TENANT) as opening:
        assert opening is not None
        begun = replace(opening, attempt_id=attempt.id)
        dispatcher = Dispatcher(
            http=HttpPools(),
            allow=[],
            spools=Spools(tmp_path, SpoolBudget(1_000_000)),
            gate=open_gate(),
        )
        late = replace(claim, seconds_left=49.0)
        with pytest.raises(Failure) as failed:
            asyncio.run(dispatcher.run(late, dispatcher.scope_of(late), begun))

    ended = failed.value.ended
    assert failed.value.error is TIMED_OUT
    assert ended is not None
    assert (ended.attempt_id, ended.attempt_class, ended.cost) == (
        *(attempt.id, "not_reached"),
        NO_COST,
    )


def test_a_call_that_was_not_made_says_nothing_about_its_channel(chooser):
    chosen = {first_of(chooser) for _ in range(FAILURES_IN_A_ROW + 1)}

    assert chosen == {"first"}


@pytest.mark.parametrize(
    ("model", "size"), [("", ""), ("unheard-of", SIZE), (ORIGIN, "a size"), (ORIGIN, "7x7")]
)
def test_an_unknown_model_or_size_has_no_first_call(chooser, model, size):
    assert first_of(chooser, model, size) is None


def test_no_first_call_is_chosen_where_the_prompt_may_need_a_suffix(seeded):
    make_channel("wide", "gpt-image-1", sizes=["1536x1024"])
    make_channel("exact", "gpt-image-1", priority=99)
    current_catalogue()

    assert first_of(Chooser(), "gpt-image-1", SIZE) is None


BUSY = says(b'{"error":{"message":"busy"}}', status=503)


def tried() -> list[tuple[str, int, str]]:
    """Each attempt's channel, number and class."""
    rows = Attempt.objects.order_by("number")
    return list(rows.values_list("channel__name", "number", "attempt_class"))


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_a_generation_succeeds_by_the_attempt_that_began_with_its_claim(
    queued, tmp_path, monkeypatch
):
    async def apart(_: object) -> bool:
        raise AssertionError("it began apart")

    monkeypatch.setattr(attempts, "begin", apart)

    carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE)})

    assert (queued.state, tried()) == ("succeeded", [("one", 1, "delivered")])


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_after_it_the_next_channel_is_tried(queued, tmp_path):
    make_channel("two", priority=20)

    carried(queued, tmp_path, scripts={"one": BUSY, "two": says(ONE_IMAGE)})

    assert queued.state == "succeeded"
    assert tried() == [("one", 1, "refused"), ("two", 2, "delivered")]


def with_seconds_left(queued: Generation, seconds: float) -> None:
    Generation.objects.update(deadline_at=clock.now() + timedelta(seconds=seconds))
    queued.refresh_from_db()


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize(
    ("seconds", "timeout", "ended"),
    [
        (49, 240, ("failed", "not_reached")),
        (49, 30, ("failed", "not_reached")),
        (39, 20, ("failed", "not_reached")),
        (49, 20, ("succeeded", "delivered")),
        (80, 240, ("succeeded", "delivered")),
    ],
)
def test_no_call_begins_with_less_than_thirty_seconds_or_its_channels_time_out(
    queued, tmp_path, seconds, timeout, ended
):
    Channel.objects.update(timeout_seconds=timeout)
    with_seconds_left(queued, seconds)

    carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE)})

    (only,) = tried()
    assert (queued.state, only[2]) == ended
    assert Transfer.objects.filter(kind="capture").exists() is (ended[0] == "succeeded")


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize(
    ("timeout", "following", "state"),
    [(240, [], "failed"), (10, [("two", 2, "delivered")], "succeeded")],
    ids=["long", "short"],
)
def test_the_next_channel_is_tried_where_there_is_time_for_its_call(
    queued, tmp_path, timeout, following, state
):
    Channel.objects.update(timeout_seconds=5)
    make_channel("two", priority=20, timeout_seconds=timeout)
    make_channel("three", priority=30, timeout_seconds=240)
    with_seconds_left(queued, 40)

    carried(queued, tmp_path, scripts={"one": BUSY, "two": says(ONE_IMAGE), "three": BUSY})

    assert (queued.state, tried()) == (state, [("one", 1, "refused"), *following])


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_a_channel_that_was_disabled_since_its_call_was_chosen_is_not_called(
    queued, tmp_path, monkeypatch
):
    make_channel("two", priority=20)

    async def overtaken(*facts: Any) -> Claim | None:
        one = Channel.objects.filter(name="one")
        await pools.database(one.update, is_enabled=False)
        return await claim(*facts)

    claim = claiming._claims.write  # noqa: SLF001 - the moment between choice and claim
    monkeypatch.setattr(claiming._claims, "write", overtaken)  # noqa: SLF001 - as above

    carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE), "two": says(ONE_IMAGE)})

    assert (queued.state, tried()) == ("succeeded", [("two", 1, "delivered")])


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_a_call_that_was_chosen_in_vain_does_not_fill_its_channel(queued, tmp_path, monkeypatch):
    Channel.objects.update(max_concurrency=1)

    async def overtaken(*facts: Any) -> Claim | None:
        await pools.database(Channel.objects.update, weight=7)
        return await claim(*facts)

    claim = claiming._claims.write  # noqa: SLF001 - the moment between choice and claim
    monkeypatch.setattr(claiming._claims, "write", overtaken)  # noqa: SLF001 - as above

    carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE)})

    assert (queued.state, tried()) == ("succeeded", [("one", 1, "delivered")])


@pytest.mark.usefixtures("channel", "pooled_connections")
@pytest.mark.parametrize("is_done", [True, False], ids=["after the commit", "before it"])
def test_a_claim_whose_answer_was_lost_leaves_no_attempt_that_may_have_cost_anything(
    queued, tmp_path, monkeypatch, is_done
):
    async def lost(*facts: Any) -> Claim | None:
        if is_done:
            await claim(*facts)
        raise OperationalError("the connection is closed")

    claim = claiming._claims.write  # noqa: SLF001 - the moment between choice and claim
    monkeypatch.setattr(claiming._claims, "write", lost)  # noqa: SLF001 - as above

    with pytest.raises(OperationalError):
        carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE)})

    assert tried() == ([("one", 1, "not_reached")] if is_done else [])
    assert not Attempt.objects.filter(finished_at=None).exists()
    assert not Transfer.objects.filter(kind="loss").exists()


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_a_claim_made_as_the_gate_closes_is_requeued_without_a_call(acme, queued, tmp_path):
    gate = open_gate()
    gate.close("PutObject: 507")

    carried(queued, tmp_path, scripts={"one": says(ONE_IMAGE)}, gate=gate)

    assert (queued.state, queued.worker_id, queued.deaths, queued.quarantine) == (
        *("queued", None),
        *(0, 0),
    )
    assert tried() == [("one", 1, "not_reached")]
    assert not Transfer.objects.filter(kind__in=("capture", "loss", "release")).exists()


@pytest.mark.usefixtures("channel", "pooled_connections")
def test_after_a_call_that_failed_no_other_begins_while_nothing_can_be_stored(
    acme, queued, tmp_path
):
    make_channel("two", priority=20)
    gate = open_gate()

    async def busy(request: Received, writer: asyncio.StreamWriter) -> None:
        gate.close("PutObject: 507")
        await BUSY(request, writer)

    carried(queued, tmp_path, scripts={"one": busy, "two": says(ONE_IMAGE)}, gate=gate)

    assert (queued.state, queued.error["status"], queued.error["message"]) == (
        *("failed", 503),
        "Images cannot be stored on our side at the moment. You were not charged.",
    )
    assert tried() == [("one", 1, "refused"), ("two", 2, "not_reached")]
    assert acme.money == (10_000_000, 0)
