"""Uncharged costs: what calls cost us, or may, that no tenant pays."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django.urls import reverse

from billing.models import UnchargedCost
from billing.selectors import uncharged_costs
from billing.upstream_cost import Loss
from console.amounts import amount
from console.ops.access import Permission
from console.ops.lists import TENANT
from console.parts.cells import Cell, Column, number_column
from console.parts.listing import Listing, RowPage, chosen
from console.parts.periods import number_of
from pictor.kit.words.money import to_decimal

LOSSES = {loss.value: loss.replace("_", " ").capitalize() for loss in Loss}


def _read(meant: Mapping[str, Any], after: str, limit: int) -> RowPage[UnchargedCost]:
    rows = uncharged_costs(
        tenant=meant.get("tenant"),
        loss=Loss(meant["reason"]) if "reason" in meant else None,
        after=number_of(after),
        limit=limit + 1,
    )
    return RowPage(rows[:limit], str(rows[limit - 1].pk) if rows[limit:] else "")


UNCHARGED = Listing[UnchargedCost](
    name="uncharged-costs",
    title="Uncharged costs",
    things="uncharged costs",
    needs=Permission.SEE,
    lead="Costs of calls that no tenant pays, by UTC day. An unknown cost counts as the quote.",
    order="the latest day first, its dearest first",
    read=_read,
    filters={"tenant": TENANT, "reason": chosen("Reason", LOSSES)},
    columns=[
        Column(
            title="Day", cell=lambda row: f"{row.day:%-d %b %Y}", csv={"day": lambda row: row.day}
        ),
        Column(
            title="Tenant",
            cell=lambda row: Cell(
                row.tenant.name, reverse("ops:tenant", args=[row.tenant.public_id])
            ),
            csv={
                "tenant": lambda row: row.tenant.name,
                "tenant_id": lambda row: row.tenant.public_id,
            },
        ),
        Column(
            title="Reason", cell=lambda row: LOSSES[row.loss], csv={"reason": lambda row: row.loss}
        ),
        number_column("Calls", "calls", attrgetter("attempts")),
        number_column("Cost", "cost_usd", attrgetter("cost_micros"), shown=amount, csv=to_decimal),
    ],
    empty=("No uncharged costs", "Every call so far was paid by a tenant, or cost nothing."),
)
