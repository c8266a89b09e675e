"""The time of the ledger's proofs: hourly from checkpoints, daily by ranges, in one snapshot.

And the time to add to the sales by day.

`python -m tests.bench proofs` runs this module once more with the stack's environment, as a process
that has Django. It writes generations as copies of a delivered one, with attempts, images, usage
and sealed transfers, adds up the sales, proves them, writes those of one more hour, and proves
these.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import django
import httpx

from tests.bench.ground import MODEL, Ground
from tests.bench.report import Result
from tests.stack.servers import ROOT

BEFORE = 200_000
"""Generations of 30 days, which the hourly proof does not read."""
SINCE = 20_000
"""Generations of an hour, unless --requests gives the number."""
MAX_SECONDS, MAX_EACH_SECONDS = 1.0, 200e-6
"""Limits of an hourly proof: in all, and for each generation since the last."""
MAX_ADDING_EACH_SECONDS = 500e-6
"""Limit of a minute's run for each ended generation: 20,000 in 10 s."""
COST = 30_000
"""Micros of an attempt."""


def run(ground: Ground, requests: int | None) -> Result:
    """Prove this many generations of an hour after those of 30 days."""
    since = requests or SINCE
    for key in ground.keys:
        _made(ground, key)
    answer = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.bench.proofs", str(since)],
        env={
            **os.environ,
            **ground.stack.env,
            "DATABASE_URL": ground.stack.env["MIGRATION_DATABASE_URL"],
            "DJANGO_SETTINGS_MODULE": "pictor.settings",
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    took = json.loads(answer.stdout)
    most = MAX_SECONDS + MAX_EACH_SECONDS * since
    lines = [
        f"{name}: {one['seconds']:.1f} s for {one['generations']:,} generations"
        f" ({1e6 * one['seconds'] / one['generations']:.0f} µs each),"
        f" the longest snapshot {one['longest']:.2f} s, {one['found']} findings"
        for name, one in took.items()
    ]
    hourly = took["since the checkpoint"]["seconds"]
    failures = [f"the hourly proof took {hourly:.1f} s"] if hourly > most else []
    adding = took["sold by the day, of an hour"]["seconds"]
    if adding > MAX_ADDING_EACH_SECONDS * since:
        failures.append(f"adding to what was sold took {adding:.1f} s")
    failures += [f"{name}: {one['found']} findings" for name, one in took.items() if one["found"]]
    return Result(
        name=f"proofs: {since:,} generations of an hour after {BEFORE:,} of 30 days",
        lines=[*lines, f"the hourly one may take {most:.1f} s"],
        columns={},
        figures={"proofs": took},
        failures=failures,
    )


def _made(ground: Ground, key: str) -> None:
    body = {"model": MODEL, "prompt": "a fox", "quality": "low"}
    httpx.post(
        f"{ground.stack.base_url}/v1/images/generations",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        trust_env=False,
    ).raise_for_status()


def main(since: int) -> None:
    """Print the time of each proof, as JSON."""
    from accounts.services import link_events  # noqa: PLC0415 - once Django is set up
    from billing.models import LedgerProof  # noqa: PLC0415 - as above
    from generation.oversight.ledger.proof import audit  # noqa: PLC0415 - as above
    from generation.oversight.ledger.rounds import prove  # noqa: PLC0415 - as above
    from pictor.kit.words import clock  # noqa: PLC0415 - as above

    link_events(every=True)
    now = clock.now()
    _fill(BEFORE, now - timedelta(days=30), now)
    took = {"sold by the day, added": _timed(_added)}
    took["whole, by ranges"] = _timed(lambda: prove(LedgerProof.Kind.WHOLE, now=clock.now()))
    now = clock.now()
    _fill(since, now, now + timedelta(minutes=30))
    took["sold by the day, of an hour"] = _timed(_added)
    took["since the checkpoint"] = _timed(
        lambda: prove(LedgerProof.Kind.SINCE_CHECKPOINT, now=clock.now())
    )
    took["in one snapshot"] = _timed(audit)
    counts = (BEFORE, BEFORE, since, since, BEFORE + since)
    for one, count in zip(took.values(), counts, strict=True):
        one["generations"] = count
    sys.stdout.write(json.dumps(took))


def _added() -> None:
    """Add up all transfers written as sales, including those of the hour to come, in batches."""
    from billing.models import SoldUntil, Transfer  # noqa: PLC0415 - once Django is set up
    from billing.selectors.office import sold  # noqa: PLC0415 - as above
    from generation.oversight.daily_sales import add_sold  # noqa: PLC0415 - as above

    newest = Transfer.objects.latest("id").id
    with patch.object(sold, "TRAIL_SECONDS", -3600.0):
        while SoldUntil.objects.filter(transfer_id=newest).count() == 0:
            add_sold()


def _timed(proof: Callable[[], Any]) -> dict[str, Any]:
    """Seconds of the proof, seconds of its longest snapshot, and the number of findings."""
    from generation.oversight.ledger import proof as of_all  # noqa: PLC0415 - once Django is set up
    from generation.oversight.ledger import rounds  # noqa: PLC0415 - as above

    longest = 0.0
    known = of_all.in_one_snapshot

    def watched(read: Callable[[], Any]) -> Any:
        nonlocal longest
        began = time.perf_counter()
        found = known(read)
        longest = max(longest, time.perf_counter() - began)
        return found

    began = time.perf_counter()
    with (
        patch.object(rounds, "in_one_snapshot", watched),
        patch.object(of_all, "in_one_snapshot", watched),
    ):
        found = proof()
    said = found.findings if found else ()
    for one in list(said)[:5]:
        sys.stderr.write(f"{one}\n")
    return {
        "seconds": time.perf_counter() - began,
        "longest": longest,
        "found": len(said),
    }


_TEMPLATES = """
SELECT DISTINCT ON (tenant_id) id, tenant_id, api_key_id FROM generation_generation
 WHERE state = 'succeeded' ORDER BY tenant_id, id
"""
_TRANSFERS = """
SELECT kind, debit_id, credit_id, amount, evidence FROM billing_transfer
 WHERE generation_id = %s AND kind IN ('hold', 'capture', 'release') ORDER BY seq
"""
_COPY = """
COPY billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq, available_after,
     held_after, generation_id, attempt_id, reason, created_at, evidence, seal) FROM STDIN
"""
_SUMS = """
UPDATE billing_keybudget b SET month_used_micros = u.month, day_used_micros = u.day
  FROM (SELECT c.key_id, SUM(captured_micros) AS month,
               COALESCE(SUM(captured_micros) FILTER
                   (WHERE (g.created_at AT TIME ZONE 'UTC')::date = c.day), 0) AS day
          FROM generation_generation g JOIN billing_keybudget c ON c.key_id = g.api_key_id
         WHERE livemode AND date_trunc('month', g.created_at AT TIME ZONE 'UTC')::date = c.month
         GROUP BY c.key_id) u WHERE u.key_id = b.key_id;
UPDATE billing_tenantbalance b SET month_used_micros = u.month, day_used_micros = u.day
  FROM (SELECT k.tenant_id, SUM(c.month_used_micros) AS month, SUM(c.day_used_micros) AS day
          FROM billing_keybudget c JOIN accounts_apikey k ON k.id = c.key_id
         GROUP BY k.tenant_id) u WHERE u.tenant_id = b.tenant_id
"""


def _fill(count: int, first: datetime, end: datetime) -> None:
    """Write this many generations of all tenants together, delivered between these times."""
    from django.core.management import call_command  # noqa: PLC0415 - once Django is set up
    from django.db import connection, transaction  # noqa: PLC0415 - as above

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_TEMPLATES)
        templates = cursor.fetchall()
        apart = (end - first) / count
        for number, template in enumerate(templates):
            times = [first + apart * (i + 0.5) for i in range(number, count, len(templates))]
            with transaction.atomic():
                _fill_tenant(cursor, template, times)
        cursor.execute(_SUMS)
        call_command("usage_rebuild", stdout=sys.stderr)
        cursor.execute("RESET statement_timeout")


