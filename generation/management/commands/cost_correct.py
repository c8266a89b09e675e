"""`manage.py cost_correct FILE --reason TEXT`: correct calls' costs by a vendor's bill."""

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, answer, check_reason, say_invalid
from generation.oversight.bills import corrections
from generation.oversight.bills.corrections import CorrectionLine
from pictor.kit.words.money import to_decimal


class Command(OperatorCommand):
    """Book the differences between a vendor's bill and our booking, each line once."""

    help = "Correct the cost of calls by lines of a vendor's bill, each once."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        columns = ",".join(corrections.COLUMNS)
        parser.add_argument("file", metavar="FILE", help=f"CSV with the columns {columns}; or -")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        lines = _read(options["file"])
        check_reason(options["reason"])
        try:
            done = corrections.correct(lines, reason=options["reason"], actor=ACTOR)
        except ValidationError as error:
            raise say_invalid(error) from None
        change = to_decimal(done.change)
        if options["json"]:
            facts = {"booked": str(done.booked), "change": change, "before": str(done.before)}
            answer(self.stdout, facts, as_json=True)
            return
        self.stdout.write(
            f"{done.booked} lines booked, which change the cost by {change} USD;"
            f" {done.before} were booked before"
        )


def _read(file: str) -> list[CorrectionLine]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return corrections.read(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from None
