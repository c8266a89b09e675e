"""`manage.py reconcile FILE --channel NAME`, and `reconcile show|costs`: vendors' bills."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, found, print_table, read_limit
from generation.management.bill_facts import bill_lines, bill_row, line_row
from generation.models import BillLine, Channel, VendorBill
from generation.oversight.bills import immediate, intake, listing
from generation.oversight.bills.listing import LISTS
from generation.oversight.bills.mapping import COLUMNS, PER_CALL, PER_DAY, UNITS
from generation.oversight.bills.unit_costs import draft_of, unit_costs
from generation.selectors import channel_by_name

ACTIONS = {
    "show": "one bill, with the lines of a list",
    "costs": "print a cost table from it, as CSV",
}
HELP = "; ".join(f"{action}: {words}" for action, words in ACTIONS.items())


class Command(OperatorCommand):
    help = "Match a vendor's bill with our books; show its lines."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", metavar="FILE|ACTION", help=f"a vendor's file, or {HELP}")
        parser.add_argument("bill", nargs="?", metavar="BILL", help="its number, from `list bills`")
        _add_reading(parser)
        parser.add_argument("--list", choices=LISTS, help="which of a bill's lines")
        parser.add_argument("--line", action="append", metavar="ID", help="from `show`")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        action = options["what"]
        if action not in ACTIONS:
            self._read(action, options)
        elif action == "show":
            self._show(_bill(options["bill"]), options)
        else:
            self._costs(_bill(options["bill"]))

    def _read(self, file: str, options: dict[str, Any]) -> None:
        channel, mapping = _channel(options["channel"]), _mapping(options)
        name = "stdin" if file == "-" else Path(file).name
        try:
            bill = immediate.match_now(
                channel=channel,
                name=name,
                content=_content(file),
                columns=mapping,
                accepts_doubts=options["accept"],
                actor=ACTOR,
            )
        except immediate.Doubted as error:
            doubts = " ".join(map(_doubt, error.args[0]))
            raise CommandError(f"{doubts} Nothing was kept; --accept reads it as it is.") from None
        self.tell(options, bill_row(bill), *bill_lines(bill))

    def _show(self, bill: VendorBill, options: dict[str, Any]) -> None:
        is_chosen = options["list"] or options["line"]
        chosen = listing.all_of(_lines(bill, options)) if is_chosen else iter(())
        pages = ([line_row(line) for line in page] for page in chosen)
        if options["json"]:
            self._print_json(bill_row(bill), pages)
            return
        self.tell(options, {}, *bill_lines(bill))
        for rows in pages:
            names = [name for name in rows[0] if name not in {"candidates", "by", "key"}]
            print_table(self.stdout, [names, *([str(row[name]) for name in names] for row in rows)])

    def _print_json(self, facts: dict[str, Any], pages: Iterable[list[dict[str, Any]]]) -> None:
        """Print a bill with its lines, perhaps a million, page by page."""
        self.stdout.write(f'{json.dumps(facts).removesuffix("}")}, "lines": [', ending="")
        separator = ""
        for rows in pages:
            self.stdout.write(separator + ", ".join(map(json.dumps, rows)), ending="")
            separator = ", "
        self.stdout.write("]}")

    def _costs(self, bill: VendorBill) -> None:
        units = unit_costs(bill)
        if not units:
            raise CommandError("no line is about one call: the bill gives no cost of an image")
        self.stdout.write(draft_of(bill, units), ending="")


def _add_reading(parser: ArgumentParser) -> None:
    parser.add_argument("--channel", metavar="NAME")
    columns = ",".join(COLUMNS)
    parser.add_argument(
        "--mapping",
        metavar="A=COLUMN,…",
        help=f"meaning of columns, of {columns}; default: guessed from their names",
    )
    parser.add_argument("--of", choices=[PER_CALL, PER_DAY], help="a row's subject")
    parser.add_argument("--unit", choices=UNITS, help="the unit of amounts")
    parser.add_argument("--zone", metavar="ZONE", help="for times without one, such as +08:00")
    parser.add_argument("--accept", action="store_true", help="accept it despite doubts")


def _channel(name: str | None) -> Channel:
    if not name:
        raise CommandError("--channel must name the bill's channel")
    return found(channel_by_name(name), f"there is no channel {name!r}")


def _content(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read()
        path = Path(file)
        if path.stat().st_size > intake.MAX_BYTES_AT_THE_SHELL:
            most = intake.MAX_BYTES_AT_THE_SHELL // 1024**2
            raise CommandError(f"{file} is larger than {most} MiB")
        return path.read_bytes()
    except OSError as error:
        words = f"; the actions are {', '.join(ACTIONS)}" if "/" not in file else ""
        raise CommandError(f"{error.strerror}: {file}{words}") from None


def _mapping(options: Mapping[str, Any]) -> dict[str, str]:
    columns = {name: options[name] for name in ("of", "unit", "zone") if options[name]}
    for part in filter(None, (options["mapping"] or "").split(",")):
        name, equals, column = part.partition("=")
        if not equals or name.strip() not in COLUMNS:
            raise CommandError(f"--mapping: {part!r} is none of {', '.join(COLUMNS)} = a column")
        columns[name.strip()] = column.strip()
    return columns


def _doubt(doubt: Mapping[str, Any]) -> str:
    words = str(doubt["words"])
    if doubt["channels"]:
        return f"{words} Perhaps --channel {' or '.join(doubt['channels'])}."
    if doubt["columns"] and doubt["code"] in {"unit", "zone"}:
        return f"{words} Then --{doubt['code']} {doubt['columns'][doubt['code']]}."
    return words


def _bill(text: str | None) -> VendorBill:
    number = read_limit(text)
    bill = None if number is None else listing.bill_numbered(number)
    return found(bill, f"there is no bill {text or ''}: `list bills` has their numbers")


def _lines(bill: VendorBill, options: Mapping[str, Any]) -> QuerySet[BillLine]:
    """The lines that are named, or those of a list; by default all of a bill."""
    if not options["line"]:
        return listing.lines_of(bill, options["list"] or "")
    named = {read_limit(text) or 0 for text in options["line"]}
    lines = listing.lines_numbered(named, bill=bill)
    if len(lines) != len(named):
        raise CommandError("the bill has no such line: `reconcile show` has their ids")
    return lines