def _fill_tenant(cursor: Any, template: tuple[UUID, UUID, UUID], times: list[datetime]) -> None:
    from pictor.kit.words import ids  # noqa: PLC0415 - once Django is set up

    generation, tenant, _ = template
    made = [(ids.new_uuid_of(at), ids.new_uuid_of(at), ids.new_uuid_of(at), at) for at in times]
    cursor.execute(
        "CREATE TEMP TABLE made (id uuid, attempt uuid, image uuid, at timestamptz) ON COMMIT DROP"
    )
    with cursor.copy("COPY made FROM STDIN") as rows:
        for row in made:
            rows.write_row(row)
    for table, one, changed in (
        (
            "generation_generation",
            "id",
            {"id": "m.id", "created_at": "m.at", "finished_at": "m.at + interval '9 seconds'"},
        ),
        (
            "generation_attempt",
            "generation_id",
            {"id": "m.attempt", "generation_id": "m.id", "cost_micros": str(COST)},
        ),
        (
            "storage_storedimage",
            "generation_id",
            {"id": "m.image", "generation_id": "m.id", "object_key": "m.image::text"},
        ),
    ):
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        )
        names = [name for (name,) in cursor.fetchall()]
        values = ", ".join(changed.get(name, f't."{name}"') for name in names)
        into = ", ".join(f'"{name}"' for name in names)
        cursor.execute(
            f"INSERT INTO {table} ({into}) SELECT {values} FROM {table} t, made m"  # noqa: S608 - our own words
            f" WHERE t.{one} = %s",
            [generation],
        )
    cursor.execute(_TRANSFERS, [generation])
    moves = cursor.fetchall()
    cursor.execute(
        "SELECT available, held, seq, seal FROM billing_tenantbalance WHERE tenant_id = %s",
        [tenant],
    )
    state = _Chain(tenant, cursor.fetchone())
    with cursor.copy(_COPY) as rows:
        for generation_id, attempt_id, _, at in made:
            for row in state.moved(generation_id, attempt_id, at, moves):
                rows.write_row(row)
    cursor.execute(
        "UPDATE billing_tenantbalance SET available = %s, held = %s, seq = %s, seal = %s,"
        " previous_seal = %s WHERE tenant_id = %s",
        [state.available, state.held, state.seq, state.seal, state.previous, tenant],
    )


