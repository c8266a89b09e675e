"""`manage.py channel list --lately`: channels, their success and their cost."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from accounts.management.operator import print_table
from generation.catalogue.traffic.standing import ChannelStatus
from generation.oversight.channel_list import ListedChannel, listed_channels
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

COLUMNS = (
    "name", "standing", "why", "calls", "failed", "share", "p95", "images", "cost", "revenue",
    "margin", "cost_unknown", "untested", "tested_at",
)  # fmt: skip


def run(stdout: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Print a line for each channel, those that need an operator first."""
    rows = [
        _facts(channel)
        for channel in listed_channels(mode=options["mode"], now=clock.now())
        if (channel.standing == ChannelStatus.ARCHIVED) is options["archived"]
    ]
    if options["json"]:
        stdout.write(json.dumps(rows))
        return
    print_table(stdout, [COLUMNS, *([_cell(value) for value in row.values()] for row in rows)])


def _facts(listed: ListedChannel) -> dict[str, Any]:
    """The facts of a channel: calls of 30 minutes; images and dollars of 7 UTC days with today."""
    cells, sold = listed.now.cells, listed.sold
    values = (
        listed.channel.name,
        listed.standing.value,
        listed.why,
        sum(cell.calls for cell in cells),
        sum(cell.failed for cell in cells),
        None if listed.share is None else round(listed.share, 4),
        None if listed.now.p95 is None else round(listed.now.p95, 1),
        sold.images if sold else 0,
        to_decimal(sold.cost) if sold else None,
        to_decimal(sold.revenue) if sold else None,
        to_decimal(sold.margin) if sold else None,
        sold.unknown_images if sold else 0,
        list(listed.untested),
        None if listed.tested_at is None else listed.tested_at.isoformat(),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "" if value is None else str(value)
