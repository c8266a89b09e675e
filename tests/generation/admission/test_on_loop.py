"""A request's way to its hold on an event loop: one, many at once, and with failures."""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection

from billing.selectors.office.ledger import ledger_findings
from generation.admission import idempotency, service
from generation.admission.retry_shield import InDoubt
from generation.admission.waiting_callers import callers
from generation.models import Generation
from pictor.kit.database import batches, loop_connections, pools
from pictor.kit.database.loop_connections import LoopConnections
from pictor.kit.endpoints.body import MAX_SHORT_BYTES
from pictor.kit.endpoints.errors import as_pictor_error
from pictor.kit.redis import client as redis_client
from pictor.kit.words.errors import (
    IdempotencyKeyReused,
    InsufficientQuota,
    NotFound,
    PictorError,
    Unavailable,
)
from tests.generation.admission.arriving import Request, asked, money
from tests.making.factories import PayingCustomer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pooled_connections")]

CLOSED = "redis://127.0.0.1:1/0"
ANSWERED, LEFT = True, False


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop of a web process."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def acme(pooled_connections: None, channel: object) -> PayingCustomer:
    return PayingCustomer("acme")


@pytest.fixture
def poor(pooled_connections: None, channel: object) -> PayingCustomer:
    """With a balance for ten."""
    return PayingCustomer("poor", balance=526_800)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock waits without a time limit, however slow the machine is."""
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c lock_timeout=0 -c statement_timeout=60000")


@contextmanager
def nothing_is_written() -> Iterator[None]:
    """Keep every writer of generations waiting until the block ends."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE generation_generation IN SHARE MODE")
        yield


WAITING = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)  # between two looks


async def test_a_request_is_admitted_and_its_worker_told(acme, doorbell):
    request = Request.of(acme)

    admitted = await request.submitted()

    assert admitted.is_new
    assert admitted.generation.id == request.id
    assert await money(acme) == (9_947_320, 52_680)
    assert doorbell() == 1
    assert int(admitted.headers["x-ratelimit-limit-requests"]) > 0


async def test_once_the_catalogue_is_read_no_thread_is_needed(acme, monkeypatch):
    await Request.of(acme).submitted()

    async def refused(*_: object) -> None:
        raise AssertionError("a thread")

    monkeypatch.setattr(pools, "database", refused)

    assert (await Request.of(acme).submitted()).is_new


@pytest.mark.parametrize("length", [10, MAX_SHORT_BYTES])
async def test_only_what_is_short_is_read_and_digested_on_the_loop(acme, monkeypatch, length):
    where: set[int] = set()

    def digest_of(request: Mapping[str, Any]) -> bytes:
        where.add(threading.get_ident())
        return b"\0" * 32

    monkeypatch.setattr(idempotency, "digest_of", digest_of)
    admitted = await Request.of(acme, prompt="x" * length).submitted()

    assert admitted.is_new
    assert (threading.get_ident() in where) is (length == 10)


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"model": "gpt-image-9"}, NotFound), ({"n": 10, "quality": "high"}, InsufficientQuota)],
)
async def test_a_refused_request_holds_nothing(poor, fields, error):
    with pytest.raises(error):
        await Request.of(poor, **fields).submitted()

    assert await money(poor) == (526_800, 0)
    assert not await pools.database(Generation.objects.exists)


async def test_exactly_ten_of_forty_at_once_are_admitted_on_a_balance_for_ten(poor):
    async def outcome() -> object:
        try:
            return (await Request.of(poor).submitted()).is_new
        except PictorError as error:
            return type(error).__name__

    outcomes = await asyncio.gather(*(outcome() for _ in range(40)))

    assert Counter(outcomes) == {True: 10, "InsufficientQuota": 30}
    assert await money(poor) == (0, 526_800)
    assert await pools.database(ledger_findings) == []


async def test_equal_requests_at_once_under_one_key_are_one_order(acme):
    admitted = await asyncio.gather(*(Request.of(acme, key="k").submitted() for _ in range(12)))

    assert Counter(one.is_new for one in admitted) == {True: 1, False: 11}
    assert len({one.generation.id for one in admitted}) == 1
    assert await money(acme) == (9_947_320, 52_680)
    with pytest.raises(IdempotencyKeyReused):
        await Request.of(acme, key="k", prompt="a wolf").submitted()


async def test_a_caller_leaving_during_the_hold_is_recorded_and_its_retry_finds_the_image(acme):
    first, again = Request.of(acme), Request.of(acme, is_retry=True)
    with nothing_is_written():
        submitting = asyncio.create_task(first.submitted())
        await until(lambda: asked(WAITING))
        submitting.cancel()
        first.ended(was_answered=LEFT)
        await until(submitting.done)
    await pools.admission().finish(within_seconds=30)

    admitted = await again.submitted()

    assert submitting.cancelled()
    assert (admitted.is_new, admitted.generation.id) == (False, first.id)
    assert await money(acme) == (9_947_320, 52_680)


async def test_a_caller_leaving_before_its_turn_costs_nothing(acme):
    first, then = Request.of(acme), Request.of(acme)
    async with all_turns_taken():
        submitting = asyncio.create_task(first.submitted())
        await asyncio.sleep(0)
        submitting.cancel()
        first.ended(was_answered=LEFT)

    admitted = await then.submitted()

    assert submitting.cancelled()
    assert admitted.is_new
    assert await money(acme) == (9_947_320, 52_680)


