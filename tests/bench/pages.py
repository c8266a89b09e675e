"""The console's pages over a million generations: how long the server takes for each."""

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx
import psycopg

from pictor.kit import clock
from tests.bench.ground import Ground
from tests.bench.report import Result
from tests.servers import Stack

GENERATIONS = 1_000_000
REQUESTS = 15
"""Of each page."""
MOST_MS = 200.0
"""Of a page, p95."""
# ruff: noqa: S608 - the statements are of our own words
PAGES = {
    "overview": "",
    "generations": "generations/",
    "gallery": "generations/?view=gallery",
    "failed": "generations/?status=failed",
    "canceled": "generations/?status=canceled",
    "of so high a cost, none": "generations/?over=100",
    "of the playground, none": "generations/?source=playground",
    "of a model, of 30 days": "generations/?model=gpt-image-1&period=30d",
    "by words": "generations/?q=number+999",
    "by words, none": "generations/?q=zzz",
    "by words, all counted": "generations/?q=zzz&count=all",
    "a later page": "generations/?after={late}",
    "one generation": "generations/{late}/",
    "playground": "playground/",
    "find": "find/?q=demo",
    "usage, 30 days": "usage/",
    "usage, 90 days by key": "usage/?period=90d&split=key",
    "keys": "keys/",
    "one key": "keys/{key}/",
    "webhooks": "webhooks/",
    "one endpoint": "webhooks/{hook}/",
    "its deliveries that failed": "webhooks/{hook}/?status=failed",
    "one delivery": "webhooks/{hook}/deliveries/{told}/",
    "billing": "billing/",
    "ledger": "billing/ledger/",
    "statements": "billing/statements/",
    "one statement": "billing/statements/{month}/",
    "prices": "billing/prices/",
    "members": "members/",
    "audit log": "audit/",
    "settings": "settings/",
    "CSV of a day": "generations/?period=24h&format=csv",
}
NO_LIMIT = {"by words", "by words, none", "by words, all counted", "CSV of a day"}
"""A search by words has a limit of its own; who asks for all, or for a file, waits for it."""
MODELS = (
    "(ARRAY['gpt-image-2','gpt-image-2-origin','gpt-image-1','dall-e-3','dall-e-2'])[1 + mod(i, 5)]"
)
DAYS = 90
DELIVERIES = GENERATIONS // 3
"""To one endpoint: those of the newest generations, of 30 days, for which they are kept."""

# A generation of that number: of the last 90 days, one in twenty failed, its id in order of time.
_MADE = f"(now() - i * interval '{DAYS} days' / %(count)s)"
_ID = (
    f"(lpad(to_hex((extract(epoch FROM {_MADE}) * 1000)::bigint), 12, '0') || '7'"
    " || lpad(to_hex(mod(i, 4096)), 3, '0') || '8' || lpad(to_hex(i), 15, '0'))::uuid"
)
_OVERRIDES = {
    "id": _ID,
    "created_at": _MADE,
    "finished_at": f"{_MADE} + interval '9 seconds'",
    "state": "CASE WHEN mod(i, 20) = 0 THEN 'failed' ELSE 'succeeded' END",
    "model": MODELS,
    "prompt": "'A fox in the snow beside a quiet river, number ' || i",
}
_USAGE = f"""
INSERT INTO billing_usagerollup
       (tenant_id, key_id, model, tier, channel, status, hour, generations, images,
        captured_micros, latency)
SELECT g.tenant_id, g.api_key_id, {MODELS}, '', 'sandbox', status,
       date_trunc('hour', now()) - (i / 5) * interval '1 hour', 90, 90, 475000, '{{"40": 90}}'
  FROM generation_generation g, generate_series(0, {DAYS * 24 * 5 - 1}) i,
       unnest(ARRAY['succeeded', 'failed']) status
 WHERE g.id = %(id)s AND (status = 'succeeded' OR mod(i, 5) = 0)
"""
_TOLD = (
    f"""
INSERT INTO webhooks_event (id, tenant_id, type, subject_id, at, body)
SELECT {_ID}, e.tenant_id, 'generation.succeeded', {_ID}, {_MADE}, '{{}}'
  FROM webhooks_webhookendpoint e, generate_series(1, {DELIVERIES}) i
""",
    """
INSERT INTO webhooks_delivery (id, event_id, endpoint_id, state, tries, due_at)
SELECT v.id, v.id, e.id, CASE WHEN random() < 0.05 THEN 'failed' ELSE 'delivered' END, 1, v.at
  FROM webhooks_event v, webhooks_webhookendpoint e WHERE v.body = '{}'
""",
    """
INSERT INTO webhooks_deliveryattempt (delivery_id, at, took_ms, http_status, error, answer)
SELECT d.id, d.due_at, 40, CASE d.state WHEN 'failed' THEN 503 ELSE 200 END, '', 'ok'
  FROM webhooks_delivery d JOIN webhooks_event v ON v.id = d.event_id WHERE v.body = '{}'
""",
    "VACUUM ANALYZE webhooks_event, webhooks_delivery, webhooks_deliveryattempt",
)
"""Statements, in their order: what the one endpoint was told of the newest generations."""


