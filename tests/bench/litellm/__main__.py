"""The cost of a request here beside its cost at a LiteLLM proxy with its database.

    python -m tests.bench.litellm [--rounds N] [--requests N] [--alone]
    python -m tests.bench.litellm lock

Both stand in front of the same sandbox and get the same load by turns: one image of 1024x1024, 24
at a time. LiteLLM relays the base64 of the sandbox's answer and neither reads nor stores the image;
each of its requests is found again, priced, in its table of spend, and the cost of waiting for that
is within its figure (about 1 %). Exit status 1 when an answer was not 200, when LiteLLM priced one
at nothing, or when `ledger_check` finds something. `lock` writes the lock files again.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from tests.bench import report
from tests.bench.client import Load, Outcome
from tests.bench.compare import CONCURRENCY, OURS, ROUNDS
from tests.bench.ground import WARM_UP, Ground, fresh_ground
from tests.bench.litellm import proxy
from tests.bench.litellm.proxy import GROUPS, HERE, Proxy
from tests.clients.environments import Unavailable, lock

REQUESTS = 400


@dataclass(kw_only=True)
class Found:
    """A figure a round for each side, and the failures."""

    ours: list[dict[str, float]] = field(default_factory=list)
    theirs: list[dict[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    """Measure both, or write the lock files again; return the exit status."""
    if list(argv) == ["lock"]:
        for wanted in (HERE / "proxy.in", HERE / "engine" / "package.json"):
            lock(wanted, "python -m tests.bench.litellm lock")
        return 0
    options = _read(argv)
    with contextlib.ExitStack() as stacks:
        ground = stacks.enter_context(fresh_ground())
        try:
            other = stacks.enter_context(
                proxy.running(ground.stack.env["SANDBOX_URL"], is_shared=not options.alone)
            )
        except Unavailable as why:
            sys.stdout.write(f"LiteLLM cannot run here: {why}\n")
            return 1
        found = _by_turns(ground, other, rounds=options.rounds, requests=options.requests)
        if finding := ground.ledger_finding():
            found.failures.append(f"ledger_check: {finding}")
    title = f"{options.rounds} rounds by turns, {options.requests} requests of 1024x1024"
    lines = [f"== {title}, {CONCURRENCY} at a time; CPU-ms/request", *_table(found)]
    lines += [f"FAILED: {failure}" for failure in found.failures]
    sys.stdout.write("\n".join([*lines, ""]))
    return int(bool(found.failures))


def _by_turns(ground: Ground, other: Proxy, *, rounds: int, requests: int) -> Found:
    """Send `rounds` loads to each side, changing the order from round to round."""
    found = Found()
    ground.warm_up()
    for _ in range(2):
        _send(other, found, requests=WARM_UP)
    turns: list[Callable[[], None]] = [
        partial(_ask_ours, ground, found, requests=requests),
        partial(_ask_theirs, other, found, requests=requests),
    ]
    for number in range(rounds):
        for turn in turns[:: -1 if number % 2 else 1]:
            turn()
    sent = 2 * WARM_UP + rounds * requests
    if (priced := other.asked(proxy.PRICED)) != sent:
        found.failures.append(f"LiteLLM priced {priced} of {sent} requests")
    return found


def _ask_ours(ground: Ground, found: Found, *, requests: int) -> None:
    body = {"prompt": "Boat {number}", "response_format": "url"}
    measured = ground.watched(requests=requests, concurrency=CONCURRENCY, body=body)
    found.ours.append(report.cpu_ms(measured))
    found.failures += report.failures_of(measured, requests=requests)


def _ask_theirs(other: Proxy, found: Found, *, requests: int) -> None:
    send = partial(_send, other, found, requests=requests)
    found.theirs.append(other.cost(send, requests=requests))


def _send(other: Proxy, found: Found, *, requests: int) -> None:
    load = Load(
        base_url=other.base_url,
        api_keys=other.api_keys,
        requests=requests,
        concurrency=CONCURRENCY,
        body={
            "model": proxy.MODEL, "prompt": "Boat {number}", "size": "1024x1024", "quality": "low"
        },
    )  # fmt: skip
    outcome: Outcome = Ground.sent(load)
    if outcome.statuses != {"200": requests}:
        found.failures.append(f"LiteLLM: {outcome.statuses} {outcome.errors}")


def _table(found: Found) -> list[str]:
    """A line for each group, the median of its rounds; then the sums, round by round."""
    ours = [sum(our[name] for name in OURS) for our in found.ours]
    theirs = [sum(their.values()) for their in found.theirs]
    without = [sum(their.values()) - their["engine"] for their in found.theirs]
    lines = [f"{name:<18}{median(one[name] for one in found.ours):7.2f}" for name in OURS]
    lines += [
        f"{'LiteLLM ' + name:<18}{median(one[name] for one in found.theirs):7.2f}"
        for name in GROUPS
    ]
    lines += [
        "",
        f"Pictor: {_row(ours)}",
        f"LiteLLM: {_row(theirs)}; without Prisma's engine {_row(without)}",
        f"ratio: {_ratio(ours, theirs)}; without Prisma's engine {_ratio(ours, without)}",
    ]
    return lines


def _ratio(ours: list[float], theirs: list[float]) -> str:
    return f"{median(ours) / median(theirs):.2f}"


def _row(figures: list[float]) -> str:
    return " ".join(f"{figure:.1f}" for figure in figures)


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.litellm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--alone", action="store_true", help="LiteLLM without a Redis")
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
