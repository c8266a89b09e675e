"""ComfyUI's orders are paid once from the moment that their id is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from billing.selectors.office.ledger import ledger_findings
from generation.channels.comfyui.kind import GRAPHS
from generation.dispatch import takeover
from generation.models import Attempt, Generation, Route
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import fetch_async
from tests.fakes.comfy_server import MAP, ComfyServer
from tests.generation.dispatch.carrying import png
from tests.generation.dispatch.following import (
    LEAVING,
    Leaving,
    Shop,
    died,
    paid,
    shop_of,
    until,
)
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.usefixtures("pooled_connections", "channel")

PRICE = 52_680


@asynccontextmanager
async def comfy(folder: Path, *, is_busy: bool = True) -> AsyncIterator[tuple[Shop, ComfyServer]]:
    """A ComfyUI that works on its orders until the test lets them end."""
    server = ComfyServer(png())
    if is_busy:
        server.may_end.clear()
    await pools.database(Route.objects.update, field_map=GRAPHS.checked(MAP))
    async with shop_of(server, server, folder, kind="comfyui") as opened:
        yield opened, server


async def ordered(server: ComfyServer, count: int) -> None:
    """Wait until ComfyUI has so many orders."""
    async with asyncio.timeout(60):
        while len(server.orders) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("leave", LEAVING)
def test_what_a_worker_leaves_is_delivered_from_its_orders(
    acme: PayingCustomer, tmp_path: Path, leave: Leaving
) -> None:
    made = [acme.generation() for _ in range(3)]

    async def journey() -> list[str]:
        async with comfy(tmp_path) as (here, server):
            first = await here.begun(*made)
            await ordered(server, 3)
            await leave(here, first)
            server.may_end.set()
            await here.followed()
            return sorted(name for name, _ in server.orders)

    names = asyncio.run(journey())

    assert len({*names}) == len(names) == 3
    assert set(Generation.objects.values_list("state", "dispatch")) == {("succeeded", 2)}
    ids = Attempt.objects.values_list("upstream_request_id", flat=True)
    assert sorted(ids) == names
    assert paid() == [("capture", PRICE)] * 3 + [("upstream_cost", 30_000)] * 3
    assert ledger_findings() == []


def test_a_worker_that_dies_between_the_written_id_and_its_order_is_taken_over_by_one_order(
    acme, tmp_path, monkeypatch
):
    made = acme.generation()
    write = takeover._write  # noqa: SLF001 - the moment after it is the one in question

    async def written_and_stuck(*arguments: Any) -> bool:
        await write(*arguments)
        await asyncio.Event().wait()
        return True

    async def journey() -> tuple[int, list[str]]:
        async with comfy(tmp_path, is_busy=False) as (here, server):
            monkeypatch.setattr(takeover, "_write", written_and_stuck)
            first = await here.begun(made)
            before = len(server.orders)
            await died(here, first)
            await here.followed()
            return before, [name for name, _ in server.orders]

    before, names = asyncio.run(journey())

    made.refresh_from_db()
    assert (made.state, made.dispatch, before, len(names)) == ("succeeded", 2, 0, 1)
    assert Attempt.objects.get().upstream_request_id == names[0]
    assert paid() == [("capture", PRICE), ("upstream_cost", 30_000)]


def test_a_late_worker_whose_id_was_not_written_orders_nothing(acme, tmp_path, monkeypatch):
    made = acme.generation()
    is_back = asyncio.Event()
    waiting: list[Any] = []

    async def away_at_first(statement: Any) -> Any:
        if not waiting and "SET jobs =" in statement.text:
            waiting.append(statement)
            await is_back.wait()
        return await fetch_async(statement)

    monkeypatch.setattr(takeover, "fetch_async", away_at_first)

    async def journey() -> int:
        async with comfy(tmp_path, is_busy=False) as (here, server):
            late = await here.started(made)
            await until(lambda: bool(waiting))
            await here.taken_back(late)
            await here.followed()
            is_back.set()
            await late
            return len(server.orders)

    assert asyncio.run(journey()) == 1
    made.refresh_from_db()
    assert made.state == "succeeded"


def test_nothing_is_ordered_before_its_id_is_written(acme, tmp_path, monkeypatch):
    made = acme.generation()
    failures, orders = [OperationalError("the database is away")] * 2, []

    async def journey() -> None:
        async with comfy(tmp_path, is_busy=False) as (here, server):

            async def away_twice(statement: Any) -> Any:
                if "SET jobs =" in statement.text:
                    orders.append(len(server.orders))
                    if failures:
                        raise failures.pop()
                return await fetch_async(statement)

            monkeypatch.setattr(takeover, "fetch_async", away_twice)
            await here.followed()

    asyncio.run(journey())

    made.refresh_from_db()
    assert (made.state, orders) == ("succeeded", [0, 0, 0])


def test_an_order_that_was_turned_away_goes_to_no_takeover(acme, tmp_path):
    made = acme.generation()

    async def journey() -> int:
        async with comfy(tmp_path, is_busy=False) as (here, server):
            typed = {**MAP, "graph": {**MAP["graph"], "8": {"inputs": {}}}}
            await pools.database(Route.objects.update, field_map=GRAPHS.checked(typed))
            await here.followed()
            return len(server.orders)

    assert asyncio.run(journey()) == 0
    made.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (made.state, attempt.attempt_class, attempt.may_have_billed) == (
        "failed",
        "refused",
        False,
    )
    assert (attempt.jobs, paid()) == (None, [])
