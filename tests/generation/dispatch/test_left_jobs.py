"""Orders whose generation has ended are cancelled; the answer decides the cost alone."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import F

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from generation.background import reaper
from generation.catalogue.credentials import encrypted
from generation.dispatch import left_jobs, takeover
from generation.models import Attempt, Channel, Generation
from generation.oversight.interventions import end_as_failed
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.words import clock
from tests.fakes.raw_server import hangs
from tests.generation.dispatch.following import Shop, registered, shop
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.usefixtures("pooled_connections", "channel")

Ending = Callable[[], object]


@pytest.fixture(autouse=True)
def known_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)


def at_its_third_death() -> None:
    Generation.objects.update(deaths=2)


def in_its_last_dispatch() -> None:
    Generation.objects.update(dispatch=9)
    Attempt.objects.update(dispatch=9)


def past_its_deadline() -> None:
    Generation.objects.update(deadline_at=F("created_at") - timedelta(seconds=1))


def by_an_operator() -> None:
    ended = end_as_failed(
        generation=Generation.objects.get(), reason="stuck", actor="Ann", now=clock.now()
    )
    assert [bill.cost for bill in ended.may_bill] == [30_000]


def allowed(monkeypatch: pytest.MonkeyPatch, here: Shop) -> None:
    """The channel may call the vendor, under whatever address it has itself."""
    there = here.upstream.host_port
    monkeypatch.setattr(settings, "EGRESS_ALLOW", [there, f"one={there}"])


def reaped() -> None:
    reaper.reap(now=clock.now())


async def left_by(here: Shop, made: Generation, change: Ending) -> None:
    """Its worker dies after an order, and a reaper finds that."""
    worker = await here.begun(made)
    worker.cancel()
    await pools.database(change)
    await here.taken_back(worker)
    await pools.database(reaped)


@pytest.mark.parametrize(
    "change", [at_its_third_death, in_its_last_dispatch, past_its_deadline, by_an_operator]
)
def test_whoever_ends_a_generation_has_its_orders_cancelled_once(
    acme: PayingCustomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Ending
) -> None:
    made = acme.generation()

    async def journey() -> list[str]:
        async with shop(tmp_path) as here:
            allowed(monkeypatch, here)
            await left_by(here, made, change)
            return here.vendor.cancels

    assert asyncio.run(journey()) == ["job-1"]
    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.may_have_billed, attempt.jobs) == ("unknown", True, None)
    assert attempt.upstream_request_id == "job-1"
    assert [*Transfer.objects.filter(kind="loss").values_list("amount")] == [(30_000,)]
    assert ledger_findings() == []


def test_orders_that_surely_never_ran_cost_nothing(acme, tmp_path, monkeypatch):
    made = acme.generation(n=2)

    async def journey() -> list[str]:
        async with shop(tmp_path, never_ran=True) as here:
            allowed(monkeypatch, here)
            await left_by(here, made, at_its_third_death)
            return here.vendor.cancels

    assert asyncio.run(journey()) == ["job-1", "job-2"]
    made.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (made.state, made.error["code"]) == ("failed", "upstream_error")
    assert (attempt.attempt_class, attempt.may_have_billed) == ("refused", False)
    assert (attempt.cost_micros, attempt.cost_source) == (0, "nothing")
    assert not Transfer.objects.filter(kind="loss").exists()


def at_its_third_death_with_a_job_unwritten() -> None:
    at_its_third_death()
    jobs = Attempt.objects.values_list("jobs", flat=True).get()
    Attempt.objects.update(jobs=(jobs or [])[1:])


def test_the_end_of_an_order_that_was_not_written_is_unknown(acme, tmp_path, monkeypatch):
    made = acme.generation(n=2)

    async def journey() -> list[str]:
        async with shop(tmp_path, never_ran=True) as here:
            allowed(monkeypatch, here)
            await left_by(here, made, at_its_third_death_with_a_job_unwritten)
            return here.vendor.cancels

    assert asyncio.run(journey()) == ["job-2"]
    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.may_have_billed) == ("unknown", True)


@pytest.mark.parametrize("is_over", [False, True], ids=["held", "past its deadline"])
def test_an_order_that_no_row_names_is_cancelled_once_the_database_is_back(
    acme, tmp_path, monkeypatch, is_over
):
    monkeypatch.setattr(takeover, "WRITE_SECONDS", 0.01)
    Channel.objects.update(timeout_seconds=1)
    acme.generation()
    asked, is_back = asyncio.Event(), asyncio.Event()

    async def away(statement: Any) -> Any:
        if is_back.is_set():
            return await fetch_async(statement)
        if "SET jobs" not in statement.text:  # its time is up
            asked.set()
        raise OperationalError("the database is away")

    async def journey() -> list[str]:
        async with shop(tmp_path) as here:
            allowed(monkeypatch, here)
            monkeypatch.setattr(takeover, "fetch_async", away)
            worker = asyncio.create_task(here.followed())
            await asked.wait()
            if is_over:
                await pools.database(past_its_deadline)
                await pools.database(reaped)
            is_back.set()
            await worker
            return here.vendor.cancels

    assert asyncio.run(journey()) == ["job-1"]
    assert Attempt.objects.get().attempt_class == "unknown"
    assert ledger_findings() == []


def another_origin() -> None:
    Channel.objects.update(base_url="https://elsewhere.example/v1")


def no_key() -> None:
    Channel.objects.update(credentials="")


def foreign_key() -> None:
    Channel.objects.update(credentials="encrypted elsewhere")


@pytest.mark.parametrize("change", [another_origin, no_key, foreign_key])
def test_no_key_follows_to_an_origin_that_the_channel_has_left(acme, tmp_path, monkeypatch, change):
    made = acme.generation()

    async def journey() -> list[str]:
        async with shop(tmp_path, never_ran=True) as here:
            allowed(monkeypatch, here)
            await here.begun(made)
            await pools.database(Generation.objects.update, deaths=2)
            await pools.database(change)
            await left_by_all(here)
            return [call.method for call in here.upstream.received]

    assert "DELETE" not in asyncio.run(journey())
    assert Attempt.objects.get().attempt_class == "unknown"


async def left_by_all(here: Shop) -> None:
    for worker in here.workers:
        worker.cancel()
        await here.taken_back(worker)


def test_the_present_key_is_used(acme, tmp_path, monkeypatch):
    made = acme.generation()

    async def journey() -> Any:
        async with shop(tmp_path, never_ran=True) as here:
            allowed(monkeypatch, here)
            here.vendor.key = "sk-upstream"
            await here.begun(made)
            await pools.database(Generation.objects.update, deaths=2)
            here.vendor.key = "sk-rotated"
            await pools.database(Channel.objects.update, credentials=encrypted("sk-rotated"))
            await left_by_all(here)
            return here.vendor.cancels

    assert asyncio.run(journey()) == ["job-1"]
    assert Attempt.objects.get().attempt_class == "refused"


def test_a_vendor_that_hangs_holds_up_a_reaper_for_seconds_only(acme, tmp_path, monkeypatch):
    monkeypatch.setattr(left_jobs, "SECONDS", 0.2)
    made = [acme.generation() for _ in range(3)]
    seen: list[bool] = []

    async def journey() -> float:
        async with shop(tmp_path) as here:
            allowed(monkeypatch, here)
            await here.begun(*made)
            await pools.database(Generation.objects.update, deaths=2)

            async def hanging(request: Any, writer: Any) -> None:
                seen.append(connection.in_atomic_block)
                await hangs(request, writer)

            here.upstream.script = hanging
            loop = asyncio.get_running_loop()
            began = loop.time()
            await left_by_all(here)
            return loop.time() - began

    assert asyncio.run(journey()) < 2.0
    assert seen == [False] * 3
    assert [*Attempt.objects.values_list("attempt_class", flat=True)] == ["unknown"] * 3
