"""A LiteLLM proxy with a database of its own, and its cost: keys, budgets, spend, a log.

It has one worker and its defaults. Unless `is_shared` is off, it shares its counters (limits,
budgets, spend) by a Redis, as Pictor does and as its documentation asks of more than one process
("What Needs Redis"). Both servers are those that Pictor runs, with the same settings. Prisma's
engine, through which it queries the database, is described in `engine/engine.mjs`.
"""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg

from pictor.embedded.part import StackPart, answers_ok
from pictor.embedded.ports import keep_ports
from pictor.embedded.postgres import Postgres
from pictor.embedded.postgres_place import find_place
from pictor.embedded.process import Command
from pictor.embedded.progress import Progress
from pictor.embedded.supervisor import Supervisor
from pictor.embedded.valkey import Valkey
from tests.bench.ground import TENANTS
from tests.bench.meter import cpu_seconds, family
from tests.clients.environments import node_of, python_of, quietly
from tests.stack.stack_processes import until

HERE = Path(__file__).parent
ENGINE = HERE / "engine" / "engine.mjs"
PRISMA = HERE / "engine" / "node_modules" / "prisma" / "build" / "index.js"
GROUPS = ("python", "engine", "postgres", "redis")
PARTS = ("postgres", "redis", "litellm")
MODEL = "bench"
LIMITS = {"max_budget": 100_000, "rpm_limit": 1_000_000, "max_parallel_requests": 10_000}
READY_SECONDS = 120.0
LOGGED = 'SELECT count(*) FROM "LiteLLM_SpendLogs"'
PRICED = f"{LOGGED} WHERE spend > 0"
"""LiteLLM writes spend a few seconds later, many requests at once."""
ADDED_UP = """
SELECT (abs((SELECT sum(spend) FROM "LiteLLM_SpendLogs")
          - (SELECT sum(spend) FROM "LiteLLM_VerificationToken")) < 1e-6)::int
"""
"""Whether it has added up each key's spend, which it does after that."""


class Proxy:
    """A running proxy with customers' keys."""

    def __init__(
        self, *, port: int, api_keys: list[str], pids: dict[str, int], database_url: str
    ) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self.api_keys = api_keys
        self._pids = pids
        self._database_url = database_url

    def cost(self, send: Callable[[], None], *, requests: int) -> dict[str, float]:
        """CPU milliseconds a request by group, its bookkeeping included.

        Raises AssertionError when it has not written all requests down in 90 s.
        """
        logged = self.asked(LOGGED)
        before = self._cpu_seconds()
        send()
        until(lambda: self.asked(LOGGED) == logged + requests)
        until(lambda: self.asked(ADDED_UP) == 1)
        after = self._cpu_seconds()
        return {name: 1000 * (after[name] - before[name]) / requests for name in GROUPS}

    def asked(self, query: str) -> int:
        """The one number that a query of its database returns."""
        with psycopg.connect(self._database_url) as database:
            row = database.execute(query.encode()).fetchone()
        assert row
        return int(row[0])

    def _cpu_seconds(self) -> dict[str, float]:
        found = dict.fromkeys(GROUPS, 0.0)
        proxy = psutil.Process(self._pids["python"])
        for process in family(proxy):
            is_engine = str(ENGINE) in process.cmdline()
            found["engine" if is_engine else "python"] += cpu_seconds(process)
        for name in self._pids.keys() - {"python"}:
            found[name] = sum(map(cpu_seconds, family(psutil.Process(self._pids[name]))))
        return found


