"""The margin page: figures, a chart and a table for a period; also as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenants_among
from billing.selectors.office.payments import cards_on
from billing.selectors.office.sold import Margin, sold_until, total_of
from console.amounts import total
from console.ops.access import Operator, Permission, modes_of, rendered, staff
from console.ops.margin.rows import lines_of, matching_rows, name_of, spending_of, widest_of
from console.ops.margin.seeking import BY, PERIODS, PERS, WHICH, MarginQuery, margin_query
from console.parts.charts import lines
from console.parts.exports import Rows, csv_answer, query_of
from console.parts.filters import PAGE_ROWS, Chip
from console.parts.page_query import meant_by, refuse
from console.parts.periods import USUAL, number_of
from generation.selectors import channel_by_name
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

REVENUE, SPENT = "Revenue", "Cost, losses and credits"
FIGURES = (
    "images", "revenue", "cost", "losses", "credits", "margin", "percent",
    "images_of_unknown_cost", "currency",
)  # fmt: skip
GROUPS = {
    "tenant": ("tenant_id", "tenant"),
    "model": ("model",),
    "channel": ("channel",),
    "cell": ("model", "size", "quality"),
}
"""The columns that name a line of the CSV."""


@staff(Permission.SEE)
def margin(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """Show the margins of a period by tenant, model, channel or price row."""
    query = margin_query(query_of(request), operator.mode, clock.now())
    if request.GET.get("format") == "csv":
        if query.trouble:
            refuse(request.GET, "period", query.trouble)
        return csv_answer("margin.csv", ["from", *GROUPS[query.by], *FIGURES], _csv(query))
    rows, earlier = query.sums(query.by), total_of(query.sums("all", during=query.period.before))
    shown = matching_rows(rows, query.show)
    start = meant_by(request.GET, "from", number_of) or 0
    start = start if start < len(shown) else 0
    context = {
        "query": query,
        "lines": lines_of(shown[start : start + PAGE_ROWS], query, widest=widest_of(shown)),
        "total": total_of(rows),
        "of_shown": total_of(shown),
        "changes": {"revenue": _before(earlier.revenue), "margin": _before(earlier.margin)},
        **_over_time(query),
        "leads": _leads(query),
        "takes_cards": cards_on(),
        "until": sold_until(),
        "first": query.link() if start else "",
        "more": query.link(**{"from": str(start + PAGE_ROWS)})
        if shown[start + PAGE_ROWS :]
        else "",
        "modes": modes_of(operator, **query.query),
        **_choices(query, rows),
    }
    return rendered(request, operator, "ops/margin.html", context)


def _choices(query: MarginQuery, rows: Sequence[Margin]) -> Mapping[str, Any]:
    """Return the other choices of each kind."""
    period = query.query.get("period", USUAL)
    return {
        "periods": [
            Chip(query.link(period="" if name == USUAL else name), words, name == period)
            for name, words in PERIODS.items()
        ],
        "groups": [
            Chip(query.link(by=name), words, name == query.by) for name, words in BY.items()
        ],
        "pers": [
            Chip(query.link(per=name), words, name == query.per) for name, words in PERS.items()
        ],
        "which": [
            Chip(query.link(show=name), words, name == query.show, len(matching_rows(rows, name)))
            for name, words in WHICH.items()
        ],
        "csv": query.link(format="csv"),
    }


def _before(before: int) -> str:
    return f"{total(before)} in the whole period before" if before else ""


def _over_time(query: MarginQuery) -> Mapping[str, Any]:
    """Return a chart of revenue and spending by day, week or month; None if nothing moved."""
    by_start = {row.start: row for row in query.sums("all", query.per) if row.start}
    if not by_start:
        return {"chart": None}
    by_bucket = [(start, by_start.get(start)) for start in query.starts]
    values: dict[str, dict[date, int]] = {
        REVENUE: {start: row.revenue if row else 0 for start, row in by_bucket},
        SPENT: {start: spending_of(row) if row else 0 for start, row in by_bucket},
    }
    chart = lines(
        query.starts,
        values,
        counts={start: row.images for start, row in by_start.items()},
        rows=lambda start, _names: query.link(period=query.span(start)),
    )
    points = chart.buckets
    today = clock.now().astimezone(UTC).date()
    return {
        "chart": chart,
        "buckets": [
            (by_start[point.start], point.rows) for point in points if point.start in by_start
        ],
        "ends": "" if query.period.last >= today else f"{points[-1].start:%-d %b}",
    }


def _leads(query: MarginQuery) -> list[tuple[str, str]]:
    """Return links to the pages of the tenant, channel or model that the page is filtered by."""
    leads = []
    if query.tenant:
        leads.append(("Open the tenant", reverse("ops:tenant", args=[query.tenant.public_id])))
    channel = channel_by_name(query.query.get("channel", ""))
    if channel:
        leads.append(("Open the channel", reverse("ops:channel", args=[channel.pk])))
    if model := query.query.get("model"):
        leads.append(
            ("Open the prices", f"{reverse('ops:price_current')}?{urlencode({'model': model})}")
        )
    return leads


def _csv(query: MarginQuery) -> Iterator[Rows]:
    rows = query.sums(query.by, query.per)
    if query.show:
        groups = [row.group for row in matching_rows(query.sums(query.by), query.show)]
        shown = {tuple(group.values()) for group in groups}
        rows = [row for row in rows if tuple(row.group.values()) in shown]
    names = tenants_among({tenant_id for row in rows if (tenant_id := row.group.get("tenant_id"))})
    yield [_cells(row, query, names) for row in rows]


def _cells(row: Margin, query: MarginQuery, tenants: Mapping[Any, Tenant]) -> Sequence[Any]:
    group = list(row.group.values())
    if query.by == "tenant":
        tenant = row.group["tenant_id"]
        group = [
            ids.public(ids.TENANT, tenant) if tenant else "",
            name_of(row, query, tenants) if tenant else "",
        ]
    sums = (row.revenue, row.cost, row.losses, row.credited, row.margin)
    return [
        row.start.isoformat() if row.start else "", *group, row.images,
        *map(to_decimal, sums),
        None if row.percent is None else round(row.percent, 1), row.unknown_images, "USD",
    ]  # fmt: skip
