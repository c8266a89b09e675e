"""A worker that won the probe of a dead channel and sends nothing gives it back to all workers."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from generation import pipeline
from generation.catalogue.plans import Candidate
from generation.catalogue.selection import candidates
from generation.catalogue.snapshot import current_catalogue
from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey
from generation.dispatch import breaker_events
from generation.dispatch.breaker_events import BreakerChanges
from generation.dispatch.choosing import UNMADE, Chooser
from generation.dispatch.circuits import UpstreamCall
from generation.dispatch.service import Dispatcher
from generation.dispatch.storage_gate import Gate
from generation.lifecycle.notify import Ring
from generation.models import Channel, OpenBreaker
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, make_worker

PAUSE = 60.0


@pytest.fixture(autouse=True)
def soon_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_events, "WRITE_SECONDS", 0.01)


@pytest.fixture
def keys(channel: Channel) -> list[BreakerKey]:
    """Breakers of the channel `one`, due a probe; `two` is behind it."""
    make_channel("two", priority=20)
    found = [BreakerKey(channel.id, 0, model) for model in (ORIGIN, "")]
    open_breakers.write(dict.fromkeys(found, PAUSE))
    OpenBreaker.objects.update(until=clock.now())
    return found


async def heard(learner: Chooser | Dispatcher) -> None:
    """Its worker has renewed its lease."""
    learner.learn(await pools.database(open_breakers.open_now), now=time.monotonic())


async def written(changes: BreakerChanges) -> None:
    """Its worker has written what it knows."""
    writing = asyncio.create_task(changes.run(new_uuid()))
    await asyncio.sleep(0.5)
    writing.cancel()
    await asyncio.wait({writing})


async def both_channels() -> list[Candidate]:
    catalogue = await pools.database(current_catalogue)
    routes = catalogue.routes_for(ORIGIN, livemode=True)
    contract = catalogue.contracts[ORIGIN]
    return candidates(routes, contract=contract, size="1024x1024", roll=lambda: 0.5)


async def chosen(chooser: Chooser, queue: Sequence[Candidate]) -> tuple[str, UpstreamCall]:
    candidate, call = await chooser.next_of(queue, tenant=new_uuid(), seconds_left=60)
    return candidate.route.channel_name, call


@pytest.mark.usefixtures("keys", "pooled_connections")
@pytest.mark.parametrize("is_sent", [False, True])
def test_only_a_probe_that_was_not_sent_is_another_workers_at_once(is_sent):
    first, second = Chooser(), Chooser()

    async def journey() -> list[str]:
        queue = await both_channels()
        await heard(first)
        name, call = await chosen(first, queue)
        await heard(second)
        names = [name, (await chosen(second, queue))[0]]
        call.sent_at = time.monotonic() if is_sent else None
        first.count_out(call, UNMADE)
        await written(first.changes)
        await heard(second)
        return [*names, (await chosen(second, queue))[0]]

    assert asyncio.run(journey()) == ["one", "two", "two" if is_sent else "one"]


@pytest.mark.usefixtures("keys", "pooled_connections")
def test_who_gave_a_probe_back_may_win_it_again() -> None:
    chooser = Chooser()

    async def journey() -> list[str]:
        queue, names = await both_channels(), []
        await heard(chooser)
        for _ in range(3):
            name, call = await chosen(chooser, queue)
            names.append(name)
            chooser.count_out(call, UNMADE)
            await written(chooser.changes)
        return names

    assert asyncio.run(journey()) == ["one", "one", "one"]


def test_a_generation_that_is_queued_again_uncalled_keeps_no_channel_shut(
    acme: PayingCustomer, keys: list[BreakerKey], tmp_path: Path, pooled_connections: None
) -> None:
    made = acme.generation()
    nothing_can_be_stored = Gate(lambda _most: None)

    async def journey() -> None:
        http, spools = HttpPools(), Spools(tmp_path, SpoolBudget(4_000_000))
        worker = await pools.database(make_worker)
        dispatcher = Dispatcher(http=http, allow=(), spools=spools, gate=nothing_can_be_stored)
        await heard(dispatcher)
        try:
            await pipeline.run(ring=Ring.of(made), worker=worker, dispatcher=dispatcher)
        finally:
            await http.aclose()
        won = await pools.database(open_breakers.open_now)
        assert [one.seconds > PAUSE / 2 for one in won] == [True, True]
        await written(dispatcher.changes)

    asyncio.run(journey())

    made.refresh_from_db()
    assert made.state == "queued"
    assert [one.seconds <= 0 for one in open_breakers.open_now()] == [True, True]


def test_a_breaker_that_opened_for_longer_meanwhile_is_not_given_back(
    keys: list[BreakerKey],
) -> None:
    won = open_breakers.win(keys)
    assert won is not None

    open_breakers.write({keys[0]: 2 * PAUSE})
    open_breakers.give_back(won)

    seconds = {one.key.model: round(one.seconds) for one in open_breakers.open_now()}
    assert seconds == {ORIGIN: 120, "": 0}


def test_a_worker_that_dies_with_the_probe_costs_one_pause(keys: list[BreakerKey]) -> None:
    assert open_breakers.win(keys) is not None

    assert [round(one.seconds) for one in open_breakers.open_now()] == [60, 60]
