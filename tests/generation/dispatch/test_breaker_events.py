"""Turns at a channel that is at its cap: the tenant with fewest calls in flight goes first."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from generation.catalogue.plans import Candidate
from generation.catalogue.selection import candidates
from generation.dispatch.choosing import Chooser
from generation.dispatch.circuits import UpstreamCall
from pictor.kit.words.ids import new_uuid
from tests.making.factories import contract_of, route_info

pytestmark = pytest.mark.anyio

GREEDY, OTHER = new_uuid(), new_uuid()


def queue_of(cap: int) -> list[Candidate]:
    """Candidates for a single channel with this cap."""
    routes = [route_info(max_concurrency=cap)]
    contract = contract_of("gpt-image-2")
    return candidates(routes, contract=contract, size="1024x1024", roll=lambda: 0.5)


class Line:
    """Tenants waiting at the channel, and those let in, in order."""

    def __init__(self, cap: int) -> None:
        self.chooser = Chooser()
        self.let_in: list[UUID] = []
        self.calls: list[UpstreamCall] = []
        self._queue = queue_of(cap)

    async def wait(self, tenant: UUID) -> None:
        _, call = await self.chooser.next_of(self._queue, tenant=tenant, seconds_left=60)
        self.let_in.append(tenant)
        self.calls.append(call)

    async def are_in(self, tenants: Sequence[UUID]) -> None:
        async with asyncio.timeout(10):
            while len(self.let_in) < len(tenants):
                await asyncio.sleep(0.01)
        assert self.let_in == [*tenants]


async def test_the_next_place_is_for_who_has_fewest_in_flight():
    line = Line(cap=2)
    async with asyncio.TaskGroup() as waiting:
        for tenant in [GREEDY] * 5:
            waiting.create_task(line.wait(tenant))
        await line.are_in([GREEDY] * 2)
        waiting.create_task(line.wait(OTHER))
        await asyncio.sleep(0)
        line.chooser.count_out(line.calls[0], None)
        await line.are_in([GREEDY, GREEDY, OTHER])
        for number in range(1, 4):
            line.chooser.count_out(line.calls[number], None)
            await line.are_in([GREEDY, GREEDY, OTHER, *[GREEDY] * number])


async def test_a_newcomer_does_not_pass_who_waits_and_has_fewer():
    line = Line(cap=2)
    async with asyncio.TaskGroup() as waiting:
        for tenant in [GREEDY, GREEDY, OTHER]:
            waiting.create_task(line.wait(tenant))
        await line.are_in([GREEDY] * 2)
        line.chooser.count_out(line.calls[0], None)
        newcomer = waiting.create_task(line.wait(GREEDY))
        await line.are_in([GREEDY, GREEDY, OTHER])
        assert not newcomer.done()
        line.chooser.count_out(line.calls[1], None)


async def test_a_tenant_has_all_places_while_nobody_else_waits():
    line = Line(cap=3)
    async with asyncio.TaskGroup() as waiting:
        for tenant in [GREEDY] * 3:
            waiting.create_task(line.wait(tenant))

    assert line.let_in == [GREEDY] * 3
