"""The cost of a generation's durable steps in the database and here: admit, claim, settle.

`python -m tests.bench moments` runs this module once more with the stack's environment, as a
process that has Django: one thread, one connection, without an upstream, an image or a doorbell.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import psutil

from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.stack.servers import ROOT

GENERATIONS = 300
BATCH = 25
"""Few enough to be settled before the reaper misses them and rings again."""
BALANCE = 10**9
MOMENTS = ("admitted", "claimed with its attempt", "settled")


def run(ground: Ground, requests: int | None) -> Result:
    """Take this many generations through their steps."""
    answer = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.bench.moments", str(requests or GENERATIONS)],
        env={**os.environ, **ground.stack.env, "DJANGO_SETTINGS_MODULE": "pictor.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    spent: dict[str, list[float]] = json.loads(answer.stdout)
    lines = [
        f"{moment}: {ours:.2f} CPU-ms in Python, {servers:.2f} in PostgreSQL"
        for moment, (ours, servers) in spent.items()
    ]
    total = sum(sum(both) for both in spent.values())
    return Result(
        name=f"moments: {requests or GENERATIONS} generations, one after the other",
        lines=[*lines, f"all of them: {total:.2f} CPU-ms a generation"],
        columns={},
        figures={"cpu_ms": spent, "total_ms": total},
        failures=[],
    )


def main(count: int) -> None:
    """Print our CPU-ms and PostgreSQL's for each step, as JSON."""
    from django.db import connection  # noqa: PLC0415 - once Django is set up

    from pictor.kit.bytes.spool import SpoolBudget, Spools  # noqa: PLC0415 - as above
    from tests.making.factories import PayingCustomer  # noqa: PLC0415 - as above

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0])
    customer, batches = PayingCustomer("moments", balance=BALANCE), count // BATCH
    found = dict.fromkeys(MOMENTS, (0.0, 0.0))
    with tempfile.TemporaryDirectory() as folder:
        spools = Spools(Path(folder), SpoolBudget(1_000_000))
        for _ in range(batches):
            marks = [_spent(server)]
            marks += [_spent(server) for _ in _moments(customer, spools)]
            for moment, before, after in zip(MOMENTS, marks, marks[1:], strict=False):
                ours, servers = found[moment]
                found[moment] = (ours + after[0] - before[0], servers + after[1] - before[1])
    made = BATCH * batches / 1000
    sys.stdout.write(
        json.dumps({name: [one / made for one in both] for name, both in found.items()})
    )


def _moments(customer: Any, spools: Any) -> Iterator[None]:
    """Take a batch of generations from one step to the next."""
    from generation.catalogue.snapshot import current_catalogue  # noqa: PLC0415 - as above
    from generation.dispatch.choosing import Chooser  # noqa: PLC0415 - as above
    from generation.lifecycle.settlement import settle_and_tell  # noqa: PLC0415 - as above
    from pictor.kit.words import clock  # noqa: PLC0415 - as above
    from tests.making import factories  # noqa: PLC0415 - as above

    made = [customer.generation() for _ in range(BATCH)]
    worker, chooser = factories.make_worker(), Chooser()
    current_catalogue()
    yield
    begun = []
    for one in made:
        with chooser.opening(one.model, one.size, one.tenant_id) as first:
            assert first is not None
            call = first.first_call
            claim = factories.take(generation_id=one.id, worker=worker, first=call)
            assert claim is not None
            begun.append((claim, first.attempt_id))
    yield
    for claim, attempt_id in begun:
        delivery = factories.make_delivery(claim, spools, attempt_id=attempt_id)
        stored = factories.stored_images(claim, delivery)
        settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    yield


def _spent(server: psutil.Process) -> tuple[float, float]:
    """CPU seconds spent by this process and by its connection's server."""
    taken = server.cpu_times()
    return time.process_time(), taken.user + taken.system


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
