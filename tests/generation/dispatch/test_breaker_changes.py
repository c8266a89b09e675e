"""Changes of a worker's breakers and gates are written once, in the background."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import OperationalError
from prometheus_client import REGISTRY

from generation.catalogue.traffic import channel_events
from generation.catalogue.traffic.channel_events import BreakerChange
from generation.channels.errors import AttemptClass
from generation.dispatch import breaker_events as module
from generation.dispatch.breaker_events import BreakerChanges
from generation.dispatch.channel_health import Health
from generation.models import Channel, ChannelEvent
from pictor.kit.database import pools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.making.factories import make_channel, route_info

ROUTE = route_info(channel_id=7, model="dall-e-3")
WORKER = new_uuid()


def ends(
    health: Health, now: float, ended: str = "delivered", *, retry_after: float | None = None
) -> None:
    call = health.started(ROUTE, tenant=new_uuid())
    failed_as = None if ended == "delivered" else AttemptClass(ended)
    health.ended(call, failed_as=failed_as, retry_after=retry_after, now=now)


def kinds(changes: BreakerChanges) -> list[tuple[str, str, float | None]]:
    return [(change.kind.value, change.model, change.seconds) for change in changes.take()]


def test_a_breaker_is_told_when_it_opens_and_when_it_closes_but_not_while_it_stays_open():
    health = Health()

    for second in (0, 1, 2, 20):  # the last one is a probe, and doubles the pause
        ends(health, second, "unknown")
    ends(health, 60)
    ends(health, 61)

    assert kinds(health.changes) == [
        ("breaker_opened", "dall-e-3", 10.0),
        ("breaker_closed", "dall-e-3", None),
    ]


def test_refusals_open_the_breaker_of_all_models_too():
    health = Health()

    for second in (0, 1, 2):
        ends(health, second, "refused")

    assert kinds(health.changes) == [
        ("breaker_opened", "dall-e-3", 10.0),
        ("breaker_opened", "", 10.0),
    ]


def test_a_gate_that_closes_again_within_a_minute_was_closed_all_the_time():
    health = Health()

    ends(health, 0, "refused", retry_after=5)
    health.changes.look(now=30)
    ends(health, 60, "refused", retry_after=5)
    health.changes.look(now=124.9)
    assert kinds(health.changes) == [("gate_closed", "", 5.0)]

    before = clock.now()
    health.changes.look(now=125)

    (opened,) = health.changes.take()
    assert opened.kind == "gate_opened"
    assert 59 < (before - opened.at).total_seconds() <= 60


def test_a_reset_closes_what_is_open_and_opens_what_is_closed():
    health = Health()
    for second in (0, 1, 2):
        ends(health, second, "refused", retry_after=600)
    health.changes.take()

    health.is_usable(replace(ROUTE, reset_count=1), now=3)

    assert kinds(health.changes) == [
        ("breaker_closed", "dall-e-3", None),
        ("breaker_closed", "", None),
        ("gate_opened", "", None),
    ]


def test_the_oldest_of_too_many_changes_are_dropped_and_counted():
    changes = BreakerChanges()
    dropped = REGISTRY.get_sample_value("pictor_channel_events_dropped_total") or 0

    for channel in range(503):
        changes.breaker(channel, "dall-e-3", pause=10)

    assert [change.channel_id for change in changes.take()] == list(range(3, 503))
    assert REGISTRY.get_sample_value("pictor_channel_events_dropped_total") == dropped + 3


def written(changes: BreakerChanges, count: int) -> list[tuple[str, float | None, Any]]:
    """Run a worker's writer until it has written this many rows, and return them."""

    async def run() -> None:
        lane = asyncio.create_task(changes.run(WORKER))
        while await pools.database(ChannelEvent.objects.count) < count:
            await asyncio.sleep(0.01)
        lane.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))
    rows = ChannelEvent.objects.order_by("id")
    return list(rows.values_list("kind", "seconds", "worker"))


def test_changes_refused_by_the_database_are_written_a_second_later(
    channel, pooled_connections, monkeypatch
):
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.01)
    changes, write, tries = BreakerChanges(), channel_events.write, []

    def fails_once(batch: Sequence[BreakerChange], **who: Any) -> None:
        tries.append(len(batch))
        if len(tries) == 1:
            changes.breaker(channel.id, "dall-e-3", pause=0.0)  # changes meanwhile
            raise OperationalError("the server closed the connection")
        write(batch, **who)

    monkeypatch.setattr(channel_events, "write", fails_once)
    changes.breaker(channel.id, "dall-e-3", pause=10.0)

    found = written(changes, 2)

    assert tries == [1, 2]
    assert found == [("breaker_opened", 10.0, WORKER), ("breaker_closed", None, WORKER)]


def test_changes_of_a_deleted_channel_are_not_written(channel):
    gone = make_channel("gone")
    moment = clock.now()
    both = [BreakerChange(one.id, ChannelEvent.Kind.GATE_CLOSED, moment) for one in (gone, channel)]
    Channel.objects.filter(id=gone.id).delete()

    channel_events.write(both, worker=WORKER)

    assert ChannelEvent.objects.get().channel_id == channel.id
