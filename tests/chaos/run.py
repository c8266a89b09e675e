"""One chaos run: a fresh stack, upstreams, callers and faults at once, then the verdict."""

import asyncio
import json
import random
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from tests.chaos.faults import Faults
from tests.chaos.traffic import HONEST, HOSTILE, Traffic
from tests.chaos.upstream import Honest, Hostile, serving
from tests.chaos.verdict import Verdict, verdict
from tests.customer import Operator
from tests.processes import is_whole, until
from tests.servers import Stack, start_stack, stop_stack

TENANT = "chaos"
AWAY_SECONDS = 20.0
SHARE_AWAY = 4
"""A short run's absences last at most this part of it."""


def run(*, seed: int, seconds: float) -> Verdict:
    """Chaos for that long, on a stack of its own in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pictor-chaos-", ignore_cleanup_errors=True) as folder:
        stack = start_stack(Path(folder))
        try:
            return run_on(stack, seed=seed, seconds=seconds)
        finally:
            stop_stack(stack)


def run_on(stack: Stack, *, seed: int, seconds: float) -> Verdict:
    """The same on a running stack, whose parts are killed."""
    dice = random.Random(seed)  # noqa: S311 - chaos that can be repeated, no secret
    away = min(AWAY_SECONDS, seconds / SHARE_AWAY)
    faults = Faults(stack, dice, away)
    honest = Honest(kill=faults.kill_image_worker, dice=random.Random(seed + 1))  # noqa: S311 - as above
    hostile = Hostile(random.Random(seed + 2))  # noqa: S311 - as above
    first, second = stack.upstream_ports[:2]
    with serving(honest, first), serving(hostile, second):
        traffic = Traffic(stack, _prepared(stack, first, second))
        callers = threading.Thread(target=lambda: asyncio.run(traffic.run()))
        callers.start()
        try:
            until(lambda: bool(traffic.seen.made))
            faults.run(seconds=seconds, is_whole=lambda: is_whole(stack))
            last = faults.injected[-1].ended_at
            until(lambda: any(began > last for began, _ in traffic.seen.made))
        except AssertionError as error:
            raise RuntimeError(f"no image is made: {traffic.seen.answers}") from error
        finally:
            traffic.is_over.set()
            callers.join()
        return verdict(stack, tenant=TENANT, seen=traffic.seen, faults=faults.injected)


def _prepared(stack: Stack, honest: int, hostile: int) -> str:
    """Two channels that are alone in what they serve, and a tenant's key."""
    with closing(Operator(stack)) as operator:
        for name, port, model in (("honest", honest, HONEST), ("hostile", hostile, HOSTILE)):
            address = ("--base-url", f"http://127.0.0.1:{port}/v1", "--api-key", "sk-chaos")
            operator("channel", "set", name, *address, "--models", model, "--timeout", "6")
            operator("channel", "enable", name, "--untested")
        operator("channel", "disable", "sandbox")
        created = operator("tenant", "create", TENANT, "--balance", "1000", "--json")
    return str(json.loads(created)["api_key"])