@contextlib.contextmanager
def running(upstream: str, *, is_shared: bool) -> Iterator[Proxy]:
    """Start a proxy in a temporary folder, in front of an upstream's /v1; stop it at the end.

    With `is_shared` it has a Redis too. Raises Unavailable where this machine cannot run it.
    """
    node_of(ENGINE.parent)
    python = python_of("litellm-proxy", HERE / "proxy.lock")
    _generate_client(python)
    folder = Path(tempfile.mkdtemp(prefix="pictor-litellm-"))
    folder.chmod(0o711)  # PostgreSQL's account must get in
    (folder / "log").mkdir()
    try:
        supervisor = Supervisor(
            run=folder, children_file=folder / "children.json", progress=Progress()
        )
        try:
            yield _start(supervisor, folder, python, upstream=upstream, is_shared=is_shared)
        finally:
            supervisor.stop()
            supervisor.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(
    supervisor: Supervisor, folder: Path, python: Path, *, upstream: str, is_shared: bool
) -> Proxy:
    ports = keep_ports(folder / "ports.json", PARTS, reserved=frozenset())
    postgres = Postgres(
        place=find_place(folder),
        port=ports["postgres"],
        owner_password=secrets.token_hex(16),
        processes_password=secrets.token_hex(16),
    )
    valkey = Valkey(folder=folder / "valkey", port=ports["redis"], password=secrets.token_hex(16))
    postgres.create()
    servers = {"postgres": postgres.part(), **({"redis": valkey.part()} if is_shared else {})}
    watched = dict(zip(servers, supervisor.begin([*servers.values()]), strict=True))
    supervisor.wait_ready()
    _migrate(postgres.owner_url, python)
    master_key = f"sk-{secrets.token_hex(16)}"
    settings = _settings(upstream, master_key, redis=valkey if is_shared else None)
    (folder / "config.yaml").write_text(json.dumps(settings))
    part = _part(folder, python, port=ports["litellm"], database_url=postgres.owner_url)
    (watched["python"],) = supervisor.begin([part])
    supervisor.wait_ready()
    return Proxy(
        port=ports["litellm"],
        api_keys=_customers(ports["litellm"], master_key),
        pids={name: one.pid for name, one in watched.items()},
        database_url=postgres.owner_url,
    )


def _part(folder: Path, python: Path, *, port: int, database_url: str) -> StackPart:
    command = Command(
        argv=(
            str(python.with_name("litellm")), "--config", str(folder / "config.yaml"),
            "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1",
        ),
        env={
            **_environment(python),
            "DATABASE_URL": database_url,
            "DISABLE_SCHEMA_UPDATE": "true",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_SALT_KEY": secrets.token_hex(16),
        },
        cwd=folder,
    )  # fmt: skip
    return StackPart(
        name="litellm",
        role="litellm",
        command=lambda: command,
        is_ready=lambda _running: answers_ok(port, "/health/readiness"),
        ready_seconds=READY_SECONDS,
    )


def _settings(upstream: str, master_key: str, *, redis: Valkey | None) -> dict[str, object]:
    model = {"model": "openai/gpt-image-1", "api_base": upstream, "api_key": "sk-bench"}
    info = {"mode": "image_generation"}
    general: dict[str, object] = {"master_key": master_key}
    if redis:
        where = {"host": "127.0.0.1", "port": redis.port, "password": redis.password}
        general["coordination_redis"] = where
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": model, "model_info": info}],
        "litellm_settings": {"telemetry": False},
        "general_settings": general,
    }


def _customers(port: int, master_key: str) -> list[str]:
    """Keys of as many customers as a load here has, each a team with a budget.

    A key has the limits of a Pictor tenant's: a minute, in flight, and for spend.
    """
    headers = {"Authorization": f"Bearer {master_key}"}
    base_url = f"http://127.0.0.1:{port}"
    keys = []
    with httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False) as admin:
        for number in range(TENANTS):
            name = f"tenant-{number}"
            team = admin.post("/team/new", json={"team_alias": name, **LIMITS}).raise_for_status()
            wanted = {"team_id": team.json()["team_id"], "models": [MODEL], **LIMITS}
            key = admin.post("/key/generate", json=wanted).raise_for_status()
            keys.append(str(key.json()["key"]))
    return keys


def _generate_client(python: Path) -> None:
    """Let Prisma write its Python client for LiteLLM's tables, as LiteLLM's own image does."""
    schema = _packages(python) / "litellm" / "proxy" / "schema.prisma"
    quietly(["node", str(PRISMA), "generate", "--schema", str(schema)], env=_environment(python))


def _migrate(database_url: str, python: Path) -> None:
    """Make LiteLLM's tables from its migrations, as `prisma migrate deploy` would."""
    folder = _packages(python) / "litellm_proxy_extras" / "migrations"
    with psycopg.connect(database_url, autocommit=True) as database:
        for path in sorted(folder.glob("2*/migration.sql")):
            database.execute(path.read_bytes())


def _packages(python: Path) -> Path:
    (found,) = python.parent.parent.glob("lib/python3.*/site-packages")
    return found


def _environment(python: Path) -> dict[str, str]:
    """The environment of LiteLLM and Prisma's command, with our engines for those they download."""
    engines = ("QUERY_ENGINE_BINARY", "QUERY_ENGINE_LIBRARY", "SCHEMA_ENGINE_BINARY")
    return {
        **{name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")},
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NO_PROXY": "127.0.0.1,localhost",
        **{f"PRISMA_{name}": str(ENGINE) for name in engines},
    }
