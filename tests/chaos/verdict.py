"""Promises checked after a chaos run, by the database only."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from pictor.kit.words import ids
from tests.chaos.faults import Fault
from tests.chaos.traffic import LATE, Seen
from tests.chaos.upstream import POISON
from tests.fakes.late_vendors import LateVendor
from tests.stack.servers import Stack

TERMINAL_SECONDS = 90.0
RECOVERY_SECONDS = 60.0

_ROWS = """
SELECT g.id, g.prompt, g.state, g.dispatch, g.captured_micros, g.error, g.deaths,
       (SELECT json_agg(json_build_array(a.dispatch, a.started_at, a.attempt_class, a.detail,
                                         a.upstream_request_id)
                        ORDER BY a.dispatch, a.number)
          FROM generation_attempt AS a WHERE a.generation_id = g.id)
FROM generation_generation AS g JOIN accounts_tenant AS t ON t.id = g.tenant_id
WHERE t.name = ANY(%s)
"""
_HELD = """
SELECT sum(b.held)::bigint FROM billing_tenantbalance AS b
JOIN accounts_tenant AS t ON t.id = b.tenant_id WHERE t.name = ANY(%s)
"""


@dataclass(frozen=True)
class Verdict:
    """The figures, and the broken promises."""

    lines: list[str]
    broken: list[str]


def verdict(
    stack: Stack,
    *,
    tenants: Sequence[str],
    seen: Seen,
    faults: list[Fault],
    late: Sequence[LateVendor],
    let_go: Callable[[], object],
) -> Verdict:
    """Wait until everything has ended, then check; `let_go` ends delays at the sandbox."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        rows = _ended(connection, list(tenants), let_go)
        (held,) = connection.execute(_HELD, [list(tenants)]).fetchone() or (None,)
    found = {row["id"] for row in rows}
    lost = [one for one in seen.accepted if ids.parse(ids.GENERATION, one) not in found]
    unended = [row for row in rows if row["state"] in {"queued", "running"}]
    charged = Counter(row["prompt"] for row in rows if row["captured"])
    twice = [prompt for prompt, count in charged.items() if count > 1]
    wronged = [row for row in rows if row["prompt"].startswith("honest") and _failed(row)]
    poisons = [row for row in rows if row["prompt"].startswith(POISON)]
    followed = [row for row in rows if row["prompt"].startswith(LATE)]
    # A caller whose order failed sends it again, as a generation of its own.
    begun = Counter(row["prompt"] for row in followed if row["attempts"])
    paid = sum((vendor.paid for vendor in late), Counter())
    paid_twice = list((paid - begun).elements())
    dropped = [row for row in followed if _failed(row) and _was_written(row)]
    unharmed = [row for row in poisons if not _failed(row) or row["captured"]]
    checked = stack.manage("ledger_check", "--json")
    slowest, what = _slowest(seen, faults)
    figures = {
        "lost": len(lost) + len(unended),
        "charged twice": len(twice),
        "paid twice": len(paid_twice),
        "orders of late vendors lost": len(dropped),
        "failed without own fault": len(wronged),
        "drift": int(not json.loads(checked.stdout or '{"ok": false}')["ok"]),
        "left on hold (micro-USD)": held,
        "poison served or charged": len(unharmed),
    }
    states = Counter(f"{row['prompt'].split('-')[0]} {row['state']}" for row in rows)
    carried_on = [row for row in followed if row["captured"] and row["dispatch"] > 1]
    unwritten = [row for row in followed if _failed(row) and not _was_written(row)]
    absences = sum(" away for " in fault.what for fault in faults)
    lines = [
        f"faults injected: {len(faults)} ({absences} of them absences)",
        f"requests accepted: {len(seen.accepted)} ({_words(states)})",
        f"answers: {_words(seen.answers)}",
        f"orders of late vendors: {paid.total()} (of {begun.total()} generations)",
        f"of these delivered by a later dispatch: {len(carried_on)}",
        f"late orders that failed before they were written down: {len(unwritten)}",
        *(f"{name}: {count}" for name, count in figures.items()),
        f"slowest recovery: {slowest:.1f} s ({what})",
    ]
    broken = [f"{name}: {count}" for name, count in figures.items() if count]
    broken += [f"wronged: {row}" for row in wronged[:10]] + [f"unended: {row}" for row in unended]
    broken += [f"dropped: {row}" for row in dropped[:10]]
    broken += [f"paid twice: {row}" for row in followed if row["prompt"] in paid_twice]
    if slowest > RECOVERY_SECONDS:
        broken.append(f"recovery took {slowest:.1f} s after {what}")
    return Verdict(lines, broken + ([checked.stdout] if figures["drift"] else []))


def _ended(
    connection: "psycopg.Connection[Any]", tenants: list[str], let_go: Callable[[], object]
) -> list[dict[str, Any]]:
    """The tenants' generations once all are final, or after the longest time that may take."""
    names = ("id", "prompt", "state", "dispatch", "captured", "error", "deaths", "attempts")
    gives_up_at = time.monotonic() + TERMINAL_SECONDS
    while True:
        let_go()
        found = connection.execute(_ROWS, [tenants]).fetchall()
        rows = [dict(zip(names, row, strict=True)) for row in found]
        is_over = not any(row["state"] in {"queued", "running"} for row in rows)
        if is_over or time.monotonic() > gives_up_at:
            return rows
        time.sleep(0.2)


def _failed(row: dict[str, Any]) -> bool:
    return bool(row["state"] == "failed")


def _was_written(row: dict[str, Any]) -> bool:
    """True if the id of an order was kept with one of its attempts."""
    return any(request_id for *_, request_id in row["attempts"] or ())


def _slowest(seen: Seen, faults: list[Fault]) -> tuple[float, str]:
    """The longest time from a fault's end to the first image ordered after it."""
    worst, what = 0.0, "none"
    for fault in faults:
        after = [ended for began, ended in seen.made if began >= fault.ended_at]
        seconds = min(after, default=float("inf")) - fault.ended_at
        if seconds > worst:
            worst, what = seconds, fault.what
    return worst, what


def _words(counts: "Counter[str]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
