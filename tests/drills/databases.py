"""PostgreSQL in production: a failover, poolers, a migration, a restore."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.drills.clusters import Cluster, new_cluster, parameters, standby_of
from tests.drills.ground import Ground
from tests.drills.load import seconds_of
from tests.drills.report import Result
from tests.drills.trial import stored_of, trial
from tests.drills.units import Unit
from tests.stack.poolers import pooler
from tests.stack.servers import ROOT
from tests.stack.stack_processes import until

STANDBY = "standby"
NOTICED_SECONDS = 2.0
"""Time until the watcher of the primary promotes its standby."""
MAX_REFUSED_SECONDS = 3.0
"""Beyond that, requests may be refused."""
READER_SECONDS = 60.0
POOL_SIZE = 80
REFUSED_STATUS = 70
"""Exit status of a process that is not whole."""
IN_MODE = "does not keep its backend"
LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
}
"""Limits on the role, for a pooler in session mode: docs/operations/database.md."""


def failover(ground: Ground) -> Result:
    """The primary is killed for good, and its synchronous standby promoted once that is noticed."""
    with _pair(ground) as (primary, unit, standby):
        ground.seed(primary)
        hosts = f"127.0.0.1:{primary.server.port},127.0.0.1:{standby.server.port}"
        both = primary.url.replace(f"127.0.0.1:{primary.server.port}", hosts)
        url = f"{both}?target_session_attrs=read-write"
        with ground.site(cluster=primary, DATABASE_URL=url) as site:
            site.is_storing()
            with trial(site, "failover") as run:
                run.load.goes_on(8)
                killed_at = time.monotonic()
                ground.units.kill(unit, comes_back=False)
                run.load.goes_on(NOTICED_SECONDS)
                with standby.connection() as connection:
                    connection.execute("SELECT pg_promote()")
                promoted = time.monotonic() - killed_at
                run.load.goes_on(15)
            site.cluster = standby
            refused = run.refused_for(killed_at)
            late = refused - promoted
            run.check(late <= MAX_REFUSED_SECONDS, f"503 until {late:.1f} s after the promotion")
            return run.result(
                "the primary killed for good, its synchronous standby promoted 2 s later",
                f"promoted {promoted:.1f} s after the kill, the last 503 {refused:.1f} s after it",
            )


@contextmanager
def _pair(ground: Ground) -> Iterator[tuple[Cluster, Unit, Cluster]]:
    """A primary whose commits wait for a standby."""
    primary = new_cluster(ground.folder, "primary", f"synchronous_standby_names={STANDBY}")
    (unit,) = ground.units.start(primary.part())
    standby = standby_of(primary, ground.folder, STANDBY)
    (other,) = ground.units.start(standby.part())
    with primary.connection() as connection:
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        until(lambda: connection.execute(synchronous).fetchone() == (1,), 30)
    try:
        yield primary, unit, standby
    finally:
        ground.units.remove(other, unit)


def pooler_transaction(ground: Ground) -> Result:
    """Each process ends at its start with a line; no request is served."""
    broken, began = [], time.monotonic()
    with pooler("transaction", parameters(ground.cluster.url), size=POOL_SIZE) as port:
        url = _through(ground.cluster, port)
        said = {kind: ground.refusal(kind, DATABASE_URL=url) for kind in ("web", "images", "short")}
    for kind, (status, line) in said.items():
        if status != REFUSED_STATUS or IN_MODE not in line:
            broken.append(f"{kind} ends with {REFUSED_STATUS} and says why: {status} {line}")
    return Result.without_load(
        "pooler-transaction",
        "processes started behind PgBouncer in transaction mode",
        f"each ends with status {REFUSED_STATUS} and a line",
        broken=broken,
        took_seconds=time.monotonic() - began,
    )


def pooler_session(ground: Ground) -> Result:
    """A session pooler, with limits on the role, as docs/operations/database.md says."""
    role = f"ALTER ROLE {parameters(ground.cluster.url)['user']}"
    with ground.cluster.connection() as owner:
        for name, value in LIMITS.items():
            owner.execute(f"{role} SET {name} = '{value}'")
        try:
            return _behind_a_pooler(ground)
        finally:
            for name in LIMITS:
                owner.execute(f"{role} RESET {name}")


def _behind_a_pooler(ground: Ground) -> Result:
    with pooler("session", parameters(ground.cluster.url), size=POOL_SIZE) as port:
        with ground.site(DATABASE_URL=_through(ground.cluster, port)) as site:
            site.is_storing()
            with trial(site, "pooler-session", per_second=8) as run:
                run.load.goes_on(15)
        run.nothing_failed()
        return run.result("PgBouncer in session mode, limits on the role, 8 a second", "")


def _through(cluster: Cluster, port: int) -> str:
    return cluster.url.replace(f":{cluster.server.port}/", f":{port}/")


def migration(ground: Ground) -> Result:
    """A migration waits for a reader of the table of generations; no request waits behind it."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "migration") as run:
            run.load.goes_on(8)
            migrated = _migrated_beside_a_reader(ground)
            run.load.goes_on(8)
        usual = seconds_of(run.load.sent_between(run.began, run.began + 8))[1]
        run.nothing_failed()
        run.check(migrated >= READER_SECONDS, f"it waits for the reader: {migrated:.0f} s")
        result = run.result(
            f"a column added to the table of generations, which a reader holds for"
            f" {READER_SECONDS:.0f} s",
            f"migrated after {migrated:.1f} s; p95 before {usual:.2f} s",
        )
    with ground.cluster.connection() as owner:
        owner.execute("ALTER TABLE generation_generation DROP COLUMN drilled")
    return result


