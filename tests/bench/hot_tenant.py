"""Generations of one tenant admitted and settled a second: all lock the same balance.

`python -m tests.bench hot_tenant` runs this module once more with the stack's environment, as
processes that have Django, each with one connection, without an upstream, an image or a doorbell.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import django

from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.stack.servers import ROOT

GENERATIONS = 2_000
PROCESSES = 4
BALANCE = 10**9


def run(ground: Ground, requests: int | None) -> Result:
    """Take this many generations of one tenant from admission to settlement."""
    answer = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.bench.hot_tenant", str(requests or GENERATIONS)],
        env={**os.environ, **ground.stack.env, "DJANGO_SETTINGS_MODULE": "pictor.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    rate = json.loads(answer.stdout)
    return Result(
        name=f"hot tenant: {requests or GENERATIONS} generations, {PROCESSES} processes",
        lines=[f"{rate:.0f} holds placed, and as many ended, a second"],
        columns={},
        figures={"rate": rate},
        failures=[],
    )


def main(count: int) -> None:
    """Print the rates of admission and settlement of all processes together."""
    from django.db import connection  # noqa: PLC0415 - once Django is set up

    from tests.making.factories import PayingCustomer  # noqa: PLC0415 - as above

    customer, each = PayingCustomer("hot", balance=BALANCE), count // PROCESSES
    connection.close()
    context = multiprocessing.get_context("fork")
    with context.Pool(PROCESSES, _meet, (context.Barrier(PROCESSES),)) as pool:
        work = partial(pool.map, partial(_work, customer), chunksize=1)
        work([20] * PROCESSES)  # connect, prepare and plan first
        admitting, settling = map(max, zip(*work([each] * PROCESSES), strict=True))
    sys.stdout.write(json.dumps(each * PROCESSES / (admitting + settling)))


_together: Barrier


def _meet(barrier: Barrier) -> None:
    global _together  # noqa: PLW0603 - a process's own
    _together = barrier


def _work(customer: Any, count: int) -> tuple[float, float]:
    """Seconds of admissions and of settlements; the steps between lock no balance."""
    from generation.lifecycle.settlement import settle_and_tell  # noqa: PLC0415 - as above
    from pictor.kit.bytes.spool import SpoolBudget, Spools  # noqa: PLC0415 - as above
    from pictor.kit.words import clock  # noqa: PLC0415 - as above
    from tests.making import factories  # noqa: PLC0415 - as above

    worker = factories.make_worker()
    with tempfile.TemporaryDirectory() as folder:
        spools = Spools(Path(folder), SpoolBudget(1_000_000))
        with _timed() as admitting:
            made = [customer.generation() for _ in range(count)]
        taken = [factories.take(generation_id=one.id, worker=worker) for one in made]
        held = [claim for claim in taken if claim is not None]
        begun = [(claim, factories.make_delivery(claim, spools)) for claim in held]
        kept = [(*one, factories.stored_images(*one)) for one in begun]
        with _timed() as settling:
            for claim, delivery, stored in kept:
                settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
    return admitting[0], settling[0]


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Start at the same time as the other processes; yield a list that gets the seconds."""
    seconds: list[float] = []
    _together.wait()
    began = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - began)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
