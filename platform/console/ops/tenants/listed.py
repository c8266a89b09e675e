"""The list of tenants with balances, revenue and risks, the worst first; also as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.http import HttpRequest, HttpResponseBase

from accounts.selectors.office.tenants import has_tenants
from billing.selectors.office.customers import NO_FIGURES, customer_figures
from billing.selectors.office.sold import sold_until
from console.ops.access import Mode, Operator, Permission, modes_of, rendered, staff
from console.ops.tenants.rows import TenantRow, row_of
from console.parts import exports
from console.parts.exports import Rows
from console.parts.filters import MAX_TEXT, PAGE_ROWS, Chip, link_of
from console.parts.page_query import word_of
from generation.oversight.tenant_page import tenants_and_stops
from generation.selectors import sandbox_names
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

PRESETS = {"": "All", "low": "Low runway", "near": "Near a limit", "suspended": "Suspended"}
COLUMNS = (
    "tenant", "name", "status", "available_usd", "days_left", "revenue_30d_usd", "margin_30d_usd",
    "ended_7d", "failed_7d", "flags",
)  # fmt: skip


@staff(Permission.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    rows = _rows(operator, text)
    lists = _lists(rows)
    show = word_of(request.GET, "show", lists)
    chosen = lists.get(show, rows)
    if request.GET.get("format") == "csv":
        return exports.csv_answer("tenants.csv", COLUMNS, _csv(chosen))
    filters = {"q": text, "show": show, "mode": operator.mode.query}
    page, older = _page(chosen, request.GET.get("after", ""))
    context = {
        "rows": page,
        "has_any": bool(rows) or bool(text) or has_tenants(),
        "chips": [
            Chip(link_of(filters, show=name), PRESETS[name], name == show, len(rows))
            for name, rows in lists.items()
        ],
        "modes": modes_of(operator, **filters),
        "query": filters,
        "until": sold_until(),
        "newest": link_of(filters) if request.GET.get("after") else "",
        "older": link_of({**filters, "after": older}) if older else "",
        "csv": link_of({**filters, "format": "csv"}),
    }
    return rendered(request, operator, "ops/tenants.html", context)


def _rows(operator: Operator, text: str) -> list[TenantRow]:
    """Return the matching tenants, the worst first; in demo mode those with demo sales."""
    now, is_demo = clock.now(), operator.is_demo
    figures = customer_figures(now=now, without_channels=sandbox_names(), is_demo=is_demo)
    if operator.mode == Mode.TEST:  # tests sell nothing and count nowhere
        figures = {
            tenant: replace(customer, sold=None, ended=0, failed=0)
            for tenant, customer in figures.items()
        }
    rows = [
        row_of(tenant, figures.get(tenant.id, NO_FIGURES), now)
        for tenant in tenants_and_stops(text)
    ]
    if is_demo:
        rows = [row for row in rows if row.figures.sold]
    return sorted(rows, key=lambda row: row.risk)


def _lists(rows: Sequence[TenantRow]) -> dict[str, Sequence[TenantRow]]:
    return {
        "": rows,
        "low": [row for row in rows if row.is_low],
        "near": [row for row in rows if row.is_near_limit],
        "suspended": [row for row in rows if not row.is_active],
    }


def _page(rows: Sequence[TenantRow], after: str) -> tuple[Sequence[TenantRow], str]:
    """Return the page after the tenant with that id, and the id to continue from, if any."""
    places = {row.tenant.public_id: place for place, row in enumerate(rows, start=1)}
    begin = places.get(after, 0)
    page = rows[begin : begin + PAGE_ROWS]
    return page, page[-1].tenant.public_id if begin + PAGE_ROWS < len(rows) else ""


def _csv(rows: Sequence[TenantRow]) -> Iterator[Rows]:
    yield [
        [
            row.tenant.public_id, row.tenant.name, row.tenant.status,
            to_decimal(row.figures.balance.available),
            "" if row.figures.days_left is None else f"{row.figures.days_left:.1f}",
            to_decimal(row.figures.sold.revenue) if row.figures.sold else "0.000000",
            to_decimal(row.figures.sold.margin) if row.figures.sold else "0.000000",
            row.figures.ended, row.figures.failed,
            ", ".join(word for _, word in row.flags),
        ]
        for row in rows
    ]  # fmt: skip
