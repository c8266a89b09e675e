"""`manage.py generation list`: generations, newest first."""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from accounts.management.operator import print_table, read_tenant
from generation.models import Generation, State
from generation.oversight.inspection import Called, called_for
from generation.oversight.searching import LONGEST_ACROSS, GenerationFilter, every_across
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

COLUMNS = (
    "id", "created", "deadline", "tenant", "state", "code", "model", "size", "channel", "class",
    "charged", "request",
)  # fmt: skip
MODES = ("live", "test", "demo")
ROWS_AT_ONCE = 500
"""The number of rows read at once."""
MAX_NUMBER = 100_000
"""The most hours, or rows."""


def add_arguments(actions: "argparse._SubParsersAction[Any]") -> None:
    some = actions.add_parser(
        "list", help="list those of the last 24 hours, or more for one tenant"
    )
    some.add_argument("--tenant", metavar="NAME", help="name or id")
    some.add_argument("--state", choices=State.values, default="")
    some.add_argument("--late", action="store_true", help="past their deadline but not ended")
    some.add_argument("--model", default="", metavar="NAME")
    some.add_argument("--channel", default="", metavar="NAME", help="a channel that was called")
    some.add_argument("--code", default="", metavar="WORD", help="of the error")
    some.add_argument("--mode", choices=MODES, default="live")
    some.add_argument("--hours", type=int, default=24, metavar="N")
    some.add_argument("--limit", type=int, default=50, metavar="N", help="default: 50")
    some.add_argument("--json", action="store_true")


def print_generations(stdout: OutputWrapper, options: Mapping[str, Any]) -> None:
    rows = _rows(_sought(options), _positive(options, "limit"))
    called = called_for([row.id for row in rows])
    facts = [_facts_of(row, called[row.id]) for row in rows]
    if options["json"]:
        stdout.write(json.dumps(facts))
        return
    print_table(stdout, [COLUMNS, *([cell or "" for cell in row.values()] for row in facts)])


def _sought(options: Mapping[str, Any]) -> GenerationFilter:
    tenant = read_tenant(options["tenant"]) if options["tenant"] else None
    now, hours = clock.now(), timedelta(hours=_positive(options, "hours"))
    if tenant is None and hours > LONGEST_ACROSS:
        raise CommandError("more than 24 hours need one --tenant")
    return GenerationFilter(
        mode=options["mode"],
        tenant_id=tenant.id if tenant else None,
        since=now - hours,
        until=now,
        model=options["model"],
        state=options["state"],
        code=options["code"],
        channel=options["channel"],
        late_at=now if options["late"] else None,
    )


def _positive(options: Mapping[str, Any], name: str) -> int:
    number: int = options[name]
    if not 1 <= number <= MAX_NUMBER:
        raise CommandError(f"--{name} is 1 to {MAX_NUMBER}, not {number}")
    return number


def _rows(sought: GenerationFilter, limit: int) -> Sequence[Generation]:
    rows: list[Generation] = []
    for page in every_across(sought, limit=min(limit, ROWS_AT_ONCE)):
        rows += page
        if len(rows) >= limit:
            break
    return rows[:limit]


def _facts_of(generation: Generation, called: Called) -> dict[str, str | None]:
    last = called.last
    values = (
        generation.public_id,
        generation.created_at.isoformat(timespec="seconds"),
        generation.deadline_at.isoformat(timespec="seconds"),
        generation.tenant.name,
        generation.state,
        (generation.error or {}).get("code"),
        generation.model,
        generation.size_requested,
        last.channel.name if last else None,
        (last.attempt_class or None) if last else None,
        to_decimal(generation.charged_micros),
        generation.request_id,
    )
    return dict(zip(COLUMNS, values, strict=True))
