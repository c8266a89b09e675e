"""`manage.py channel cost import|copy|show`: a channel account's costs, as CSV in dollars."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser, OutputWrapper

from accounts.management.operator import (
    ACTOR,
    OperatorCommand,
    ask_for,
    print_table,
    read_amount,
    read_file,
    read_time,
)
from billing import cost_csv, pixel_csv
from billing.cost_csv import COLUMNS, CostFile
from generation.catalogue import services
from generation.catalogue.costs import cells
from generation.channels.registry import published_costs
from generation.management.channel_trials import channel_named, read_channel
from generation.models import Channel
from generation.models import CostTable as StoredCosts
from generation.selectors import cost_table_of, flat_costs, stored_cost_tables
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal

T = TypeVar("T")

AGAIN_HELP = "the highest cost above 5 times the last, or above the price, typed again"


def add_arguments(costs: CommandParser) -> None:
    steps = costs.add_subparsers(dest="step", required=True)
    table = steps.add_parser("import", help="replace its costs by a CSV, from now on")
    table.add_argument("name")
    table.add_argument("file", nargs="?", help="'-' reads standard input")
    table.add_argument(
        "--published",
        choices=sorted(published_costs()),
        help="import a vendor's published prices instead",
    )
    table.add_argument(
        "--source", metavar="TEXT", help="source of the amounts; default: the file's own"
    )
    copy = steps.add_parser("copy", help="copy another channel's costs, times a factor")
    copy.add_argument("name", help="the channel that gets the costs")
    copy.add_argument("other", help="the channel whose present costs are copied")
    copy.add_argument("--factor", metavar="X", default="1", help="such as 0.8; default: 1")
    for step in (table, copy):
        step.add_argument("--from", dest="begins", metavar="TIME", help="ISO 8601; default: now")
        step.add_argument("--again", metavar="USD", help=AGAIN_HELP)
        step.add_argument("--json", action="store_true")
    show = steps.add_parser("show", help="show its costs, and cells without a known cost")
    show.add_argument("name")
    show.add_argument("--at", metavar="TIME", help="ISO 8601; default: now")
    show.add_argument("--csv", action="store_true", help="print the table in the form for import")
    show.add_argument("--json", action="store_true")


def run(command: OperatorCommand, options: Mapping[str, Any]) -> None:
    """Run one step. Raises CommandError or ValidationError."""
    channel = read_channel(options)
    if options["step"] == "show":
        _show(command, options, channel)
        return
    if options["step"] == "import":
        table_rows = _file(options)
    else:
        table_rows = services.copied(channel_named(options["other"]), options["factor"])
    begins = None if options["begins"] is None else read_time(options["begins"])

    def write(again: Micros | None) -> StoredCosts:
        return services.set_costs(
            channel=channel,
            rows=table_rows.rows,
            source=table_rows.source,
            effective_from=begins,
            again=again,
            actor=ACTOR,
        )

    stored = typed_again(command.aside(options), options["again"], write)
    since = stored.effective_from.isoformat()
    words = f"{channel.name} has {len(stored.rows)} costs from {since}"
    command.tell(options, _described(channel, stored), words)


def typed_again(stdout: OutputWrapper, again: str | None, write: Callable[[Micros | None], T]) -> T:
    """Run `write`; if it doubts a cost and `again` is None, ask the operator to type the cost.

    Raises ValidationError for anything else that `write` refuses.
    """
    try:
        return write(None if again is None else read_amount(again))
    except ValidationError as error:
        if again is not None or getattr(error, "code", None) != services.DOUBTFUL_COST:
            raise
        stdout.write(" ".join(error.messages))
    typed = ask_for(stdout, "The highest of these costs, in USD:")
    if not typed:
        raise CommandError("Nothing was changed.")
    return write(read_amount(typed))


def _show(command: OperatorCommand, options: Mapping[str, Any], channel: Channel) -> None:
    moment = clock.now() if options["at"] is None else read_time(options["at"])
    stored = stored_cost_tables(channel)
    in_force = [table for table in stored if table.effective_from <= moment]
    later = [table for table in stored if table.effective_from > moment]
    now = in_force[-1] if in_force else None
    if options["csv"]:
        rows = () if now is None else cost_table_of(now).rows.values()
        text = cost_csv.to_csv(rows, source="" if now is None else now.source)
        command.stdout.write(text, ending="")
        return
    tables = () if now is None else (cost_table_of(now),)
    known = [(cell.key, cell.cost) for cell in cells(channel, tables, at=moment)]
    unknown = [" ".join(key) for key, cost in known if not cost.is_known]
    if options["json"]:
        facts = {
            "channel": channel.name,
            "at": moment.isoformat(),
            "table": None if now is None else _described(channel, now),
            "flat": _flat(channel),
            "unknown": unknown,
            "later": [_described(channel, table) for table in later],
        }
        command.tell(options, facts)
        return
    _print(command.stdout, now, later, flat=_flat(channel), unknown=unknown)


def _print(
    stdout: OutputWrapper,
    now: StoredCosts | None,
    later: list[StoredCosts],
    *,
    flat: dict[str, str],
    unknown: list[str],
) -> None:
    if now is None:
        stdout.write("no cost table")
    else:
        stdout.write(f"from {now.effective_from.isoformat()}: {now.source or 'no source named'}")
        shown = (
            (*row.key, row.terms.words if row.terms else to_decimal(row.micros), row.kind)
            for row in cost_table_of(now).rows.values()
        )
        print_table(stdout, [COLUMNS, *shown])
    for model, usd in flat.items():
        stdout.write(f"flat, if no cell applies: {model} {usd}")
    for table in later:
        stdout.write(f"{len(table.rows)} other costs from {table.effective_from.isoformat()}")
    if unknown:
        stdout.write(f"unknown: {len(unknown)} cells that it serves, such as {unknown[0]}")


def _flat(channel: Channel) -> dict[str, str]:
    return {one.contract_id: to_decimal(one.cost_micros or 0) for one in flat_costs(channel)}


def _described(channel: Channel, stored: StoredCosts) -> dict[str, Any]:
    return {
        "channel": channel.name,
        "from": stored.effective_from.isoformat(),
        "source": stored.source,
        "rows": _rows(stored),
    }


def _rows(stored: StoredCosts) -> list[dict[str, str]]:
    return [
        dict(zip(COLUMNS, (*row.key, to_decimal(row.micros), row.kind), strict=True))
        | (
            dict(zip(pixel_csv.COLUMNS, pixel_csv.cells_of(row.terms), strict=True))
            if row.terms
            else {}
        )
        for row in cost_table_of(stored).rows.values()
    ]


def _file(options: Mapping[str, Any]) -> CostFile:
    file = options["file"]
    if (file is None) == (options["published"] is None):
        raise CommandError("name a file, or --published and a vendor")
    named = str(published_costs()[options["published"]]) if file is None else file
    table_rows, source = read_file(named, cost_csv.read), options["source"]
    return table_rows if source is None else table_rows._replace(source=source)
