"""Pages, reads and look-ups over millions of generations: PostgreSQL's time for each.

`--requests N` is the number of generations. Their rows are written past the product, whose workers
stand still, so this stack's ledger is not proved afterwards.
"""

import csv
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import psycopg

from pictor.kit.words import clock, ids
from pictor.kit.words.money import from_decimal
from tests.bench.ground import Ground
from tests.bench.history import HISTORY_DAYS, write_history
from tests.bench.report import Result
from tests.bench.statements import Asked, Statements
from tests.console.ops.links import opened, pages_found
from tests.stack.servers import Stack
from tests.stack.stack_processes import stopped

GENERATIONS = 2_000_000
TENANTS = 200
"""Tenants, each with a key and so with some of the generations."""
STAFF, CUSTOMERS = "operators", "console"
PAGES = (STAFF, CUSTOMERS)
MAX_STATEMENTS = 12
"""Limit for a page of either console, which must also come within MAX_MS."""
LONG, MAX_LONG_MS = "400 days", 500.0
"""Looks at so many days have a limit of their own."""
LOOKS = 5
"""Number of looks at each page, after a first one."""
MAX_MS = 200.0
"""Limit of PostgreSQL's time for one look."""
ZONE = "Asia/Kolkata"
"""Time zone of the large tenant, whose days differ from UTC's."""
PATIENCE_SECONDS = 900
"""Seconds that a command may take."""
KEYS = 2
"""Further keys of the large tenant."""
CONSOLE = {
    "overview": "",
    "generations": "generations/",
    "gallery": "generations/?view=gallery",
    "failed": "generations/?status=failed",
    "canceled": "generations/?status=canceled",
    "of so high a cost, none": "generations/?over=100",
    "of the playground, none": "generations/?source=playground",
    "of a model, of 30 days": "generations/?model=gpt-image-1&period=30d",
    "by an id": "generations/?q={old}",
    "by a request id": "generations/?q={request}",
    "by words": "generations/?q=number+999",
    "by words, none": "generations/?q=zzz",
    "by words, all counted": "generations/?q=zzz&count=all",
    "a later page": "generations/?after={old}",
    "one generation": "generations/{old}/",
    "playground": "playground/",
    "find": "find/?q=demo",
    "find an id": "find/?q={old}",
    "find a request id": "find/?q={request}",
    "usage, 30 days": "usage/",
    "usage, 90 days": "usage/?period=90d",
    "usage, 90 days by key": "usage/?period=90d&split=key",
    "usage, 90 days, times by model": "usage/?period=90d&show=p95",
    "usage, 90 days by error": "usage/?period=90d&split=error&show=failed",
    "usage, 90 days by model and key": "usage/?period=90d&by=key",
    "usage, 90 days, why it changed": "usage/?period=90d&show=why",
    "usage, 90 days, filtered": "usage/?period=90d&model=gpt-image-1&status=succeeded&split=tier",
    "usage, a week by the hour": "usage/?period=7d&per=hour",
    "usage, 400 days": "usage/?first={long_ago}&last={today}",
    "usage, 400 days by error and key": "usage/?first={long_ago}&last={today}&split=error&by=key",
    "usage by end customer, 90 days": "usage/customers/?period=90d",
    "usage by end customer, 400 days": "usage/customers/?period={long_ago}..{today}",
    "requests refused": "generations/refused/",
    "usage, 90 days as CSV": "usage/?period=90d&format=csv",
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
API = {
    "models": "models",
    "generations": "images/generations?limit=100",
    "a later page": "images/generations?limit=100&after={old}",
    "one generation": "images/generations/{old}",
    "usage": "usage",
    "usage, 90 days by all groups": "usage?start={begin}&group_by=model,key,tier,status,error",
    "usage by the hour": "usage?bucket=hour&group_by=key",
    "usage by the month": "usage?bucket=month&group_by=model",
    "balance": "balance",
    "prices": "prices",
    "keys": "api_keys",
    "webhook endpoints": "webhook_endpoints",
    "deliveries": "webhook_endpoints/{hook}/deliveries",
}
OPERATORS = {
    "ledger of a tenant": "ledger/?tenant=bench-1",
    "top-ups": "ledger/?kind=top_up",
    "adjustments of 30 days, none": "ledger/?kind=adjustment&period=30d",
    "transfers of a generation": "ledger/?q={old}",
    "transfers of a request": "ledger/?q={request}",
    "margin by tenant, 90 days": "margin/?by=tenant&period=90d",
    "margin by price row, 90 days": "margin/?by=cell&period=90d",
    "a draft's review": "prices/{draft}/review/",
    "what it would have brought": "prices/{draft}/what-if/",
}
"""Operators' pages looked at besides those that links lead to."""
SITE = {"/metrics": "/metrics", "/status/": "/status/", "/readyz": "/readyz"}
COMMANDS = {
    "generation show gen_…": ("generation", "show", "{old}"),
    "generation show req_…": ("generation", "show", "{request}"),
    "tenant list": ("tenant", "list"),
    "key list": ("key", "list", "demo"),
    "channel list": ("channel", "list"),
    "channel attempts": ("channel", "attempts"),
    "channel show": ("channel", "show", "sandbox"),
    "channel errors of 7 days": ("channel", "errors", "sandbox", "--hours", "168"),
}
NO_LIMIT = {"console: by words, all counted", "console: CSV of a day"}
"""Looks that may take longer, since they count everything or make a file of rows."""
_CUSTOMERS = f"""
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
for number in range({TENANTS}):
    tenant = create_tenant(name=f"customer-{{number}}", actor="bench")
    issue_api_key(tenant=tenant, name="production", actor="bench")
"""
# All transfers count as sold: usage_rebuild has counted them.
_ALL_SOLD = """
INSERT INTO billing_solduntil (id, transfer_id, until)
SELECT 1, max(id), now() FROM billing_transfer
    ON CONFLICT (id) DO UPDATE SET transfer_id = excluded.transfer_id, until = excluded.until
"""
SPLITS = {
    "model": "g.model",
    "tier": "g.tier",
    "status": "g.state",
    "error": "COALESCE(g.error ->> 'code', '')",
}
_SUMS = """
SELECT {part}, COUNT(*), COUNT(*) FILTER (WHERE g.state = 'failed'),
       SUM((SELECT COUNT(*) FROM storage_storedimage AS i WHERE i.generation_id = g.id))::bigint,
       SUM(g.captured_micros)::bigint
  FROM generation_generation AS g JOIN accounts_tenant AS t ON t.id = g.tenant_id
 WHERE t.name = 'demo' AND g.livemode AND g.finished_at IS NOT NULL GROUP BY 1
"""
# A thousand tags on each day of the large tenant.
_TAGGED = f"""
INSERT INTO generation_taggedday
       (tenant_id, day, part, tag, generations, failed, images, captured_micros)
SELECT t.id, now()::date - back, 'tag',
       'customer-' || tag + CASE WHEN tag > 500 THEN 1000 * back ELSE 0 END, 9, 1, 12, tag * 1000
  FROM accounts_tenant AS t, generate_series(0, {HISTORY_DAYS}) AS back,
       generate_series(1, 1000) AS tag
 WHERE t.name = 'demo'
"""  # noqa: S608 - built from a constant
# Deliveries of the newest events to one endpoint; they are kept for 30 days.
_TOLD = (
    """
INSERT INTO webhooks_event (id, tenant_id, type, subject_id, at, body)
SELECT g.id, g.tenant_id, 'generation.succeeded', g.id, g.finished_at, '{}'
  FROM webhooks_webhookendpoint e JOIN generation_generation g USING (tenant_id)
 WHERE g.created_at > now() - interval '30 days' AND g.state = 'succeeded' ORDER BY g.id
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


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the milliseconds until it was complete, and its statements."""

    ms: float
    asked: Asked


def run(ground: Ground, requests: int | None) -> Result:
    """Look at everything repeatedly, over this much history."""
    count = requests or GENERATIONS
    looks: dict[str, list[Look]] = {}
    failures = []
    with ExitStack() as kept:
        known, rows, (seeded_seconds, counted_seconds) = kept.enter_context(_filled(ground, count))
        asked = kept.enter_context(Statements.of(ground.stack))
        browser = kept.enter_context(signed_in(ground))
        for name, look in _all(ground.stack, browser, known):
            try:
                found = [measured(look, asked) for _ in range(LOOKS + 1)]
            except httpx.HTTPStatusError as error:
                failures.append(f"{name} was answered {error.response.status_code}")
            else:
                looks[name] = found[1:]
        failures += _sums_that_differ(ground.stack, browser, known)
    least = {name: quickest(found) for name, found in looks.items()}
    width = max(map(len, least))
    slow = {name for name, look in least.items() if look.asked.ms > most_ms(name)} - NO_LIMIT
    pages = {name: look for name, look in least.items() if name.startswith(PAGES)}
    return Result(
        name=f"pages: {count:,} generations of {HISTORY_DAYS} days, {rows};"
        f" the quickest of {LOOKS} looks",
        lines=[
            f"written in {seeded_seconds:.0f} s, usage counted in {counted_seconds:.0f} s",
            f"{'':<{width}}  statements  their ms  all ms",
            *(
                f"{name:<{width}}  {look.asked.number:>10}  {look.asked.ms:>8.1f}  {look.ms:>6.0f}"
                for name, look in least.items()
            ),
        ],
        columns={},
        figures={
            name: {"statements": look.asked.number, "statements_ms": look.asked.ms, "ms": look.ms}
            for name, look in least.items()
        },
        failures=[
            *failures,
            *(f"{name} took PostgreSQL {least[name].asked.ms:.0f} ms" for name in sorted(slow)),
            *(
                f"{name} took {look.ms:.0f} ms and {look.asked.number} statements"
                for name, look in pages.items()
                if look.ms > most_ms(name) or look.asked.number > MAX_STATEMENTS
                if name not in NO_LIMIT
            ),
        ],
    )


def _sums_that_differ(
    stack: Stack, browser: httpx.Client, known: Mapping[str, str]
) -> Iterator[str]:
    """The splits of Usage whose sums are not those of the rows."""
    home = browser.get("/console/", follow_redirects=True).url.path
    period = "usage/?first={long_ago}&last={today}&format=csv".format(**known)
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"]) as owner:
        for split, column in SPLITS.items():
            of_rows = {
                part: tuple(sums) for part, *sums in owner.execute(_SUMS.format(part=column))
            }
            text = opened(browser, f"{home}{period}&split={split}").text
            shown: dict[str, Counter[str]] = defaultdict(Counter)
            for line in csv.DictReader(text.removeprefix("\ufeff").splitlines()):
                sums = {name: int(line[name]) for name in ("generations", "failed", "images")}
                shown[line[split]].update(sums | {"micros": from_decimal(line["cost"])})
            of_pages = {part: tuple(sums.values()) for part, sums in shown.items()}
            if of_pages != of_rows:
                yield f"usage by {split}: {of_pages}, but the rows have {of_rows}"


def most_ms(name: str) -> float:
    return MAX_LONG_MS if LONG in name else MAX_MS


def quickest(found: list[Look]) -> Look:
    """The least of each figure: other work of the machine only adds to them."""
    return Look(
        min(look.ms for look in found),
        Asked(min(look.asked.number for look in found), min(look.asked.ms for look in found)),
    )


def measured(look: Callable[[], object], asked: Statements) -> Look:
    asked.since_last()
    began = time.perf_counter()
    look()
    ms = (time.perf_counter() - began) * 1000
    return Look(ms, asked.since_last())


def _all(
    stack: Stack, browser: httpx.Client, known: Mapping[str, str]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every look with its name."""
    home = browser.get("/console/", follow_redirects=True).url.path
    key = {"Authorization": f"Bearer {stack.api_key}"}
    for kind, paths, root, headers in (
        (CUSTOMERS, CONSOLE, home, {}),
        ("/v1", API, "/v1/", key),
        ("site", SITE, "", {}),
    ):
        for name, path in paths.items():
            address = root + path.format(**known)
            yield f"{kind}: {name}", partial(get, browser, address, headers)
    for name, path in {**pages_found(browser), **_operators(known)}.items():
        yield f"{STAFF}: {name}", partial(get, browser, path, {})
    for name, words in COMMANDS.items():
        arguments = [word.format(**known) for word in words]
        yield f"manage.py {name}", partial(_manage, stack, arguments)


def _operators(known: Mapping[str, str]) -> Mapping[str, str]:
    return {name: f"/ops/{path.format(**known)}" for name, path in OPERATORS.items()}


def get(client: httpx.Client, path: str, headers: Mapping[str, str]) -> None:
    opened(client, path, **headers).raise_for_status()


def _manage(stack: Stack, arguments: list[str]) -> None:
    done = stack.manage(*arguments, timeout_seconds=PATIENCE_SECONDS)
    if done.returncode:
        raise RuntimeError(done.stderr)


@contextmanager
def _filled(
    ground: Ground, count: int
) -> Iterator[tuple[Mapping[str, str], str, tuple[float, float]]]:
    """Write the history while workers stand still; return objects with a page, rows and seconds.

    The seconds are those of writing it and of counting its usage by the command.
    """
    stack = ground.stack
    for number in range(KEYS):
        _manage(stack, ["key", "create", "demo", "--name", f"key {number}"])
    _manage(stack, ["shell", "-c", _CUSTOMERS])
    _manage(stack, ["price", "draft", "list:1"])
    known = _begun(stack)
    with ExitStack() as kept:
        for pid in stack.pids()["worker"]:
            kept.enter_context(stopped(pid))
        owner = kept.enter_context(
            psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True)
        )
        owner.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        owner.execute("SELECT pg_reload_conf()")
        owner.execute("UPDATE accounts_tenant SET time_zone = %s WHERE name = 'demo'", [ZONE])
        like = ids.parse(ids.GENERATION, known["made"])
        assert like is not None
        began = time.monotonic()
        write_history(owner, count, like=like)
        for statement in _TOLD:
            owner.execute(statement)
        owner.execute(_ALL_SOLD)
        owner.execute(_TAGGED)
        written = time.monotonic()
        _manage(stack, ["usage_rebuild"])
        counted = time.monotonic()
        owner.execute(
            "VACUUM ANALYZE billing_usagerollup, billing_failurerollup, billing_soldday,"
            " generation_taggedday"
        )
        seconds = (written - began, counted - written)
        yield {**known, **_old(owner, like)}, _rows(owner), seconds


def _old(owner: "psycopg.Connection[Any]", newest: UUID) -> Mapping[str, str]:
    """A generation in the middle of the large tenant's, and the start of its last 90 days."""
    ((found, request),) = owner.execute(
        """
        SELECT id, request_id FROM generation_generation
         WHERE id > %s AND tenant_id = (SELECT tenant_id FROM generation_generation WHERE id = %s)
         ORDER BY id LIMIT 1
        """,
        [ids.first_at(clock.now() - timedelta(days=HISTORY_DAYS / 2)), newest],
    ).fetchall()
    begin = int((clock.now() - timedelta(days=HISTORY_DAYS - 1)).timestamp())
    draft = owner.execute("SELECT id FROM billing_pricebook WHERE published_at IS NULL")
    return {
        "draft": str(draft.fetchall()[0][0]),
        "old": ids.public(ids.GENERATION, found),
        "uuid": str(found),
        "request": request,
        "begin": str(begin),
        "today": f"{clock.now():%Y-%m-%d}",
        "long_ago": f"{clock.now() - timedelta(days=398):%Y-%m-%d}",
        "month": f"{clock.now():%Y-%m}",
    }


def _rows(owner: "psycopg.Connection[Any]") -> str:
    """Numbers of rows, and the size of the database."""
    ((usage, size),) = owner.execute(
        "SELECT (SELECT count(*) FROM billing_usagerollup u JOIN accounts_tenant t"
        " ON t.id = u.tenant_id WHERE t.name = 'demo'), pg_database_size(current_database())"
    ).fetchall()
    return f"{usage:,} rows of usage of the large tenant, {size / 1e9:.1f} GB"


def _begun(stack: Stack) -> Mapping[str, str]:
    """One of each object with a page: an image, its key, an endpoint and its delivery."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(
        base_url=f"{stack.base_url}/v1", headers=headers, timeout=60, trust_env=False
    ) as client:

        def post(path: str, **body: str) -> Any:
            return client.post(path, json=body).raise_for_status().json()

        made = post("/images/generations", model="gpt-image-2", prompt="a fox", quality="low")
        nobody = f"{stack.nobody}/hook"
        hook = post("/webhook_endpoints", url=nobody)["id"]
        told = post(f"/webhook_endpoints/{hook}/test")["id"]
        key = client.get("/api_keys").raise_for_status().json()["data"][-1]["id"]
    return {"made": made["metadata"]["generation_id"], "key": key, "hook": hook, "told": told}


@contextmanager
def signed_in(ground: Ground) -> Iterator[httpx.Client]:
    """A browser session of the demo's owner, who is staff too."""
    stack = ground.stack
    with httpx.Client(base_url=stack.base_url, trust_env=False, timeout=120) as client:
        form = client.get("/accounts/login/").text
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[:1]
        fields = {
            "login": stack.env["PICTOR_DEMO_EMAIL"],
            "password": stack.env["PICTOR_DEMO_PASSWORD"],
            "csrfmiddlewaretoken": token,
        }
        client.post("/accounts/login/", data=fields)
        yield client
