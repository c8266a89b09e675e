"""The ground of a scenario: a fresh stack on loopback, tenants with money, one measured load."""

import contextlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.bench.attackers import Attack, Endured
from tests.bench.client import Load, Outcome
from tests.bench.meter import GROUPS, Groups, Peaks, Sampler, idle_bytes, in_hand
from tests.chaos.upstream import Hostile, serving
from tests.stack.servers import ROOT, Stack, start_stack, stop_stack

LOAD_SECONDS = 600.0
"""Time after which a load is given up."""
TENANTS = 4
"""Holds of one tenant are made one after the other; customers are usually several."""
MODEL = "gpt-image-2-origin"
WARM_UP = 64
HOSTILE_MODEL = "gpt-image-1"
HOSTILE_BODY = {"model": HOSTILE_MODEL, "prompt": "Whatever {number}"}
HOSTILE_SEED = 1


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One load and its cost in each process group."""

    outcome: Outcome
    cpu_seconds: dict[str, float]
    switches: dict[str, int]
    """Context switches."""
    idle_bytes: dict[str, int]
    waiting_bytes: dict[str, int]
    peak_bytes: dict[str, int]
    peak_threads: dict[str, int]
    most_in_flight: int


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """One attack: times of honest clients, and the memory of each process group."""

    endured: Endured
    idle_bytes: dict[str, int]
    peak_bytes: dict[str, int]
    most: Counter[str]
    """Highest values at once: `slots`, and `spool_bytes`."""


class Ground:
    """A running stack with tenants who can pay."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.keys = [self._tenant(f"bench-{number}") for number in range(1, TENANTS + 1)]

    @property
    def stack(self) -> Stack:
        """The running stack."""
        return self._stack

    def measure(
        self, *, requests: int, concurrency: int, images: int = 0, **body: object
    ) -> Measured:
        """Warm the stack up, send the load and watch; with images, the requests are edits."""
        self.warm_up()
        if images:
            self.send(requests=TENANTS, concurrency=1, body={"prompt": "{number}"}, images=1)
        return self.watched(requests=requests, concurrency=concurrency, images=images, body=body)

    def watched(
        self,
        *,
        requests: int,
        concurrency: int,
        body: Mapping[str, object],
        images: int = 0,
        per_second: float = 0,
        in_flight: Callable[[], int] | None = None,
    ) -> Measured:
        """Send the load and watch, without a warm-up; `in_flight` counts at another upstream."""
        groups = Groups(self._stack)
        idle = idle_bytes(groups)
        before, switched = groups.cpu_seconds(), groups.switches()
        with (
            self.upstream() as upstream,
            Sampler(groups, in_flight or in_flight_at(upstream)) as seen,
        ):
            outcome = self.send(
                requests=requests,
                concurrency=concurrency,
                body=body,
                images=images,
                per_second=per_second,
            )
        after, switched_after = groups.cpu_seconds(), groups.switches()
        return Measured(
            outcome=outcome,
            cpu_seconds={name: after[name] - before[name] for name in GROUPS},
            switches={name: switched_after[name] - switched[name] for name in GROUPS},
            idle_bytes=idle,
            waiting_bytes=seen.waiting_bytes(),
            peak_bytes=seen.peak_bytes(),
            peak_threads=seen.peak_threads(),
            most_in_flight=seen.most_in_flight,
        )

    def measure_hostile(self, *, requests: int, concurrency: int) -> Measured:
        """Do the same over the model's only channel, which answers with everything that hurts."""
        self.warm_up()
        port = self._stack.upstream_ports[0]
        with serving(Hostile(random.Random(HOSTILE_SEED)), port):  # noqa: S311 - no secret
            self.channel("hostile", port, HOSTILE_MODEL, "--timeout", "6")
            self._manage("channel", "disable", "sandbox")
            return self.watched(requests=requests, concurrency=concurrency, body=HOSTILE_BODY)

    def attack(
        self, *, seconds: float, kind: str = "slow", meanwhile: Callable[[], object] | None = None
    ) -> Attacked:
        """Warm the stack up, start the attackers and watch.

        If `meanwhile` is given, it is the attack and runs here; the process beside it has only
        honest clients, who sign in and order images too.
        """
        self.warm_up()
        address = urlsplit(self._stack.base_url)
        attack = Attack(
            host=address.hostname or "",
            port=address.port or 0,
            api_key=self.keys[0],
            seconds=seconds,
            kind=kind,
            email="" if kind == "slow" else self._stack.env["PICTOR_DEMO_EMAIL"],
            password="" if kind == "slow" else self._stack.env["PICTOR_DEMO_PASSWORD"],
        )
        groups = Groups(self._stack)
        idle = idle_bytes(groups)
        with self.database() as connection, ThreadPoolExecutor(1) as pool:
            used = Peaks(lambda: self._used(connection))
            with Sampler(groups, used) as seen:
                told = pool.submit(self._told, "tests.bench.attackers", asdict(attack))
                if meanwhile:
                    meanwhile()
                endured = Endured(**told.result())
        return Attacked(
            endured=endured, idle_bytes=idle, peak_bytes=seen.peak_bytes(), most=used.most
        )

    def database(self) -> "psycopg.Connection[Any]":
        """A connection with an operator's rights; closed by `with`."""
        return psycopg.connect(self._stack.env["DATABASE_URL"], autocommit=True)

    def _used(self, connection: "psycopg.Connection[Any]") -> Counter[str]:
        page = httpx.get(f"{self._stack.base_url}/metrics", trust_env=False, timeout=30).text
        spools = re.findall(r"^pictor_spool_bytes(?:{.*})? (\S+)$", page, re.MULTILINE)
        return Counter(
            slots=in_hand(connection).total(), spool_bytes=round(sum(map(float, spools)))
        )

    def ledger_finding(self) -> str | None:
        """Output of `ledger_check` if the ledger is wrong; None if it is right."""
        checked = self._stack.manage("ledger_check", "--json")
        return None if checked.returncode == 0 else checked.stdout + checked.stderr

    def warm_up(self) -> None:
        """Load everything loaded on first use, so that it counts as idle."""
        for response_format in ("url", "b64_json"):
            body = {"prompt": "Warm-up {number}", "response_format": response_format}
            outcome = self.send(requests=WARM_UP, concurrency=WARM_UP, body=body)
            if outcome.statuses != {"200": WARM_UP}:
                raise RuntimeError(f"the warm-up failed: {outcome.statuses} {outcome.errors}")

    def send(
        self,
        *,
        requests: int,
        concurrency: int,
        body: Mapping[str, object],
        images: int = 0,
        per_second: float = 0,
        straight: bool = False,
    ) -> Outcome:
        """Send the load, straight to the upstream if wanted, and return only its outcome."""
        load = Load(
            base_url=self._upstream_url if straight else self._stack.base_url,
            api_keys=self.keys,
            requests=requests,
            concurrency=concurrency,
            body={"model": MODEL, "size": "1024x1024", "quality": "low", **body},
            images=images,
            per_second=per_second,
        )
        return self.sent(load)

    @staticmethod
    def sent(load: Load) -> Outcome:
        """Send a load from a process of its own to the address that it names."""
        return Outcome(**Ground._told("tests.bench.client", asdict(load)))

    @staticmethod
    def _told(module: str, what: Mapping[str, object]) -> dict[str, Any]:
        """Run the module in a process of its own with this JSON; return the JSON that it prints."""
        client = subprocess.run(  # noqa: S603 (our own modules)
            [sys.executable, "-m", module],
            cwd=ROOT,
            input=json.dumps(what),
            stdout=subprocess.PIPE,
            text=True,
            timeout=LOAD_SECONDS,
            check=True,
        )
        found: dict[str, Any] = json.loads(client.stdout)
        return found

    def _tenant(self, name: str) -> str:
        created = self._manage("tenant", "create", name, "--balance", "1000", "--json")
        return str(json.loads(created)["api_key"])

    def channel(self, name: str, port: int, model: str, *options: str) -> None:
        """Make the channel first in line for the model."""
        address = ("--base-url", f"http://127.0.0.1:{port}/v1", "--api-key", "sk-bench")
        place = ("--models", model, "--priority", "1")
        self._manage("channel", "set", name, *address, *place, *options)
        self._manage("channel", "enable", name, "--untested")

    def _manage(self, *arguments: str) -> str:
        done = self._stack.manage(*arguments, typed="y\n")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def upstream(self) -> httpx.Client:
        """A client for the sandbox's counters."""
        return httpx.Client(base_url=self._upstream_url, trust_env=False, timeout=30)

    @property
    def _upstream_url(self) -> str:
        return self._stack.env["SANDBOX_URL"].removesuffix("/v1")


def in_flight_at(upstream: httpx.Client) -> Callable[[], int]:
    """Return a function that asks the sandbox for its number of requests in flight."""
    return lambda: int(upstream.get("/__stats").json()["in_flight"])


@contextlib.contextmanager
def fresh_ground(root: Path = ROOT) -> Iterator[Ground]:
    """Start a stack in a temporary folder; stop it and remove the folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pictor-bench-"))
    try:
        # All customers of a load share this machine's one address.
        stack = start_stack(folder, root=root, PICTOR_CONNECTIONS_PER_ADDRESS="8000")
        try:
            yield Ground(stack)
        finally:
            stop_stack(stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
