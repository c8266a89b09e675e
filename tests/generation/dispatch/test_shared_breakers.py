"""Workers share open breakers: a dead first channel is probed once per pause by all of them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F

from generation import pipeline
from generation.catalogue.credentials import encrypted
from generation.catalogue.selection import candidates
from generation.catalogue.snapshot import current_catalogue
from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey, WonProbe
from generation.channels.errors import AttemptClass
from generation.dispatch import breaker_events, choosing
from generation.dispatch.channel_health import Health
from generation.dispatch.choosing import Chooser
from generation.dispatch.service import Dispatcher
from generation.lifecycle import lease
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from generation.models import Attempt, Channel, Generation, OpenBreaker
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.fakes.raw_server import RawServer, Script, running, says
from tests.generation.dispatch.carrying import ONE_IMAGE
from tests.making.factories import ORIGIN, make_channel, make_worker, open_gate, route_info
from tests.stack.databases import wait_for_a_blocked_session


@dataclass
class Fleet:
    """Two workers, and the upstreams of the channels `one` and `two`."""

    dispatchers: dict[WorkerEpoch, Dispatcher]
    one: RawServer
    two: RawServer
    later: float = 0.0

    async def carry(self, made: Sequence[Generation]) -> list[int]:
        """Let both carry one half each, at once; returns each one's calls of the first channel."""
        halves = [made[::2], made[1::2]]
        await asyncio.gather(
            *(
                pipeline.run(ring=Ring.of(one), worker=worker, dispatcher=dispatcher)
                for (worker, dispatcher), half in zip(self.dispatchers.items(), halves, strict=True)
                for one in half
            )
        )
        first = Attempt.objects.filter(channel__name="one")
        return [await pools.database(first.filter(generation__in=half).count) for half in halves]

    async def beat(self) -> None:
        """Both write what they saw; then both renew their lease, and hear of the other's."""
        for worker, dispatcher in self.dispatchers.items():
            changes = dispatcher.changes
            changed = dict(changes.unwritten)
            await pools.database(
                breaker_events._write,  # noqa: SLF001 - what it does each second
                changes.take(),
                changed,
                changes.unsent,
                worker=worker,
            )
            changes.unwritten.clear()
            changes.unsent.clear()
        for worker, dispatcher in self.dispatchers.items():
            found = await pools.database(lease.renew, worker=worker)
            assert found is not None
            dispatcher.learn(found, now=time.monotonic() + self.later)

    async def pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the pauses end, of twelve seconds at most."""
        self.later = 12.0
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + self.later)
        monkeypatch.setattr(choosing, "time", later)
        await pools.database(OpenBreaker.objects.update, until=clock.now())
        await self.beat()


@pytest.fixture
def with_fleet(acme, tmp_path, pooled_connections):
    make_channel("two", priority=20)

    def run(journey: Callable[[Fleet], Awaitable[None]], *, status: int, body: Any) -> None:
        dead = says(json.dumps(body).encode(), status=status, headers={"Retry-After": "0"})
        asyncio.run(_with_fleet(journey, tmp_path, dead))

    return run


async def _with_fleet(
    journey: Callable[[Fleet], Awaitable[None]], folder: Path, dead: Script
) -> None:
    async with AsyncExitStack() as upstreams:
        one = await upstreams.enter_async_context(running(dead))
        two = await upstreams.enter_async_context(running(says(ONE_IMAGE)))
        key = await pools.database(encrypted, "sk-upstream")
        for name, upstream in (("one", one), ("two", two)):
            channel = Channel.objects.filter(name=name)
            await pools.database(channel.update, base_url=upstream.url, credentials=key)
        await pools.database(current_catalogue)
        http, spools = HttpPools(), Spools(folder, SpoolBudget(400_000_000))
        allow = [one.host_port, two.host_port]
        dispatchers = {
            await pools.database(make_worker): Dispatcher(
                http=http, allow=allow, spools=spools, gate=open_gate()
            )
            for _ in range(2)
        }
        try:
            await journey(Fleet(dispatchers, one, two))
        finally:
            await http.aclose()


REFUSALS = {
    "openai 401": (401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key"}}),
    "openai 403": (403, {"error": {"message": "Your organisation may not use this model"}}),
    "openai 429": (429, {"error": {"code": "rate_limit_exceeded", "message": "Slow down"}}),
    "openai 503": (503, {"error": {"message": "The engine is overloaded"}}),
    "openai 400": (
        400,
        {"error": {"code": "billing_hard_limit_reached", "message": "Billing hard limit reached"}},
    ),
    "azure_openai 401": (401, {"error": {"code": "401", "message": "invalid subscription key"}}),
    "fal 403": (403, {"detail": "User is locked. Reason: Exhausted balance."}),
    "gemini 400": (
        400,
        {
            "error": {
                "status": "INVALID_ARGUMENT",
                "message": "API key not valid.",
                "details": [{"reason": "API_KEY_INVALID"}],
            }
        },
    ),
}
"""By the kind of channel, its answer to every order."""


@pytest.mark.parametrize("refusal", REFUSALS)
def test_of_forty_requests_forty_go_through_the_second_channel(
    acme, with_fleet, monkeypatch, refusal
):
    made = [acme.generation() for _ in range(44)]
    kind, (status, body) = refusal.split()[0], REFUSALS[refusal]
    settings = {"api_version": "v1"} if kind == "azure_openai" else {}
    Channel.objects.filter(name="one").update(kind=kind, settings=settings)
    calls = []

    async def journey(fleet: Fleet) -> None:
        calls.append(await fleet.carry(made[:20]))
        await fleet.beat()
        calls.append(await fleet.carry(made[20:40]))
        await fleet.pause(monkeypatch)
        calls.append(await fleet.carry(made[40:]))

    with_fleet(journey, status=status, body=body)

    assert max(calls[0]) <= 4
    assert calls[1] == [0, 0]
    assert sum(calls[2]) == 1
    delivered = Attempt.objects.filter(attempt_class="delivered", channel__name="two")
    assert delivered.count() == 44
    assert Generation.objects.filter(state="succeeded").count() == 44


# --- each worker's view, on a clock of the test's own -------------------------------------------


class View:
    """One worker's view of the channel `one`, and what it tells and hears of its breakers."""

    def __init__(self, channel: Channel) -> None:
        self.health = Health()
        self.route = route_info(channel_id=channel.id)

    def call(self, now: float, ended: str = "delivered") -> None:
        call = self.health.started(self.route, tenant=new_uuid())
        failed_as = None if ended == "delivered" else AttemptClass(ended)
        self.health.ended(call, failed_as=failed_as, retry_after=None, now=now)

    def break_down(self) -> None:
        """Open the breaker of the model at second 0."""
        for _ in range(3):
            self.call(0, "unknown")

    def write(self) -> None:
        open_breakers.write(self.health.changes.unwritten)
        self.health.changes.unwritten.clear()

    def hear(self, now: float) -> None:
        self.health.learn(open_breakers.open_now(), now=now)

    def is_usable(self, now: float) -> bool:
        return self.health.is_usable(self.route, now=now)

    def events(self) -> list[tuple[str, float | None]]:
        return [(change.kind.value, change.seconds) for change in self.health.changes.take()]


