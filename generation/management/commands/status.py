"""`manage.py status [assign|… ID]`: conditions that need an operator, and their assignees."""

import json
from argparse import SUPPRESS
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, print_table, read_limit
from accounts.services import at_the_shell
from generation.models import Condition
from generation.oversight import conditions
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

COLUMNS = ("id", "kind", "object", "since", "usd", "assigned_to", "quiet", "words")


class Command(OperatorCommand):
    """Print conditions; exit status 1 if one needs an operator, or if the last look is too old."""

    help = "Print open conditions; assign, silence or accept them."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="include silenced and accepted ones")
        parser.add_argument("--json", action="store_true")
        actions = parser.add_subparsers(dest="action")
        for action, words in (
            ("assign", "assign it"),
            ("unassign", "unassign it"),
            ("silence", "silence it for some hours"),
            ("accept", "accept it for good"),
            ("recall", "show it again"),
        ):
            change = actions.add_parser(action, help=words)
            change.add_argument("id", metavar="ID", help="from `status`")
            change.add_argument("--json", action="store_true", default=SUPPRESS)
            if action == "assign":
                change.add_argument("--to", metavar="WHOM", help="default: you")
            if action == "silence":
                change.add_argument(
                    "--hours", metavar="N", default="4", help="1 to 168; default: 4"
                )
            if action in {"silence", "accept"}:
                change.add_argument("--why", required=True, metavar="TEXT")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        if options["action"] is None:
            self._print(options, now)
            return
        row = _row(_run_action(options, now), now)
        if options["json"]:
            self.stdout.write(json.dumps(row))
        else:
            print_table(self.stdout, [COLUMNS, _cells(row)])

    def _print(self, options: dict[str, Any], now: datetime) -> None:
        standing = conditions.conditions_now(now=now)
        needing = standing.needing(now)
        shown = standing.conditions if options["all"] else needing
        rows = [_row(condition, now) for condition in shown]
        looked_at = standing.looked_at.isoformat() if standing.looked_at else None
        if options["json"]:
            facts = {"looked_at": looked_at, "is_fresh": standing.is_fresh, "conditions": rows}
            self.stdout.write(json.dumps(facts))
        else:
            self._tell(rows, looked_at, is_clear=not needing)
        if not standing.is_fresh:
            raise CommandError("no check for 3 minutes: is a short-work worker running?")
        if needing:
            raise CommandError(f"open conditions: {len(needing)}")

    def _tell(
        self, rows: Sequence[Mapping[str, Any]], looked_at: str | None, *, is_clear: bool
    ) -> None:
        if rows:
            print_table(self.stdout, [COLUMNS, *map(_cells, rows)])
        last = f"Last check {looked_at}." if looked_at else "No check yet."
        self.stdout.write(f"Nothing needs attention. {last}" if is_clear else last)


def _run_action(options: dict[str, Any], now: datetime) -> Condition:
    which: dict[str, Any] = {"condition_id": read_limit(options["id"]) or 0, "actor": ACTOR}
    match options["action"]:
        case "assign":
            to = options["to"] or at_the_shell.get().rpartition(" as ")[2]
            return conditions.assign(to=to, **which)
        case "unassign":
            return conditions.unassign(**which)
        case "silence":
            hours = read_limit(options["hours"]) or 0
            return conditions.silence(hours=hours, why=options["why"], now=now, **which)
        case "accept":
            return conditions.accept(why=options["why"], now=now, **which)
        case _:
            return conditions.recall(**which)


def _row(condition: Condition, now: datetime) -> dict[str, Any]:
    micros, until = condition.micros, condition.silenced_until
    is_silenced = until is not None and until > now
    return {
        "id": condition.id,
        "kind": condition.kind,
        "object": condition.object,
        "since": condition.since.isoformat(timespec="seconds"),
        "usd": None if micros is None else to_decimal(Micros(micros)),
        "words": condition.words,
        "assigned_to": condition.assigned_to,
        "silenced_until": until.isoformat(timespec="seconds") if until and is_silenced else None,
        "is_accepted": condition.accepted_at is not None,
        "why": condition.why,
    }


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    until = row["silenced_until"]
    quiet = "accepted" if row["is_accepted"] else f"until {until}" if until else ""
    return tuple(str(value or "") for value in ({**row, "quiet": quiet}[name] for name in COLUMNS))
