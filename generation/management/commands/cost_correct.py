"""`manage.py cost_correct FILE --reason TEXT`: correct calls' costs by a vendor's bill."""

from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, check_reason, read_file
from generation.oversight.bills import corrections
from pictor.kit.words.money import to_decimal


class Command(OperatorCommand):
    help = "Correct the cost of calls by lines of a vendor's bill, each once."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        columns = ",".join(corrections.COLUMNS)
        parser.add_argument("file", metavar="FILE", help=f"CSV with the columns {columns}; or -")
        parser.add_argument("--reason", required=True, metavar="TEXT")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        lines = read_file(options["file"], corrections.read)
        check_reason(options["reason"])
        done = corrections.correct(lines, reason=options["reason"], actor=ACTOR)
        change = to_decimal(done.change)
        self.tell(
            options,
            {"booked": str(done.booked), "change": change, "before": str(done.before)},
            f"{done.booked} lines booked, which change the cost by {change} USD;"
            f" {done.before} were booked before",
        )