@pytest.fixture
def views(channel):
    """The first has opened the breaker, and the second has heard of it."""
    first, second = View(channel), View(channel)
    first.break_down()
    first.write()
    second.hear(now=0)
    return first, second


def test_a_worker_without_a_call_of_its_own_leaves_what_another_found_broken(views):
    _, second = views

    assert [second.is_usable(now) for now in (0, 9, 10)] == [False, False, True]
    assert second.health.probe_of(second.route, now=10) == [
        BreakerKey(second.route.channel_id, 0, ORIGIN)
    ]
    assert second.health.is_only_broken(second.route, now=0) is True
    assert second.events() == [("breaker_opened", 10.0)]


def test_a_channel_is_well_while_no_breaker_and_no_wrong_size_speaks_against_it(views, channel):
    view, (_, broken) = View(channel), views
    view.health.delivered(view.route, size="512x512", was_right=False, now=0)

    sizes = ("1024x1024", "512x512")
    assert [view.health.is_well(view.route, size, now=10) for size in sizes] == [True, False]
    assert broken.is_usable(10) is True
    assert broken.health.is_well(broken.route, "1024x1024", now=10) is False


def test_a_probe_that_is_due_need_not_wait_for_the_outcome_of_other_calls(channel):
    view = View(channel)
    calls = [view.health.started(view.route, tenant=new_uuid()) for _ in range(4)]
    for call in calls:
        view.health.ended(call, failed_as=AttemptClass.UNKNOWN, retry_after=None, now=0)

    assert view.is_usable(10) is True
    assert view.health.is_known(view.route, now=10) is True


