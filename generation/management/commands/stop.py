"""`manage.py stop [all|MODEL|TENANT --reason TEXT]`: the stop switch, and the present stops."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand
from generation.catalogue.services.stop_switch import stop, stoppable
from generation.models import Stop
from generation.selectors import present_stops
from pictor.kit.words import clock

COLUMNS = ("what", "since", "by", "reason", "words")


class Command(OperatorCommand):
    """Stop new work of a model, of a tenant or of all until `start`; or print the stops."""

    help = "Stop new work for a model, a tenant or everything; print the stops."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", help="all, a model, or a tenant's name or id")
        parser.add_argument("--reason", default="", metavar="TEXT", help="for staff")
        parser.add_argument(
            "--words", default="", metavar="TEXT", help="for customers: in the 503 and on /status/"
        )
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] is None:
            self._print(options)
            return
        if not options["reason"].strip():
            raise CommandError("--reason TEXT is needed, for staff")
        stopped = stop(
            what=stoppable(options["what"]),
            reason=options["reason"],
            words=options["words"],
            now=clock.now(),
            actor=ACTOR,
        )
        row = _row(stopped)
        self.tell(
            options,
            row,
            f"{row['what']} is stopped since {row['since']}: requests get 503 paused, queued work"
            " waits to its deadline, running work finishes",
        )

    def _print(self, options: Mapping[str, Any]) -> None:
        rows = [_row(stop) for stop in present_stops()]
        self.tell_rows(options, rows, COLUMNS, empty="Nothing is stopped.")


def _row(stop: Stop) -> dict[str, str]:
    return {
        "what": stop.name,
        "since": stop.began_at.isoformat(timespec="seconds"),
        "by": stop.by,
        "reason": stop.reason,
        "words": stop.words,
    }
