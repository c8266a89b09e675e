"""`pictor list LIST --filter …`: the lists of the operator's console at the shell."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import OperatorCommand, print_table
from console.ops.declared import LISTS
from console.parts.exports import csv_chunks
from console.parts.filters import PAGE_ROWS
from console.parts.listing import ROWS_AT_ONCE, TICKED, Listing, Search


class Command(OperatorCommand):
    """Print the first rows of a list of the operator's console, or all of them for programs."""

    help = "Print what the operator's console lists. `list LIST --help` shows a list's filters."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        lists = parser.add_subparsers(dest="listing", required=True, metavar="LIST")
        for name, listing in sorted(LISTS.items()):
            words = f"{listing.things}, {listing.order}"
            _add_filters(lists.add_parser(name, help=words, description=words), listing)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        listing = LISTS[options["listing"]]
        query = {name: options[name] for name in ("mode", *listing.filters) if options.get(name)}
        search = Search(listing, query)
        if search.complaints:
            raise CommandError(" ".join(search.complaints))
        if options["csv"]:
            for piece in csv_chunks(listing.names, listing.lines(search)):
                self.stdout.write(piece.decode(), ending="")
        elif options["json"]:
            self._print_objects(listing, query)
        else:
            self._print_table(search)

    def _print_objects(self, listing: Listing[Any], query: dict[str, str]) -> None:
        after: str | None = ""
        while after is not None:
            rows, following, _ = listing.page(query, after=after, limit=ROWS_AT_ONCE)
            for row in rows:
                self.stdout.write(json.dumps(row, default=str))
            after = following or None

    def _print_table(self, search: Search[Any]) -> None:
        listing, found = search.listing, search.found("", PAGE_ROWS)
        columns = [one for one in listing.columns if one.cell and one.place != "actions"]
        rows = [[str(column.cell_of(row)) for column in columns] for row in found.rows]
        print_table(self.stdout, [[column.title for column in columns], *rows])
        if found.after:
            self.stdout.write("There are more: --csv and --json print all of them.")


def _add_filters(parser: ArgumentParser, listing: Listing[Any]) -> None:
    for name, known in listing.filters.items():
        if known.is_ticked:
            parser.add_argument(f"--{name}", action="store_const", const=TICKED, help=known.label)
        else:
            parser.add_argument(f"--{name}", metavar="WORD", help=known.label)
    if listing.modes:
        parser.add_argument("--mode", choices=[mode for mode in listing.modes if mode])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="all rows, as the page's file has them")
    form.add_argument("--json", action="store_true", help="all rows, an object in each line")