def test_a_probe_that_fails_doubles_the_pause_of_all(views):
    first, second = views

    second.call(10, "unknown")
    second.write()
    first.hear(now=10)

    assert [first.is_usable(now) for now in (10, 29, 30)] == [False, False, True]
    assert OpenBreaker.objects.get().pause == 20


def test_a_probe_that_goes_well_closes_the_breaker_of_all(views):
    first, second = views
    first.events()
    first.hear(now=1)

    second.call(10)
    second.write()
    first.hear(now=10)

    assert not OpenBreaker.objects.exists()
    assert first.is_usable(10) is True
    first.health.started(first.route, tenant=new_uuid())
    assert first.health.is_known(first.route, now=10) is True
    assert first.events() == [("breaker_closed", None)]
    assert second.events() == [("breaker_opened", 10.0), ("breaker_closed", None)]


def test_what_was_closed_here_is_not_opened_by_a_row_that_is_yet_to_be_deleted(views):
    _, second = views
    second.call(5)
    usable = [second.is_usable(5)]

    second.hear(now=5)

    assert [*usable, second.is_usable(5)] == [True, True]


def test_what_was_closed_here_is_not_opened_by_a_reading_from_before_that(views):
    _, second = views
    stale = open_breakers.open_now()
    second.call(5)
    second.write()

    second.health.learn(stale, now=6)
    at_once = second.is_usable(6)
    second.hear(now=9)

    assert [at_once, second.is_usable(9)] == [True, True]


def test_what_was_opened_here_is_not_closed_before_it_is_written(views):
    first, second = views
    second.call(10, "unknown")
    first.call(10)
    first.write()

    second.hear(now=10)

    assert [second.is_usable(now) for now in (29, 30)] == [False, True]


def test_a_probe_under_way_anywhere_keeps_the_breaker_shut_for_a_pause(views):
    _, second = views

    second.health.probed(second.health.probe_of(second.route, now=10), now=10)

    assert [second.is_usable(now) for now in (10, 19, 20)] == [False, False, True]


def test_a_reset_channel_is_usable_and_its_rows_do_not_count(views):
    first, second = views
    assert second.is_usable(0) is False
    Channel.objects.update(reset_count=1)
    fresh = replace(first.route, reset_count=1)

    usable = [view.health.is_usable(fresh, now=0) for view in views]
    second.hear(now=0)

    assert usable == [True, True]
    assert open_breakers.open_now() == []
    assert second.events() == [("breaker_opened", 10.0), ("breaker_closed", None)]


def test_a_breaker_of_a_deleted_channel_is_not_written_and_an_old_one_is_forgotten(views):
    gone = make_channel("gone")
    Channel.objects.filter(id=gone.id).delete()

    open_breakers.write({BreakerKey(gone.id, 0, ""): 10.0})
    kept = [OpenBreaker.objects.count()]
    for hours in (23, 25):
        open_breakers.forget_old(now=clock.now() + timedelta(hours=hours))
        kept.append(OpenBreaker.objects.count())

    assert kept == [1, 1, 0]


