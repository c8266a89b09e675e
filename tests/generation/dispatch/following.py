"""Workers of one process that come and go, while a vendor works on their orders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from django.db.models import F

from billing.models import Transfer
from generation import pipeline
from generation.background import reaper
from generation.catalogue.credentials import encrypted
from generation.channels import registry
from generation.dispatch.service import Dispatcher
from generation.lifecycle import claims
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from generation.models import Attempt, Channel, Generation, Worker
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.words import clock
from tests.fakes.job_vendor import KIND, JobVendor
from tests.fakes.raw_server import RawServer, Script, running
from tests.generation.dispatch.carrying import png
from tests.making.factories import make_worker, open_gate

T = TypeVar("T")


class Shop:
    """A vendor that serves the channel `one`, and the workers that follow its orders."""

    def __init__(self, upstream: RawServer, vendor: JobVendor, folder: Path) -> None:
        self.upstream = upstream
        self.vendor = vendor
        self._http = HttpPools()
        self._spools = Spools(folder, SpoolBudget(8_000_000))
        self._of_tasks: dict[asyncio.Task[None], WorkerEpoch] = {}

    @property
    def workers(self) -> list[asyncio.Task[None]]:
        return [*self._of_tasks]

    def dispatcher(self) -> Dispatcher:
        """A worker's, with nothing known of earlier ones."""
        allow = [self.upstream.host_port, f"one={self.upstream.host_port}"]
        return Dispatcher(http=self._http, allow=allow, spools=self._spools, gate=open_gate())

    async def begun(self, *made: Generation) -> asyncio.Task[None]:
        """A worker that carries these, once each of their orders is written."""
        task = await self.started(*made)
        await until(lambda: written(made))
        return task

    async def started(self, *made: Generation) -> asyncio.Task[None]:
        """A worker that carries these."""
        worker, dispatcher = await pools.database(make_worker), self.dispatcher()
        rings = [Ring.of(each) for each in made]
        carried = [pipeline.run(ring=ring, worker=worker, dispatcher=dispatcher) for ring in rings]
        task = asyncio.ensure_future(_all(carried))
        self._of_tasks[task] = worker
        return task

    async def handed_back(self, task: asyncio.Task[None]) -> None:
        """Its worker has drained: its generations are queued again."""
        await pools.database(claims.hand_back, worker=self._of_tasks[task])

    async def taken_back(self, task: asyncio.Task[None]) -> None:
        """The reaper has found its worker dead."""
        lost = Worker.objects.filter(epoch=self._of_tasks[task])
        await pools.database(lost.update, seen_at=F("seen_at") - timedelta(minutes=1))
        await pools.database(reaper.reap, now=clock.now())

    async def followed(self) -> None:
        """Another worker carries everything that is queued to its end."""
        worker, dispatcher = await pools.database(make_worker), self.dispatcher()
        while made := await pools.database(Generation.objects.filter(state="queued").first):
            if not made.quarantine:
                await pipeline.run(ring=Ring.of(made), worker=worker, dispatcher=dispatcher)
                continue
            claim = await pools.database(claims.claim_quarantined, worker=worker, in_hand={})
            if claim is not None:  # or a late worker has its row locked
                await pipeline.carry(claim, dispatcher=dispatcher)

    async def aclose(self) -> None:
        for task in self._of_tasks:
            task.cancel()
        await asyncio.gather(*self._of_tasks, return_exceptions=True)
        await self._http.aclose()


async def _all(carried: Sequence[Awaitable[None]]) -> None:
    await asyncio.gather(*carried)


def written(made: tuple[Generation, ...]) -> bool:
    """True if each of these has all of its orders in its open attempt."""
    jobs = dict(Attempt.objects.filter(finished_at=None).values_list("generation_id", "jobs"))
    return all(len(jobs.get(each.id) or ()) == each.n for each in made)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds in the database."""
    async with asyncio.timeout(60):
        while not await pools.database(condition):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def shop(folder: Path, **options: Any) -> AsyncIterator[Shop]:
    vendor = JobVendor(png(), **options)
    async with shop_of(vendor, vendor.script, folder, kind=KIND.name) as opened:
        yield opened


@asynccontextmanager
async def shop_of(vendor: Any, script: Script, folder: Path, *, kind: str) -> AsyncIterator[Shop]:
    """A shop of that vendor's, whose kind is known to this process."""
    async with running(script) as upstream:
        key = await pools.database(encrypted, "sk-upstream")
        one = Channel.objects.filter(name="one")
        columns = {"kind": kind, "base_url": upstream.url, "credentials": key}
        await pools.database(one.update, **columns)
        opened = Shop(upstream, vendor, folder)
        try:
            yield opened
        finally:
            await opened.aclose()


def registered(monkeypatch: Any) -> None:
    """Make the vendor's kind known to this process."""
    monkeypatch.setattr(registry, "KINDS", {**registry.KINDS, KIND.name: KIND})


def paid() -> list[tuple[str, int]]:
    """Each transfer to revenue, and each cost."""
    kinds = ["capture", "upstream_cost", "loss"]
    return sorted(Transfer.objects.filter(kind__in=kinds).values_list("kind", "amount"))


async def died(shop: Shop, task: "asyncio.Task[None]") -> None:
    task.cancel()
    await shop.taken_back(task)


async def drained(shop: Shop, task: "asyncio.Task[None]") -> None:
    await shop.handed_back(task)
    task.cancel()


async def cut_off_from_the_database(shop: Shop, task: "asyncio.Task[None]") -> None:
    await shop.taken_back(task)  # and its calls go on


Leaving = Callable[[Shop, "asyncio.Task[None]"], Awaitable[None]]
LEAVING: list[Leaving] = [died, drained, cut_off_from_the_database]
"""How a worker leaves its orders."""
