"""Worker processes end, or are cut off, while vendors work on their orders: each is paid once."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models import F

from billing.models import Transfer
from billing.selectors.office.ledger import ledger_findings
from generation.background import reaper
from generation.catalogue.credentials import encrypted
from generation.channels.comfyui.kind import GRAPHS
from generation.models import Attempt, Channel, Generation, Worker
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.database import pools
from pictor.kit.words import clock
from tests.fakes.late_vendors import LateComfy, LateFal, LateRelay, LateReplicate, LateVendor
from tests.fakes.raw_server import running
from tests.generation.dispatch.following import until, written
from tests.making.factories import PayingCustomer, make_channel
from tests.stack.databases import url_of
from tests.stack.door import Door
from tests.stack.servers import ROOT

pytestmark = [pytest.mark.usefixtures("pooled_connections"), pytest.mark.timeout(180)]

V = TypeVar("V", bound=LateVendor)
OF_EACH = 3


class FirstWorker:
    """An image worker on the tests' own database, with ways to its servers that can be cut."""

    process: Process

    def __init__(self, folder: Path, allow: str) -> None:
        database, broker = connection.get_connection_params(), urlsplit(os.environ["REDIS_URL"])
        self.to_database = Door(database["host"], int(database["port"]))
        self.to_broker = Door(broker.hostname or "", broker.port or 0)
        self._folder, self._allow = folder, allow
        self._database_url = url_of(
            {**database, "host": "127.0.0.1", "port": self.to_database.port}
        )
        there = broker.netloc.replace(
            f"{broker.hostname}:{broker.port}", f"127.0.0.1:{self.to_broker.port}"
        )
        self._redis_url = broker._replace(netloc=there).geturl()

    async def start(self) -> None:
        self.to_database.open()
        self.to_broker.open()
        self.process = await started(
            self._folder, self._allow, DATABASE_URL=self._database_url, REDIS_URL=self._redis_url
        )

    def close(self) -> None:
        self.to_database.close()
        self.to_broker.close()