async def test_a_caller_leaving_before_the_connection_is_made_has_no_hold(acme, monkeypatch):
    first, again = Request.of(acme), Request.of(acme, is_retry=True)
    lend, lent = LoopConnections.lend, []

    async def slow(connections: LoopConnections) -> Any:
        lent.append(await lend(connections))
        if len(lent) == 2:  # the first was for the key's look-up
            first.ended(was_answered=LEFT)
        return lent[-1]

    monkeypatch.setattr(LoopConnections, "lend", slow)
    with pytest.raises(Unavailable, match="Nothing was charged"):
        await first.submitted()
    admitted = await again.submitted()

    assert admitted.is_new
    assert await money(acme) == (9_947_320, 52_680)


@asynccontextmanager
async def all_turns_taken() -> AsyncIterator[None]:
    ends = asyncio.Event()
    takers = [asyncio.create_task(pools.admission().run(n, ends.wait)) for n in range(64)]
    await asyncio.sleep(0)
    yield
    ends.set()
    await asyncio.gather(*takers)


async def test_a_retry_finds_the_image_when_the_holds_answer_was_lost(acme):
    for prompt in ("a wolf", "a hare"):  # a second hold's statement differs
        await Request.of(acme, prompt=prompt).submitted()
    (free,) = (await loop_connections.of_this_loop()).free
    lost, again = Request.of(acme), Request.of(acme, is_retry=True)

    wire = socket.socket(fileno=os.dup(free.cursor.connection.pgconn.socket))
    with wire, nothing_is_written():
        submitting = asyncio.create_task(lost.submitted())
        await until(lambda: asked(WAITING))
        wire.shutdown(socket.SHUT_RDWR)
        with pytest.raises(InDoubt):
            await submitting
        lost.ended(was_answered=ANSWERED)  # answered with an error, which does not count here
    await until(lambda: lost.id in committed())
    await callers._left.written()  # noqa: SLF001 - a process says so at its end alone
    admitted = await again.submitted()

    assert (admitted.is_new, admitted.generation.id) == (False, lost.id)
    assert await money(acme) == (10_000_000 - 3 * 52_680, 3 * 52_680)


async def test_each_of_a_batch_finds_its_image_when_their_holds_answer_was_lost(acme, monkeypatch):
    monkeypatch.setattr(loop_connections, "CONNECTIONS", 1)
    await Request.of(acme).submitted()
    monkeypatch.setattr(batches, "PATIENCE", 60)
    monkeypatch.setattr(batches._Pace, "distance", lambda *_, **__: 60)  # noqa: SLF001 - all wait
    monkeypatch.setattr(batches, "MOST", 3)  # the third goes with those that wait
    (free,) = (await loop_connections.of_this_loop()).free
    prompts = ("a wolf", "a hare", "an owl")
    lost = [Request.of(acme, prompt=prompt) for prompt in prompts]

    wire = socket.socket(fileno=os.dup(free.cursor.connection.pgconn.socket))
    with wire, nothing_is_written():
        submitting = [asyncio.create_task(one.submitted()) for one in lost]
        await until(lambda: asked(WAITING))
        wire.shutdown(socket.SHUT_RDWR)
        failed = await asyncio.gather(*submitting, return_exceptions=True)
        for one in lost:
            one.ended(was_answered=ANSWERED)
    await until(lambda: {one.id for one in lost} <= {*committed()})
    await callers._left.written()  # noqa: SLF001 - as above
    again = [await Request.of(acme, prompt=it, is_retry=True).submitted() for it in prompts]

    assert [type(error) for error in failed] == [InDoubt] * 3
    assert [one.generation.id for one in again] == [one.id for one in lost]
    assert await money(acme) == (10_000_000 - 4 * 52_680, 4 * 52_680)


def committed() -> list[UUID]:
    return asked("SELECT id FROM generation_generation")


async def test_an_unreachable_database_leaves_no_doubt_that_nothing_is_held(acme, monkeypatch):
    await Request.of(acme).submitted()
    request = Request.of(acme)

    new_generation, connections = service.new_generation, await loop_connections.of_this_loop()

    def goes_away(*args: Any, **kwargs: Any) -> Generation:
        for free in connections.free:
            free.cursor.connection.pgconn.finish()
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        return new_generation(*args, **kwargs)

    # this check runs just before the hold
    monkeypatch.setattr(service, "new_generation", goes_away)
    with pytest.raises(OperationalError) as refused:
        await request.submitted()
    monkeypatch.undo()

    answer = as_pictor_error(refused.value)
    assert (answer.status, answer.headers["x-ratelimit-limit-requests"]) == (503, "1000000")
    assert await money(acme) == (9_947_320, 52_680)


async def test_without_redis_it_is_admitted_and_its_limits_are_kept(acme, settings, caplog):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = CLOSED
    redis_client.forget_client()

    admitted = await Request.of(acme).submitted()

    assert admitted.is_new
    assert "rate limits are kept locally" in caplog.text
    assert "bells are not heard" in caplog.text


async def test_a_redis_that_is_silent_holds_nobody_up_for_long(acme, settings):
    settings.REDIS_TIMEOUT_SECONDS = 0.1
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        redis_client.forget_client()
        together = asyncio.gather(*(Request.of(acme).submitted() for _ in range(20)))
        async with asyncio.timeout(5):
            admitted = await together

    assert [one.is_new for one in admitted] == [True] * 20