# --- the one probe ------------------------------------------------------------------------------


def keys_of(channel: Channel, *models: str) -> list[BreakerKey]:
    return [BreakerKey(channel.id, 0, model) for model in models]


def due(keys: Sequence[BreakerKey]) -> None:
    open_breakers.write(dict.fromkeys(keys, 10.0))
    OpenBreaker.objects.update(until=clock.now())


def test_of_two_workers_at_once_one_wins_the_probe(channel, pooled_connections):
    keys = keys_of(channel, ORIGIN, "")
    due(keys)

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            first = open_breakers.win(keys)
            second = pool.submit(_in_thread, keys)
            wait_for_a_blocked_session()
        assert [first is not None, second.result()] == [True, None]

    assert [round(one.seconds) for one in open_breakers.open_now()] == [10, 10]


def _in_thread(keys: Sequence[BreakerKey]) -> WonProbe | None:
    with closing(connection):
        return open_breakers.win(keys)


def test_no_probe_is_won_while_one_of_its_breakers_is_not_due(channel):
    keys = keys_of(channel, ORIGIN, "")
    due(keys)
    OpenBreaker.objects.filter(model="").update(until=F("until") + timedelta(minutes=1))

    assert open_breakers.win(keys) is None
    assert open_breakers.win(keys[:1]) is not None
    assert open_breakers.win(keys[:1]) is None


@pytest.fixture
def choosing_one(channel):
    """Choose for one request; the channel `one` is due a probe, `two` is behind it."""
    make_channel("two", priority=20)
    due(keys_of(channel, ORIGIN))
    chooser = Chooser()
    chooser.learn(open_breakers.open_now(), now=time.monotonic())

    def choose(*names: str) -> list[str]:
        return asyncio.run(_chosen(chooser, names))

    return choose


async def _chosen(chooser: Chooser, names: Sequence[str]) -> list[str]:
    catalogue = await pools.database(current_catalogue)
    routes = catalogue.routes_for(ORIGIN, livemode=True)
    of_names = [route for route in routes if route.channel_name in names]
    contract = catalogue.contracts[ORIGIN]
    queue = candidates(of_names, contract=contract, size="1024x1024", roll=lambda: 0.5)
    with chooser.opening(ORIGIN, "1024x1024", new_uuid()) as opening:
        found = ["" if opening is None else opening.candidate.route.channel_name]
    for _ in range(2):
        candidate, _ = await chooser.next_of(queue, tenant=new_uuid(), seconds_left=60)
        found.append(candidate.route.channel_name)
    return found


def test_a_probe_is_not_chosen_before_the_claim_and_the_next_request_goes_on(
    choosing_one, pooled_connections
):
    assert choosing_one("one", "two") == ["", "one", "two"]


@pytest.mark.parametrize("is_away", [False, True], ids=["lost", "no database"])
def test_a_request_that_does_not_win_the_probe_goes_to_the_next_channel(
    choosing_one, pooled_connections, monkeypatch, is_away
):
    tries = []

    def win(keys: Sequence[BreakerKey]) -> None:
        tries.append(keys)
        if is_away:
            raise OperationalError("the server closed the connection")

    monkeypatch.setattr(open_breakers, "win", win)

    assert choosing_one("one", "two") == ["", "two", "two"]
    assert len(tries) == 1


def test_the_only_channel_is_called_with_its_probe_lost(
    choosing_one, pooled_connections, monkeypatch
):
    Channel.objects.filter(name="one").update(max_concurrency=2)  # a lost probe takes no place
    monkeypatch.setattr(open_breakers, "win", lambda _: None)

    assert choosing_one("one")[1:] == ["one", "one"]
