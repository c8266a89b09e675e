"""A row of the margin page: its name, and the link of each figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenants_among
from billing.price_rows import REFERENCE
from billing.selectors.office.sold import Margin
from console.ops.margin.seeking import MarginQuery
from console.parts.periods import USUAL
from generation.selectors import channel_numbers
from pictor.kit.words import ids

NARROWER = {"tenant": "model", "model": "cell", "channel": "cell", "cell": "tenant"}
"""The grouping of the page that a row links to."""
NOBODYS = {
    "tenant": "No tenant",
    "model": "No model",
    "channel": "No channel",
    "cell": "No price row",
}
"""Names of groups without a value: credits, and lines of a bill about many calls."""


@dataclass(frozen=True, slots=True)
class MarginRow:
    """The margin of a group, and the links of its figures; empty if there is no page.

    Attributes:
        narrower: the same money in a finer grouping.
        made: its generations, or a page that leads to them.
        lost: its generations that cost something for nothing.
        given: its credits in the ledger.
        unknown: the page of its unknown costs.
        widths: revenue and spending in percent of the widest row.
    """

    one: Margin
    name: str
    narrower: str
    made: str
    lost: str
    given: str
    unknown: str
    widths: tuple[float, float]

    @property
    def is_losing(self) -> bool:
        return self.one.margin < 0


_FITS: Mapping[str, Callable[[Margin], bool]] = {
    "": lambda _: True,
    "losing": lambda row: row.margin < 0,
    "unknown": lambda row: row.unknown_images > 0,
}


def matching_rows(rows: Sequence[Margin], show: str) -> list[Margin]:
    """Return the rows that match `show`: the greatest loss first, then the greatest revenue."""
    fitting = [row for row in rows if _FITS[show](row)]
    return sorted(fitting, key=lambda row: (min(row.margin, 0), -row.revenue))


def lines_of(rows: Sequence[Margin], query: MarginQuery, *, widest: int) -> list[MarginRow]:
    """Return the rows with names and links, in at most two queries."""
    tenants = tenants_among({one for row in rows if (one := row.group.get("tenant_id"))})
    channels = channel_numbers() if query.by == "channel" else {}
    return [_line(row, query, tenants, channels, widest) for row in rows]


def spending_of(row: Margin) -> int:
    return row.revenue - row.margin


def widest_of(rows: Sequence[Margin]) -> int:
    return max((max(row.revenue, spending_of(row)) for row in rows), default=0)


def name_of(row: Margin, query: MarginQuery, tenants: Mapping[UUID, Tenant]) -> str:
    group = row.group
    if query.by == "tenant":
        tenant = tenants.get(group["tenant_id"])
        return tenant.name if tenant else NOBODYS["tenant"]
    if query.by == "cell" and group["model"]:
        size, quality = group["asked"], group["quality"]
        words = "reference images" if size == REFERENCE else f"{size} {quality}"
        return f"{group['model']} {words}".rstrip()
    return str(group.get(query.by) or NOBODYS[query.by])


def _line(
    row: Margin,
    query: MarginQuery,
    tenants: Mapping[UUID, Tenant],
    channels: Mapping[str, int],
    widest: int,
) -> MarginRow:
    filters = _row_filters(row, query)
    narrower = query.link(**filters, by=_narrower(query), show="") if filters else ""
    made_link = _generations(filters, query) if filters else ""
    return MarginRow(
        one=row,
        name=name_of(row, query, tenants),
        narrower=narrower,
        made=made_link,
        lost=_generations({**filters, "loss": "1"}, query) if row.losses and filters else "",
        given=_credits(filters, query) if row.credited else "",
        unknown=_unknown(row, filters, query, channels) if row.unknown_images and filters else "",
        widths=(_share(row.revenue, widest), _share(spending_of(row), widest)),
    )


def _share(amount: int, widest: int) -> float:
    return max(amount, 0) * 100 / widest if widest else 0.0


def _row_filters(row: Margin, query: MarginQuery) -> dict[str, str]:
    """Return the filters for a row; empty for a group without tenant, model or channel."""
    group = row.group
    if query.by == "tenant":
        tenant = group["tenant_id"]
        return {"tenant": ids.public(ids.TENANT, tenant)} if tenant else {}
    if query.by == "cell":
        words = {"model": group["model"], "size": group["asked"], "quality": group["quality"]}
        return words if all(words.values()) else {}
    return {query.by: group[query.by]} if group[query.by] else {}


def _narrower(query: MarginQuery) -> str:
    by = NARROWER[query.by]
    return "channel" if by == "tenant" and query.tenant else by


def _generations(filters: Mapping[str, str], query: MarginQuery) -> str:
    """Link to generations of one tenant or one day; else to the tenants of the group."""
    alone = {**query.query, **filters}
    if "tenant" not in alone and not query.is_one_day:
        kept = {name: word for name, word in filters.items() if name != "loss"}
        return query.link(**kept, by="tenant", show="")
    names = ["tenant", "model", "channel", "loss"]
    if alone.get("size") != REFERENCE:
        names += ["size", "quality"]
    words = {name: alone.get(name, "") for name in names}
    return _address("ops:generations", query, words)


def _credits(filters: Mapping[str, str], query: MarginQuery) -> str:
    tenant = filters.get("tenant") or query.query.get("tenant", "")
    return _address("ops:ledger", query, {"kind": "credit", "tenant": tenant})


def _unknown(
    row: Margin, filters: Mapping[str, str], query: MarginQuery, channels: Mapping[str, int]
) -> str:
    if query.by != "channel":
        return query.link(**filters, by="channel", show="unknown")
    channel = channels.get(row.group["channel"])
    return f"{reverse('ops:channel', args=[channel])}?tab=cost" if channel else ""


def _address(name: str, query: MarginQuery, words: Mapping[str, str]) -> str:
    period = query.query.get("period", USUAL)
    if query.is_one_day:
        period = query.period.first.isoformat()
    texts = {**words, "period": period, "mode": query.mode.query}
    return f"{reverse(name)}?{urlencode({one: word for one, word in texts.items() if word})}"
