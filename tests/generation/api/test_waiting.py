"""Waiting for a generation: wake-ups that arrive, arrive early, or never arrive."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Any

import pytest
import redis
from django.conf import settings

from generation.api import waiting
from generation.api.waiting import Hub
from generation.lifecycle import notify, settlement
from generation.models import Generation, State
from generation.selectors import finished_among
from pictor.kit.database import pools
from pictor.kit.redis import client as redis_client
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.making.factories import PayingCustomer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

SOON = 5.0


@pytest.fixture
def generation(pooled_connections: None, acme: PayingCustomer) -> Generation:
    return acme.generation()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub without a listener or a poll until it is started."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 60.0)
    return Hub()


@pytest.fixture
async def listening(hub: Hub) -> AsyncIterator[Hub]:
    """The hub, started and subscribed."""
    before = listeners()
    await hub.start()
    await until(lambda: listeners() > before)
    yield hub
    await hub.stop()


def broker() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL)


def listeners() -> int:
    with broker() as client:
        ((_, count),) = client.pubsub_numsub(notify.FINISHED)
    return int(count)


async def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < deadline, "it never was so"
        await asyncio.sleep(0.01)


def _end(generation: Generation) -> None:
    settlement.end_without_image(
        generation=generation,
        state=State.CANCELED,
        condition={"id": generation.id},
        error=None,
        now=clock.now(),
    )


async def end(generation: Generation) -> None:
    """Make it final without a wake-up."""
    await pools.database(_end, generation)


def watching(hub: Hub, generation: Generation) -> Any:
    ticket = hub.ticket()
    ticket.watch(generation.id)
    return ticket


async def test_a_wake_up_brings_the_finished_generation(hub, generation):
    with closing(watching(hub, generation)) as ticket:
        await end(generation)
        hub.wake([generation.id])

        finished = await ticket.wait(SOON)

    assert finished is not None
    assert (finished.generation.id, finished.generation.state) == (generation.id, "canceled")


async def test_a_ticket_waits_for_its_own_new_id_at_first(hub):
    with closing(hub.ticket()) as ticket:
        assert ticket.id.version == 7
        assert await ticket.wait(0.05) is None


async def test_a_wake_up_too_early_keeps_the_waiter_waiting(hub, generation):
    with closing(watching(hub, generation)) as ticket:
        hub.wake([generation.id])
        assert await ticket.wait(0.2) is None


async def test_a_wake_up_before_anybody_registered_is_found_by_the_poll(
    hub, generation, monkeypatch
):
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.05)
    await end(generation)
    hub.wake([generation.id])
    await hub.start()

    with closing(watching(hub, generation)) as ticket:
        finished = await ticket.wait(SOON)

    await hub.stop()
    assert finished is not None


async def test_a_lost_wake_up_is_found_by_the_poll(hub, generation, monkeypatch):
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.05)
    await hub.start()
    with closing(watching(hub, generation)) as ticket:
        await end(generation)

        finished = await ticket.wait(SOON)

    await hub.stop()
    assert finished is not None


async def test_all_who_wait_for_one_generation_get_it(hub, generation):
    tickets = [watching(hub, generation) for _ in range(50)]
    await end(generation)
    hub.wake([generation.id])

    found = await asyncio.gather(*(ticket.wait(SOON) for ticket in tickets))

    assert len({id(one) for one in found}) == 1
    assert found[0].generation.id == generation.id


async def test_wake_ups_close_together_are_one_read(hub, acme, monkeypatch):
    generations = await pools.database(lambda: [acme.generation() for _ in range(20)])
    reads: list[int] = []
    real = finished_among

    def counted(ids):
        reads.append(len(ids))
        return real(ids)

    monkeypatch.setattr(waiting, "finished_among", counted)
    tickets = [watching(hub, one) for one in generations]
    await asyncio.gather(*(end(one) for one in generations))
    for one in generations:
        hub.wake([one.id])

    found = await asyncio.gather(*(ticket.wait(SOON) for ticket in tickets))

    assert all(found)
    assert reads == [20]


async def test_a_caller_who_gave_up_or_left_does_no_harm(hub, generation):
    left, gave_up, stays = (watching(hub, generation) for _ in range(3))
    left.close()
    left.close()
    assert await gave_up.wait(0.01) is None
    await end(generation)
    hub.wake([generation.id])

    assert await stays.wait(SOON) is not None


async def test_a_closed_ticket_cannot_wait(hub):
    with closing(hub.ticket()) as ticket:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        await ticket.wait(1)


async def test_wake_ups_for_what_nobody_waits_for_are_not_looked_at(hub, monkeypatch):
    reads: list[object] = []
    monkeypatch.setattr(waiting, "finished_among", reads.append)

    hub.wake([new_uuid()])
    await asyncio.sleep(0.05)

    assert reads == []


async def test_a_read_that_fails_is_made_again(hub, generation, monkeypatch, caplog):
    real = finished_among
    failures = iter([True])

    def fails_once(ids):
        if next(failures, False):
            raise LookupError("the database is away")
        return real(ids)

    monkeypatch.setattr(waiting, "finished_among", fails_once)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.05)
    await hub.start()
    with closing(watching(hub, generation)) as ticket:
        await end(generation)

        finished = await ticket.wait(SOON)

    await hub.stop()
    assert finished is not None
    assert "the poll tries again" in caplog.text


async def test_a_wake_up_over_the_broker_is_heard(listening, generation):
    with closing(watching(listening, generation)) as ticket:
        await end(generation)
        await asyncio.to_thread(notify.wake, [generation.id])

        finished = await ticket.wait(SOON)

    assert finished is not None


async def test_an_end_announced_to_nobody_is_found_when_the_broker_is_back(
    listening, generation, monkeypatch
):
    monkeypatch.setattr(waiting, "RECONNECT_SECONDS", 0.01)
    with closing(watching(listening, generation)) as ticket:
        await end(generation)  # and no wake-up is sent
        with broker() as client:
            client.execute_command("CLIENT KILL TYPE pubsub")

        finished = await ticket.wait(SOON)

    assert finished is not None


async def test_a_redis_that_is_away_is_named_once_and_so_is_its_return(
    hub, settings, monkeypatch, caplog
):
    there, tries = settings.REDIS_URL, []
    listen = redis_client.listen

    async def counted(*channels: str, **how: Any) -> None:
        tries.append(settings.REDIS_URL)
        if len(tries) > 3:
            settings.REDIS_URL = there
        await listen(*channels, **how)

    monkeypatch.setattr(redis_client, "listen", counted)
    monkeypatch.setattr(waiting, "RECONNECT_SECONDS", 0.01)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    caplog.set_level("INFO", waiting.__name__)

    await hub.start()
    await until(lambda: "again" in caplog.text)
    await hub.stop()

    away, back = [record for record in caplog.records if record.name == waiting.__name__]
    assert (away.levelname, back.levelname) == ("WARNING", "INFO")
    assert away.getMessage().startswith("no wake-ups, as Redis cannot be subscribed to: Error 111")