def run(ground: Ground, requests: int | None) -> Result:
    """Look at every page, again and again, with so much behind it; then take it away again."""
    count = requests or REQUESTS
    with _filled(ground) as known, _signed_in(ground) as client:
        ids = {**known, "month": f"{clock.now():%Y-%m}"}
        times = {name: _times(client, path.format(**ids), count) for name, path in PAGES.items()}
    p95 = {name: max(found) if len(found) < 2 else _p95(found) for name, found in times.items()}
    lines = [
        f"{name}: p50 {statistics.median(times[name]):.0f} ms, p95 {p95[name]:.0f} ms"
        for name in PAGES
    ]
    slow = [name for name in PAGES if name not in NO_LIMIT and p95[name] > MOST_MS]
    return Result(
        name=f"pages: the console over {GENERATIONS:,} generations, each page {count} times",
        lines=lines,
        columns={},
        figures={"p95_ms": p95},
        failures=[f"{name} took {p95[name]:.0f} ms" for name in slow],
    )


@contextmanager
def _filled(ground: Ground) -> Iterator[Mapping[str, str]]:
    """The demo's workspace with that many generations, as copies of one; what has a page there."""
    stack = ground.stack
    known = _begun(stack)
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        newest = "SELECT id FROM generation_generation ORDER BY id DESC LIMIT 1"
        (row,) = owner.execute(newest).fetchall()
        names = [
            str(name)
            for (name,) in owner.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'generation_generation'"
            )
        ]
        values = ", ".join(_OVERRIDES.get(name, f'g."{name}"') for name in names)
        into = ", ".join(f'"{name}"' for name in names)
        facts = {"id": row[0], "count": GENERATIONS}
        owner.execute(
            f"INSERT INTO generation_generation ({into}) SELECT {values}"
            f" FROM generation_generation g, generate_series(1, {GENERATIONS}) i"
            " WHERE g.id = %(id)s",
            facts,
        )
        owner.execute(_USAGE, facts)
        owner.execute("VACUUM ANALYZE generation_generation")
        for statement in _TOLD:
            owner.execute(statement, facts)
        yield known
        owner.execute("DELETE FROM generation_generation WHERE prompt LIKE 'A fox in the snow%'")
        owner.execute("DELETE FROM billing_usagerollup WHERE generations = 90")


def _begun(stack: Stack) -> Mapping[str, str]:
    """One of each thing that has a page: an image, its key, an endpoint, and what it was told."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(
        base_url=f"{stack.base_url}/v1", headers=headers, timeout=60, trust_env=False
    ) as client:

        def post(path: str, **body: str) -> Any:
            return client.post(path, json=body).raise_for_status().json()

        made = post("/images/generations", model="gpt-image-2", prompt="a fox", quality="low")
        nobody = f"http://127.0.0.1:{stack.upstream_ports[0]}/hook"
        hook = post("/webhook_endpoints", url=nobody)["id"]
        told = post(f"/webhook_endpoints/{hook}/test")["id"]
        key = client.get("/api_keys").raise_for_status().json()["data"][-1]["id"]
    return {"late": made["metadata"]["generation_id"], "key": key, "hook": hook, "told": told}


@contextmanager
def _signed_in(ground: Ground) -> Iterator[httpx.Client]:
    """A browser's session of the demo's owner, at the pages of its workspace."""
    stack = ground.stack
    with httpx.Client(base_url=stack.base_url, trust_env=False, timeout=60) as client:
        form = client.get("/accounts/login/").text
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[:1]
        fields = {
            "login": stack.env["PICTOR_DEMO_EMAIL"],
            "password": stack.env["PICTOR_DEMO_PASSWORD"],
            "csrfmiddlewaretoken": token,
        }
        client.post("/accounts/login/", data=fields)
        home = client.get("/console/", follow_redirects=True)
        client.base_url = str(home.url)
        yield client


def _times(client: httpx.Client, path: str, count: int) -> list[float]:
    """Milliseconds of each look, after a first one."""
    return [_look(client, path) for _ in range(count + 1)][1:]


def _look(client: httpx.Client, path: str) -> float:
    """Milliseconds of one that is let in: a person looks at five pages a second and no more."""
    while True:
        began = time.perf_counter()
        answer = client.get(path)
        took = (time.perf_counter() - began) * 1000
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            answer.raise_for_status()
            return took
        time.sleep(int(answer.headers["retry-after"]))


def _p95(found: list[float]) -> float:
    return statistics.quantiles(found, n=20, method="inclusive")[18]
