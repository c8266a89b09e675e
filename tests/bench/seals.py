"""The cost of the ledger's seals: holds placed and ended with and without them.

`python -m tests.bench seals` runs this module once more with the stack's environment, as a process
that has Django. Every hold is placed, half of it captured, the rest released, and all rolled back.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
import psutil

from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.stack.servers import ROOT

HOLDS = 2_000
ROUNDS = 9
"""Rounds of each kind, by turns."""
HOLDS_AT_ONCE = 50
"""Holds in one transaction: a rollback costs the connection its prepared statements."""
MAX_MS = 0.1
"""Limit of CPU for the seals of one generation."""


def run(ground: Ground, requests: int | None) -> Result:
    """Place and end this many holds, by turns with seals and without."""
    answer = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.bench.seals", str(requests or HOLDS)],
        env={**os.environ, **ground.stack.env, "DJANGO_SETTINGS_MODULE": "pictor.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    spent = json.loads(answer.stdout)
    price = min(spent["sealed"]) - min(spent["bare"])
    lines = [
        f"{kind}: {' '.join(f'{one:.3f}' for one in spent[kind])} CPU-ms" for kind in sorted(spent)
    ]
    return Result(
        name=f"seals: {requests or HOLDS} holds, each placed, captured and released",
        lines=[*lines, f"the seals of a generation: {price:.3f} CPU-ms"],
        columns={},
        figures={"cpu_ms": spent, "price_ms": price},
        failures=[f"the seals cost {price:.3f} CPU-ms"] if price > MAX_MS else [],
    )


def main(count: int) -> None:
    """Print the CPU-ms of each round, PostgreSQL's and ours together, as JSON."""
    from django.db import connection, transaction  # noqa: PLC0415 - once Django is set up

    from accounts.selectors.office.api_keys import api_keys_of  # noqa: PLC0415 - as above
    from accounts.selectors.office.tenants import tenant_by_name_or_id  # noqa: PLC0415 - as above
    from billing.services import holds  # noqa: PLC0415 - as above
    from pictor.kit.words import clock, ids  # noqa: PLC0415 - as above
    from pictor.kit.words.money import Micros  # noqa: PLC0415 - as above
    from tests.making import factories  # noqa: PLC0415 - as above

    tenant = tenant_by_name_or_id("demo")
    assert tenant is not None
    key = api_keys_of(tenant.id)[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0])

    def one() -> None:
        hold = holds.Hold(tenant.id, key.id, ids.new_uuid(), Micros(1000), clock.now())
        factories.place_hold(
            tenant_id=hold.tenant_id,
            key_id=hold.key_id,
            generation_id=hold.generation_id,
            amount=hold.amount,
            now=hold.placed_at,
            evidence=bytes(32),
        )
        holds.end_hold(hold=hold, captured=Micros(500), evidence=bytes(32))

    def spent() -> float:
        taken = server.cpu_times()
        return time.process_time() + taken.user + taken.system

    _make_bare()
    found: dict[str, list[float]] = {"sealed": [], "bare": []}
    for _ in range(ROUNDS):
        for kind, figures in found.items():
            with _without_seals() if kind == "bare" else nullcontext():
                before = spent()
                for _ in range(count // HOLDS_AT_ONCE):
                    with transaction.atomic():
                        for _ in range(HOLDS_AT_ONCE):
                            one()
                        transaction.set_rollback(True)
                figures.append(1000 * (spent() - before) / count)
    sys.stdout.write(json.dumps(found))


def _make_bare() -> None:
    """Make the functions of holds once more for this connection, without the seals."""
    from django.db import connection  # noqa: PLC0415 - once Django is set up

    from billing.services import holds  # noqa: PLC0415 - as above

    files = [Path(holds.__file__).with_name(f"holds{of}.sql") for of in ("", "_together")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    bare, found = re.subn(
        r"(\w+)\.seal := sha256\(.+?\)\)\);", r"\1.seal := NULL;", text, flags=re.DOTALL
    )
    assert found == 2, "the seal of holds.sql is not where it was"
    with connection.cursor() as cursor:
        cursor.execute(bare.replace("pictor_", "pg_temp.pictor_"))


def _without_seals() -> Any:
    """Use the bare functions, and make no keys for seals."""
    from billing.services import holds  # noqa: PLC0415 - once Django is set up

    known: dict[str, Any] = vars(holds)
    bare = {name: known[name].replace("pictor_", "pg_temp.pictor_") for name in ("_PLACE", "_END")}
    return patch.multiple(holds, **bare, hold_key=lambda *_: b"")


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
