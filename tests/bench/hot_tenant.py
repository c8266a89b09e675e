"""How many generations of one tenant can be admitted and settled a second: all lock one balance.

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
from functools import partial
from pathlib import Path
from typing import Any

import django

from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.servers import ROOT

GENERATIONS = 2_000
PROCESSES = 4
BALANCE = 10**9


def run(ground: Ground, requests: int | None) -> Result:
    """Take so many generations of one tenant from their admission to their settlement."""
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
    """Print how many were admitted and settled a second."""
    from django.db import connection  # noqa: PLC0415 - once Django is set up

    from tests.factories import Customer  # noqa: PLC0415 - as above

    customer = Customer("hot", balance=BALANCE)
    connection.close()
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        pool.map(partial(_work, customer, 20), range(PROCESSES))  # connected, prepared, planned
        began = time.perf_counter()
        pool.map(partial(_work, customer, count // PROCESSES), range(PROCESSES))
        took = time.perf_counter() - began
    sys.stdout.write(json.dumps(count // PROCESSES * PROCESSES / took))


def _work(customer: Any, count: int, _: int) -> None:
    from generation import claims  # noqa: PLC0415 - once Django is set up
    from generation.settlement import settle  # noqa: PLC0415 - as above
    from pictor.kit import clock  # noqa: PLC0415 - as above
    from pictor.kit.spool import SpoolBudget, Spools  # noqa: PLC0415 - as above
    from tests import factories  # noqa: PLC0415 - as above

    worker = factories.make_worker()
    with tempfile.TemporaryDirectory() as folder:
        spools = Spools(Path(folder), SpoolBudget(1_000_000))
        for _ in range(count):
            made = customer.generation()
            claim = claims.take(generation_id=made.id, worker=worker)
            assert claim is not None
            delivery = factories.make_delivery(claim, spools)
            stored = factories.stored_images(claim, delivery)
            settle(claim=claim, delivery=delivery, stored=stored, now=clock.now())
            delivery.close()


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
