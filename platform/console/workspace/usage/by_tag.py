"""Usage by end customer: the tag that callers send as `user` or `safety_identifier`."""

from datetime import UTC
from operator import attrgetter

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from console.amounts import price
from console.parts.cells import Cell, Column, number_column
from console.parts.filters import MAX_TEXT, link_of
from console.parts.list_filters import periods
from console.parts.listing import Listing, RowPage, Search
from console.parts.periods import USUAL, UTC_ZONE, WORDS, Period, number_of, period_of
from console.workspace.access import Permission, Workspace, member
from console.workspace.usage.usage_rows import change_in_words
from generation.tenants.end_customers import EndCustomer, end_customers, tagged_until
from generation.tenants.searching import is_id
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

LEAD = (
    "What your callers sent as user, or else as safety_identifier. A tag is forgotten with its"
    " prompt: its usage counts as “Erased” then. Days are of UTC; at most 1,000 tags a day are told"
    " apart. Changes are from the period before, as far as its tags are not erased."
)

COLUMNS: list[Column[EndCustomer]] = [
    Column(csv={"part": attrgetter("part")}),
    number_column(
        "Spend",
        "cost",
        attrgetter("captured"),
        shown=lambda captured: price(captured, 6),
        csv=to_decimal,
        place="lead",
    ),
    Column(csv={"currency": lambda _customer: "USD"}),
    Column(
        title="Change",
        cell=lambda customer: change_in_words(customer.captured, customer.before),
        csv={"cost_before": lambda customer: to_decimal(customer.before)},
        is_number=True,
    ),
    number_column(
        "Share", "share", attrgetter("share"), shown="{:.1f}%".format, csv="{:.4f}".format
    ),
    number_column("Images", "images", attrgetter("images")),
    number_column("Requests", "generations", attrgetter("generations")),
    number_column("Failed", "failed", attrgetter("failed")),
]


def _period(search: Search[EndCustomer]) -> Period:
    period: Period = search.meant.get("period") or period_of(USUAL, clock.now(), UTC_ZONE)
    if period.bucket == "hour":
        raise ValueError("Tags are counted by the day: choose days.")
    return period


def _counted(_search: Search[EndCustomer]) -> str:
    until = tagged_until()
    return f"Counted up to {until.astimezone(UTC):%-d %b %Y, %H:%M} UTC." if until else ""


def _named(workspace: Workspace, days: str) -> Column[EndCustomer]:
    """The column of a tag, which leads to its generations of these days if they can be searched."""
    listed = reverse("workspace:generations", args=[workspace.tenant.public_id])

    def name(customer: EndCustomer) -> Cell:
        can_search = customer.tag and len(customer.tag) <= MAX_TEXT and not is_id(customer.tag)
        page = listed + link_of({"q": customer.tag, "period": days}) if can_search else ""
        return Cell(customer.name, page)

    return Column(title="End customer", cell=name, csv={"tag": attrgetter("tag")})


@member(Permission.SEE_GENERATIONS)
def listing(request: HttpRequest, workspace: Workspace) -> HttpResponseBase:
    """Show usage by end customer, the largest charge first; also as CSV."""

    def read(period: Period, after: str, limit: int) -> RowPage[EndCustomer]:
        skipped, earlier = number_of(after) or 0, period.before
        found = end_customers(
            workspace.id,
            (period.first, period.last),
            before=(earlier.first, earlier.last),
            skipped=skipped,
            limit=limit + 1,
        )
        return RowPage(found[:limit], str(skipped + limit) if found[limit:] else "")

    listed = Listing[EndCustomer](
        name="usage_by_end_customer",
        title="Usage by end customer",
        lead=LEAD,
        things="end customers",
        needs=Permission.SEE_GENERATIONS,
        order="the largest charge first",
        query=_period,
        read=read,
        filters={
            "period": periods(
                "Period",
                every="Last 30 days",
                among=lambda _search: [name for name in WORDS if name not in {"24h", USUAL}],
            )
        },
        summary=_counted,
        columns=[_named(workspace, request.GET.get("period") or USUAL), *COLUMNS],
        empty=("Nothing in this time", "Requests are counted here about a minute after they end."),
    )
    return listed.answer(request, "workspace/base.html", {"workspace": workspace})
