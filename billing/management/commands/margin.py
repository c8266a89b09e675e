"""`manage.py margin --by tenant|model|channel|cell|all`: margins by group and period."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import OperatorCommand, print_table, read_tenant, read_typed
from accounts.selectors.office.tenants import tenants
from billing.selectors.office.sold import By, Margin, Per, margins, sold_until, total_of
from pictor.kit.words import ids, typed
from pictor.kit.words.money import to_decimal

COLUMN_OF = {"model": "model", "channel": "channel", "size": "asked", "quality": "quality"}
"""Columns that the sums can be filtered by: each option with the column's name."""


class Command(OperatorCommand):
    """Revenue, costs, losses and credits of UTC days, from the ledger's transfers."""

    help = "Show revenue, cost and margin by tenant, model, channel, price cell or in total."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, choices=get_args(By))
        parser.add_argument("--from", dest="first", metavar="DAY", help="such as 2026-11-01, UTC")
        parser.add_argument("--to", dest="last", metavar="DAY", help="the last day")
        parser.add_argument("--per", choices=get_args(Per), help="default: all days together")
        parser.add_argument("--tenant", help="only this tenant, by name or id")
        for name in COLUMN_OF:
            parser.add_argument(f"--{name}", help="only this one")
        parser.add_argument("--demo", action="store_true", help="only the demo data")
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        first, last = (_day(options[name]) for name in ("first", "last"))
        if first and last and first > last:
            raise CommandError(f"--from {first} is after --to {last}")
        groups = margins(
            by=options["by"],
            first=first,
            last=last,
            per=options["per"],
            is_demo=options["demo"],
            of=_alone(options),
        )
        until, total = sold_until(), _facts(total_of(groups))
        names = {tenant.id: tenant.name for tenant in tenants()}
        rows = [{**_group(margin, names), **_facts(margin)} for margin in groups]
        if options["json"]:
            end = None if until is None else until.isoformat()
            self.stdout.write(json.dumps({"until": end, "rows": rows, "total": total}))
        else:
            self._tell(rows, total, until)

    def _tell(
        self, rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any], until: datetime | None
    ) -> None:
        if rows:
            group = [name for name in rows[0] if name not in total]
            last_row = {**dict.fromkeys(group, " "), **dict.fromkeys(group[:1], "total"), **total}
            names = [name.replace("_", " ") for name in rows[0]]
            shown = [*rows, last_row] if group else rows
            lines = [[_cell(row[name]) for name in rows[0]] for row in shown]
            print_table(self.stdout, [names, *lines])
        counted = "nothing is counted yet" if until is None else f"until {until:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(counted)


def _alone(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters by column. Raises CommandError for an unknown tenant."""
    of = {column: options[name] for name, column in COLUMN_OF.items() if options[name]}
    return of | ({"tenant_id": read_tenant(options["tenant"]).id} if options["tenant"] else {})


def _day(text: str | None) -> date | None:
    return None if text is None else read_typed(typed.day, text)


def _group(margin: Margin, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return the columns that name a row; '' if its transfers have no tenant, model or channel."""
    start = {} if margin.start is None else {"from": margin.start.isoformat()}
    if "tenant_id" not in margin.group:
        return {**start, **margin.group}
    tenant = margin.group["tenant_id"]
    if tenant is None:
        return {**start, "tenant": "", "name": ""}
    return {**start, "tenant": ids.public(ids.TENANT, tenant), "name": names[tenant]}


def _facts(margin: Margin) -> dict[str, Any]:
    """Return a row's figures; amounts in USD."""
    return {
        "images": margin.images,
        "revenue": to_decimal(margin.revenue),
        "cost": to_decimal(margin.cost),
        "losses": to_decimal(margin.losses),
        "credits": to_decimal(margin.credited),
        "margin": to_decimal(margin.margin),
        "percent": None if margin.percent is None else round(margin.percent, 1),
        "unknown_cost": margin.unknown_images,
    }


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else str(value)
