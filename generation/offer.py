"""Contracts and costs as accounts and billing ask for them; see `apps.py`.

They are `accounts.offer.Offer` and `billing.supply.Supply`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts.offer import OfferedModel
from billing.price_stops import Served
from generation.catalogue.contracts import AUTO, contract_from
from generation.catalogue.costs import cells
from generation.models import Channel, Contract, Route, Serves
from generation.selectors import cost_tables, made_since
from pictor.kit import clock

LATELY = timedelta(days=30)


def models() -> list[OfferedModel]:
    """Every contract in its order."""
    return [_offered(row) for row in Contract.objects.order_by("position", "model").values()]


def served(at: datetime) -> list[Served]:
    """Every cell at each channel that serves it to live requests, with its cost at that moment.

    A channel that test keys may use as well is a sandbox.
    """
    channels = list(Channel.objects.filter(is_enabled=True).exclude(serves=Serves.TEST))
    tables = cost_tables({channel.pk for channel in channels}, since=at)
    by_tokens = {pk for pk, found in tables.items() if any(one.has_tokens for one in found)}
    made = made_since(clock.now() - LATELY, by_tokens) if by_tokens else {}
    routes = Route.objects.filter(is_approved=True, contract__is_enabled=True)
    serving = set(routes.values_list("channel_id", "contract_id"))
    return [
        Served(cell.key, channel.name, cell.cost, is_sandbox=channel.serves != Serves.LIVE)
        for channel in channels
        for cell in cells(channel, tables[channel.pk], at=at, made=made.get(channel.pk, {}))
        if (channel.pk, cell.key[0]) in serving
    ]


def _offered(row: Mapping[str, Any]) -> OfferedModel:
    terms = contract_from(row)
    sizes = [str(option.size) for option in terms.options]
    return OfferedModel(
        name=terms.model,
        is_enabled=terms.is_enabled and not terms.has_ended(clock.now()),
        sizes=(*sizes, *([AUTO] if terms.accepts_auto else [])),
        qualities=tuple(word for word in terms.qualities if word != AUTO),
    )
