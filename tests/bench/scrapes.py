"""The time of a scrape of /metrics with a large history.

Rows are written past the product, whose workers stand still meanwhile, and removed again.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import psycopg
import redis

from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.stack.stack_processes import stopped

TENANTS = 10_000
USAGE_ROWS = 1_000_000
"""Rows of two months."""
QUEUED = 5_000
PROCESSES = 10
"""Processes with figures besides the scraped web process."""
REQUESTS = 50
MAX_MS = 20.0
"""Limit of CPU, the web process's and PostgreSQL's, on a machine that is not busy."""
# ruff: noqa: S608 - the statements are of our own words

_FILL = f"""
SET session_replication_role = replica;
INSERT INTO billing_tenantbalance (tenant_id, available_account_id, held_account_id, available,
       held, seq, in_flight)
SELECT gen_random_uuid(), 1000000 + i, 2000000 + i, 1000000, 0, 1, 0
  FROM generate_series(1, {TENANTS}) i;
INSERT INTO billing_usagerollup (tenant_id, key_id, model, tier, channel, status, hour,
       generations, images, captured_micros, latency)
SELECT gen_random_uuid(), gen_random_uuid(), 'gpt-image-' || mod(i, 7), '1K', 'sandbox',
       'succeeded', date_trunc('hour', now()) - mod(i, 1440) * interval '1 hour', 1, 1, 52680,
       '{{}}'
  FROM generate_series(1, {USAGE_ROWS}) i;
"""
_QUEUE = f"""
INSERT INTO generation_generation ({{names}}) SELECT {{values}}
  FROM generation_generation g, generate_series(1, {QUEUED}) i
 WHERE g.id = (SELECT id FROM generation_generation ORDER BY id DESC LIMIT 1);
"""
_OTHERWISE = {
    "id": "gen_random_uuid()",
    "state": "'queued'",
    "prompt": "'one of many'",
    "finished_at": "NULL",
    "captured_micros": "NULL",
}
_EMPTY = """
DELETE FROM billing_tenantbalance WHERE available_account_id > 1000000;
DELETE FROM billing_usagerollup WHERE captured_micros = 52680 AND model LIKE 'gpt-image-_'
   AND tenant_id NOT IN (SELECT id FROM accounts_tenant);
DELETE FROM generation_generation WHERE prompt = 'one of many';
SET session_replication_role = origin;
"""


def run(ground: Ground, requests: int | None) -> Result:
    """Scrape repeatedly; the first scrape is apart, since a process then sums all of the past."""
    count = requests or REQUESTS
    with _filled(ground), _client(ground) as client:
        (first,), _ = _times(client, 1)
        before = _cpu_seconds(ground)
        times, size_bytes = _times(client, count)
        cpu_ms = 1000 * (_cpu_seconds(ground) - before) / count
    p50, p95 = statistics.median(times), max(times)
    if len(times) > 1:
        p95 = statistics.quantiles(times, n=20, method="inclusive")[18]
    return Result(
        name=f"scrapes: {TENANTS:,} tenants, {USAGE_ROWS:,} rows of usage, {QUEUED:,} in the queue,"
        f" {PROCESSES} other processes",
        lines=[
            f"the first of a process: {first:.0f} ms",
            f"the next {count}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, {cpu_ms:.1f} CPU-ms each",
            f"{size_bytes:,} bytes",
        ],
        columns={},
        figures={
            "first_ms": first,
            "p50_ms": p50,
            "p95_ms": p95,
            "cpu_ms": cpu_ms,
            "bytes": size_bytes,
        },
        failures=[f"a scrape took {cpu_ms:.1f} CPU-ms"] if cpu_ms > MAX_MS else [],
    )


@contextmanager
def _filled(ground: Ground) -> Iterator[None]:
    """Add all those rows and processes while the workers stand still."""
    stack = ground.stack
    httpx.post(
        f"{stack.base_url}/v1/images/generations",
        json={"model": "gpt-image-2", "prompt": "a fox", "quality": "low"},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        trust_env=False,
        timeout=60,
    ).raise_for_status()
    with ExitStack() as kept:
        for pid in stack.pids()["worker"]:
            kept.enter_context(stopped(pid))
        owner = kept.enter_context(
            psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True)
        )
        columns = owner.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'generation_generation'"
        ).fetchall()
        names = [str(name) for (name,) in columns]
        values = ", ".join(_OTHERWISE.get(name, f'g."{name}"') for name in names)
        owner.execute(_FILL)
        owner.execute(_QUEUE.format(names=", ".join(f'"{one}"' for one in names), values=values))
        kept.callback(owner.execute, _EMPTY)
        owner.execute("VACUUM ANALYZE billing_usagerollup, billing_tenantbalance")
        owner.execute("VACUUM ANALYZE generation_generation")
        _post_copies(stack.env["REDIS_URL"])
        yield


def _post_copies(url: str) -> None:
    """Post the web process's figures under other names too."""
    client = redis.Redis.from_url(url, decode_responses=True)
    names = [str(name) for name in client.smembers("pictor:metrics")]
    (web,) = [name for name in names if name.startswith("web@")]
    text = str(client.get(f"pictor:metrics:{web}"))
    for number in range(PROCESSES):
        name = f"copy@{number}"
        client.set(f"pictor:metrics:{name}", text.replace(web, name), ex=600)
        client.sadd("pictor:metrics", name)
    client.close()


def _client(ground: Ground) -> httpx.Client:
    return httpx.Client(base_url=ground.stack.base_url, trust_env=False, timeout=60)


def _times(client: httpx.Client, count: int) -> tuple[list[float], int]:
    """Milliseconds of each scrape, from request to last byte, and the size of the last."""
    found, size_bytes = [], 0
    for _ in range(count):
        began = time.perf_counter()
        answer = client.get("/metrics").raise_for_status()
        found.append((time.perf_counter() - began) * 1000)
        size_bytes = len(answer.content)
    return found, size_bytes


def _cpu_seconds(ground: Ground) -> float:
    """CPU that the web process and PostgreSQL's have used so far."""
    pids = ground.stack.pids()
    roots = [psutil.Process(pid) for pid in (*pids["web"], *pids["postgres"])]
    all_of_them = [one for root in roots for one in (root, *root.children(recursive=True))]
    return sum(one.cpu_times().user + one.cpu_times().system for one in all_of_them)