class _Chain:
    """A tenant's balance, and the transfers that change it."""

    def __init__(self, tenant: UUID, balance: tuple[int, int, int, bytes]) -> None:
        self.tenant = tenant
        self.available, self.held, self.seq, seal = balance
        self.seal = self.previous = bytes(seal)

    def moved(
        self, generation: UUID, attempt: UUID, at: datetime, moves: list[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of one generation: its hold, its end and its cost."""
        from billing.transfer_seals import Sealed, seal_of  # noqa: PLC0415 - once Django is set up
        from pictor.kit.secrets.seals import microseconds  # noqa: PLC0415 - as above

        written = microseconds(at)
        for kind, debit, credit, amount, evidence in moves:
            self.seq += 1
            self.available += amount * {"hold": -1, "capture": 0, "release": 1}[kind]
            self.held += amount * {"hold": 1, "capture": -1, "release": -1}[kind]
            sealed = Sealed(
                kind=kind,
                debit_id=debit,
                credit_id=credit,
                amount=amount,
                tenant_id=str(self.tenant),
                seq=self.seq,
                available_after=self.available,
                held_after=self.held,
                generation_id=str(generation),
                attempt_id=None,
                created_microseconds=written,
                evidence=None if evidence is None else bytes(evidence).hex(),
                reason="",
            )
            self.previous, self.seal = self.seal, seal_of(sealed, self.seal)
            yield (
                *(kind, debit, credit, amount, self.tenant, self.seq, self.available, self.held),
                *(generation, None, "", at, evidence, self.seal),
            )
        cost = Sealed(
            kind="upstream_cost",
            debit_id=3,
            credit_id=2,
            amount=COST,
            tenant_id=None,
            seq=None,
            available_after=None,
            held_after=None,
            generation_id=str(generation),
            attempt_id=str(attempt),
            created_microseconds=written,
            evidence=None,
            reason="",
        )
        yield (
            *("upstream_cost", 3, 2, COST, None, None, None, None),
            *(generation, attempt, "", at, None, seal_of(cost)),
        )


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