async def started(folder: Path, allow: str, **servers: str) -> Process:
    """An image worker on the tests' own database, once it claims."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.job_worker"),
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url_of(connection.get_connection_params()),
            "DJANGO_SETTINGS_MODULE": "pictor.settings",
            "PICTOR_DATA": str(folder),
            "PICTOR_DRAIN_SECONDS": "0",
            "PICTOR_EGRESS_ALLOW": allow,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            **servers,
        },
        stdout=PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


def take_back() -> None:
    """Let the leases of all workers so far run out, and the reaper notice."""
    Worker.objects.update(seen_at=F("seen_at") - timedelta(minutes=1))
    reaper.reap(now=clock.now())


async def killed(worker: FirstWorker) -> None:
    worker.process.kill()
    await worker.process.wait()
    await pools.database(take_back)


async def drained(worker: FirstWorker) -> None:
    worker.process.terminate()
    await worker.process.wait()


async def frozen(worker: FirstWorker) -> None:
    worker.process.send_signal(signal.SIGSTOP)
    await pools.database(take_back)


async def cut_off_from_postgresql(worker: FirstWorker) -> None:
    await asyncio.to_thread(worker.to_database.close)
    await pools.database(take_back)


async def cut_off_from_redis(worker: FirstWorker) -> None:
    await asyncio.to_thread(worker.to_broker.close)


async def goes_on(process: Process) -> None:
    """A frozen worker goes on until it has nothing in hand."""
    if process.returncode is None:
        process.send_signal(signal.SIGCONT)
        late = Worker.objects.filter(pid=process.pid, in_hand=0)
        await until(late.exists)


Case = tuple[type[LateVendor], Callable[[FirstWorker], Awaitable[None]], int]
"""A vendor, how a worker leaves its orders, and the dispatches of each."""
CASES: list[Case] = [
    (LateFal, killed, 2),
    (LateFal, drained, 2),
    (LateFal, frozen, 2),
    (LateFal, cut_off_from_postgresql, 2),
    (LateFal, cut_off_from_redis, 1),
    (LateReplicate, killed, 2),
    (LateReplicate, drained, 2),
    (LateReplicate, frozen, 2),
    (LateReplicate, cut_off_from_postgresql, 2),
    (LateReplicate, cut_off_from_redis, 1),
    (LateComfy, killed, 2),
    (LateComfy, drained, 2),
    (LateComfy, frozen, 2),
    (LateComfy, cut_off_from_postgresql, 2),
    (LateComfy, cut_off_from_redis, 1),
]


@asynccontextmanager
async def serving(vendor: V, channel: Channel) -> AsyncIterator[V]:
    """The vendor of a channel."""
    async with running(vendor) as server:
        vendor.origin = server.url
        key = await pools.database(encrypted, "sk-upstream")
        columns = {"kind": vendor.kind[-1], "base_url": server.url, "credentials": key}
        await pools.database(Channel.objects.filter(pk=channel.pk).update, **columns)
        graph = GRAPHS.checked(vendor.field_map) if vendor.field_map else None
        await pools.database(channel.routes.update, field_map=graph)
        yield vendor


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{vendor.kind[-1]} {leave.__name__}" for vendor, leave, _ in CASES]
)
def test_a_worker_that_ends_or_is_cut_off_loses_no_order_and_pays_none_twice(
    acme: PayingCustomer,
    channel: Channel,
    tmp_path: Path,
    case: Case,
) -> None:
    vendor, leave, dispatches = case
    other = make_channel("two", "gpt-image-1", cost_micros=30_000)
    models = ("gpt-image-2-origin", "gpt-image-1") * OF_EACH
    made = tuple(
        acme.generation(model=model, prompt=f"fox {number}") for number, model in enumerate(models)
    )

    async def journey() -> list[str]:
        async with serving(vendor(), channel) as first_vendor, serving(LateRelay(), other) as relay:
            vendors = (first_vendor, relay)
            allow = ",".join(each.origin.removeprefix("http://") for each in vendors)
            with closing(FirstWorker(tmp_path, allow)) as first:
                processes: list[Process] = []
                try:
                    await first.start()
                    processes.append(first.process)
                    await until(lambda: written(made))
                    await leave(first)
                    for each in vendors:
                        each.may_answer.set()
                    if dispatches > 1:
                        processes.append(await started(tmp_path, allow))
                    await until(lambda: not Generation.objects.filter(finished_at=None).exists())
                    if leave is frozen:
                        await goes_on(first.process)
                finally:
                    for process in processes:
                        if process.returncode is None:
                            process.kill()
                            await process.wait()
            return sorted(prompt for each in vendors for prompt in each.paid.elements())

    assert asyncio.run(journey()) == [f"fox {number}" for number in range(2 * OF_EACH)]
    assert set(Generation.objects.values_list("state", "dispatch")) == {("succeeded", dispatches)}
    ends = Attempt.objects.values_list("dispatch", "attempt_class", "jobs")
    assert list(ends) == [(dispatches, "delivered", None)] * len(made)
    assert Transfer.objects.filter(kind="capture").count() == len(made)
    costs = Transfer.objects.filter(kind__in=["upstream_cost", "loss"])
    assert [*costs.values_list("kind", "amount")] == [("upstream_cost", 30_000)] * len(made)
    assert ledger_findings() == generation_findings() == []


def test_an_order_whose_time_ends_while_postgresql_is_away_is_cancelled_once_it_is_back(
    acme: PayingCustomer, channel: Channel, tmp_path: Path
) -> None:
    Channel.objects.update(timeout_seconds=4)
    made = (acme.generation(prompt="fox"),)

    async def journey() -> list[int]:
        async with serving(LateFal(), channel) as fal:
            allow = fal.origin.removeprefix("http://")
            with closing(FirstWorker(tmp_path, allow)) as worker:
                await worker.start()
                try:
                    await until(lambda: written(made))
                    await asyncio.to_thread(worker.to_database.close)
                    await asyncio.sleep(7.0)  # its time has been over for three seconds
                    worker.to_database.open()
                    await until(lambda: not Generation.objects.filter(finished_at=None).exists())
                finally:
                    worker.process.kill()
                    await worker.process.wait()
            return fal.cancels

    assert asyncio.run(journey()) == [0]
    ends = Attempt.objects.values_list("dispatch", "attempt_class", "may_have_billed", "jobs")
    assert list(ends) == [(1, "unknown", True, None)]
    assert [*Transfer.objects.filter(kind="loss").values_list("amount")] == [(30_000,)]
    assert ledger_findings() == generation_findings() == []
