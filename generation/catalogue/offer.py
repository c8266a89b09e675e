"""Contracts and costs in the form accounts and billing need; see `apps.py`.

Implements `accounts.offer.Offer` and `billing.supply.Supply`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from accounts.offer import OfferedModel
from billing.price_stops import CellCost
from generation.catalogue.contracts import AUTO, ContractTerms, contract_from
from generation.catalogue.costs import cells_of_routes
from generation.models import Channel, Contract, Route, Serves
from generation.selectors import cost_tables, made_since, release_before
from pictor.kit.words import clock

COSTED_FROM_PERIOD = timedelta(days=30)


def models() -> list[OfferedModel]:
    """Every contract, in the order of positions."""
    rows = Contract.objects.order_by("position", "model").values()
    return [_offered_model(contract_from(row)) for row in rows]


def served(
    moments: Collection[datetime], *, also_off: bool = False
) -> dict[datetime, list[CellCost]]:
    """Every cell at each channel serving it to live requests, with its cost at each moment.

    Of models that are off only if `also_off`. A channel that test keys may use as well is a
    sandbox. Three queries at most.
    """
    if not moments:
        return {}
    routes: dict[Channel, list[Route]] = {}
    enabled = Route.objects.filter(is_approved=True, channel__is_enabled=True)
    live = enabled.exclude(channel__serves=Serves.TEST)
    if not also_off:
        live = live.filter(contract__is_enabled=True)
    for route in live.select_related("channel", "contract").order_by("channel_id", "contract_id"):
        routes.setdefault(route.channel, []).append(route)
    tables = cost_tables({channel.pk for channel in routes}, since=min(moments))
    by_tokens = {pk for pk, stored in tables.items() if any(table.has_tokens for table in stored)}
    images_made = made_since(clock.now() - COSTED_FROM_PERIOD, by_tokens) if by_tokens else {}
    offered = {route.contract for of_channel in routes.values() for route in of_channel}
    in_order = sorted(offered, key=lambda contract: (contract.position, contract.model))
    contracts = [contract_from(vars(contract)) for contract in in_order]
    return {
        at: [
            CellCost(cell.key, channel.name, cell.cost, is_sandbox=channel.serves != Serves.LIVE)
            for channel, of_channel in routes.items()
            for cell in cells_of_routes(
                of_channel,
                contracts,
                tables[channel.pk],
                at=at,
                deliveries=images_made.get(channel.pk, {}),
            )
        ]
        for at in moments
    }


def processes_of_release_before() -> list[str]:
    """Name the live processes of 0.2.0."""
    return release_before.processes_of_release_before()


def _offered_model(terms: ContractTerms) -> OfferedModel:
    return OfferedModel(
        name=terms.model,
        is_enabled=terms.is_enabled and not terms.has_ended(clock.now()),
        sizes=terms.priced_sizes,
        qualities=tuple(word for word in terms.qualities if word != AUTO),
        largest=str(terms.size_rule.largest) if terms.size_rule else "",
    )
