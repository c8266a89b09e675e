"""Lists on pages of the operator's console, and the filters that several of them have."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.selectors.office.tenants import tenant_as_shown
from console.ops.access import Mode, Operator, staff
from console.parts.cells import Row
from console.parts.listing import Filter, Listing, Search, understood
from console.parts.page_guards import View


def page_of(listing: Listing[Row]) -> View:
    """Return the view of a list, for roles with its permission."""

    @staff(listing.needs)
    def page(request: HttpRequest, operator: Operator) -> HttpResponseBase:
        return answer_of(listing, request, operator)

    return page


def answer_of(
    listing: Listing[Row],
    request: HttpRequest,
    operator: Operator,
    more: Mapping[str, object] | None = None,
) -> HttpResponseBase:
    if not listing.is_on():
        raise Http404
    return listing.answer(request, "ops/base.html", {"operator": operator, **(more or {})})


def mode_of(search: Search[Any]) -> Mode:
    return Mode(search.mode or Mode.LIVE)


MODES = {mode.query: mode.capitalize() for mode in Mode}
TENANT = Filter(
    label="Tenant, by name or id",
    chip="Tenant",
    read=understood(tenant_as_shown, "No tenant has the name or id “{}”."),
    words=lambda tenant: tenant.name,
)
