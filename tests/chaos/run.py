"""One chaos run: a fresh stack in peace, then callers and faults at once, then the verdict."""

import asyncio
import json
import random
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import httpx

from tests.chaos.calm import GREEDY, SLOTS, TENANT, TESTER, Calm, calm
from tests.chaos.faults import Faults
from tests.chaos.traffic import FAL, HONEST, HOSTILE, RELAY, Keys, Traffic
from tests.chaos.upstream import Honest, Hostile, serving
from tests.chaos.verdict import Verdict, verdict
from tests.customers.customer import Operator
from tests.fakes.late_vendors import LateFal, LateRelay, LateVendor
from tests.fakes.raw_server import Script
from tests.stack.servers import Stack, start_stack, stop_stack
from tests.stack.stack_processes import is_whole, until

AWAY_SECONDS = 20.0
SHARE_AWAY = 4
"""A short run's absences last at most this part of it."""
LATE_SECONDS = (2.0, 8.0)
"""Time of a picture that is looked for."""
CALM_SECONDS = 20.0
"""Time without kills, and again beside the greedy; a short run uses its own length."""


def run(*, seed: int, seconds: float, has_greedy: bool = True) -> Verdict:
    """Run chaos for that long, on a stack of its own in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pictor-chaos-", ignore_cleanup_errors=True) as folder:
        stack = start_stack(Path(folder), PICTOR_WORKER_SLOTS=str(SLOTS))
        try:
            return run_on(stack, seed=seed, seconds=seconds, has_greedy=has_greedy)
        finally:
            stop_stack(stack)


def run_on(stack: Stack, *, seed: int, seconds: float, has_greedy: bool) -> Verdict:
    """Run on a running stack, whose parts are killed."""
    found: list[Calm] = []
    dice = random.Random(seed)  # noqa: S311 - chaos that can be repeated, no secret
    away = min(AWAY_SECONDS, seconds / SHARE_AWAY)
    faults = Faults(stack, dice, away)
    honest = Honest(kill=faults.kill_image_worker, dice=random.Random(seed + 1))  # noqa: S311 - as above
    hostile = Hostile(random.Random(seed + 2))  # noqa: S311 - as above
    late = [_late(vendor, dice) for vendor in (LateFal(), LateRelay())]
    with ExitStack() as servers:
        scripts: list[Script] = [honest, hostile, *late]
        for script, port in zip(scripts, stack.upstream_ports, strict=True):
            servers.enter_context(serving(script, port))
        for vendor, port in zip(late, stack.upstream_ports[2:], strict=True):
            vendor.origin = f"http://127.0.0.1:{port}"
        traffic = Traffic(stack, _prepared(stack, late), honest)
        greedy = threading.Thread(target=lambda: asyncio.run(traffic.greedy()))
        callers = threading.Thread(target=lambda: asyncio.run(traffic.run()))
        peace = min(CALM_SECONDS, seconds)
        try:
            if has_greedy:
                found.append(calm(stack, traffic, seconds=peace, begin_greedy=greedy.start))
            callers.start()
            faults.run(seconds=seconds, is_whole=lambda: is_whole(stack))
            last = faults.injected[-1].ended_at
            until(lambda: any(began > last for began, _ in traffic.seen.made))
        except AssertionError as error:
            raise RuntimeError(f"no image is made: {traffic.seen.answers}") from error
        finally:
            traffic.is_over.set()
            honest.is_over.set()
            for each in (greedy, callers):
                if each.ident:
                    each.join()

        ended = verdict(
            stack,
            tenants=[TENANT, GREEDY, TESTER],
            seen=traffic.seen,
            faults=faults.injected,
            late=late,
            let_go=lambda: httpx.post(_delays(stack), trust_env=False),
        )
    return Verdict(
        [*(line for each in found for line in each.lines()), *ended.lines],
        [*(line for each in found for line in each.broken()), *ended.broken],
    )


def _delays(stack: Stack) -> str:
    """The address at which the sandbox's present delays are ended."""
    return stack.env["SANDBOX_URL"].removesuffix("/v1") + "/__delays/end"


def _late(vendor: LateVendor, dice: random.Random) -> LateVendor:
    vendor.takes = lambda: dice.uniform(*LATE_SECONDS)
    vendor.may_answer.set()
    return vendor


def _prepared(stack: Stack, late: Sequence[LateVendor]) -> Keys:
    """Make four channels with a model each, the sandbox for tests, and tenants' keys."""
    honest, hostile = stack.upstream_ports[:2]
    with closing(Operator(stack.env)) as operator:
        for name, port, model in (("honest", honest, HONEST), ("hostile", hostile, HOSTILE)):
            seconds = "40" if name == "honest" else "6"  # greedy orders take up to 30 s
            address = ("--base-url", f"http://127.0.0.1:{port}/v1", "--api-key", "sk-chaos")
            operator("channel", "set", name, *address, "--models", model, "--timeout", seconds)
            operator("channel", "enable", name, "--untested")
        for vendor, model in zip(late, (FAL, RELAY), strict=True):
            name, address = vendor.kind[-1], ("--base-url", vendor.origin, "--api-key", "sk-chaos")
            # An order is repeated only if it was written down nowhere: then it ends as unknown.
            operator(
                *("channel", "set", f"late-{name}", *vendor.kind, *address),
                *("--models", model, "--timeout", "60", "--no-redispatch"),
            )
            operator("channel", "enable", f"late-{name}", "--untested")
        operator("channel", "set", "sandbox", "--serves", "test", "--yes")
        made = [
            operator("tenant", "create", name, "--balance", "1000", "--json")
            for name in (TENANT, GREEDY, TESTER)
        ]
        made[2] = operator("key", "create", TESTER, "--test", "--json")
    return Keys(*(str(json.loads(each)["api_key"]) for each in made))