def _migrated_beside_a_reader(ground: Ground) -> float:
    """Seconds that the migration took; raises CalledProcessError if it failed."""
    began = time.monotonic()
    with psycopg.connect(ground.cluster.owner_url) as reading:
        reading.execute("SELECT count(*) FROM generation_generation")
        with ground.log("migration").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.drills.migrate"],
                cwd=ROOT,
                env=ground.environment(ROOT, MIGRATION_DATABASE_URL=ground.cluster.owner_url),
                stdout=log,
                stderr=log,
            )
            try:
                threading.Event().wait(READER_SECONDS)
                reading.rollback()
                status = process.wait(30)
            finally:
                process.kill()
    if status:
        raise RuntimeError(ground.log("migration").read_text())
    return time.monotonic() - began


def restore(ground: Ground) -> Result:
    """A dump made under load, brought back into an empty cluster, proved, and served from."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "dumped") as dumped:
            dumped.load.goes_on(5)
            answered = len(dumped.load.answers)
            dump = ground.cluster.dump()
    began = time.monotonic()
    fresh = new_cluster(ground.folder, "restored")
    (unit,) = ground.units.start(fresh.part())
    try:
        _bring_back(ground, fresh, dump)
        took = time.monotonic() - began
        with ground.site(cluster=fresh) as site:
            site.is_storing()
            with trial(site, "restore") as run:
                run.load.goes_on(10)
        run.nothing_failed()
        kept = stored_of(fresh, "dumped")
        run.check(kept >= answered, f"{answered} images answered before the dump, {kept} restored")
        again = run.lost()
        return run.result(
            "`pg_dump -Fc` under load; into a new cluster, `ledger_check`, and a load from it",
            f"restored and proved in {took:.0f} s; {kept} images of before, and {again} calls made"
            " again that were under way in the dump",
        )
    finally:
        ground.units.remove(unit)


def _bring_back(ground: Ground, fresh: Cluster, dump: bytes) -> None:
    """Do as docs/operations/backup.md says: the role, the dump, rights, and the proof."""
    asked = parameters(fresh.url)
    with fresh.connection() as owner:
        owner.execute(f"CREATE ROLE {asked['user']} LOGIN PASSWORD '{asked['password']}'")
    fresh.restore(dump)
    ground.manage("seed", "--migrate", of=fresh, MIGRATION_DATABASE_URL=fresh.owner_url)
    ground.manage("ledger_check", of=fresh)
