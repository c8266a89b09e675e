"""Lists on pages of the operator's console, and the filters that several of them have."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenant_as_shown
from console.ops.access import Mode, Operator, staff
from console.parts.cells import Row
from console.parts.listing import Filter, Listing, Search
from console.parts.page_guards import View


def page_of(listing: Listing[Row]) -> View:
    """Return the view of a list, for roles with its permission."""

    @staff(listing.needs)
    @require_safe
    def page(request: HttpRequest, operator: Operator) -> HttpResponseBase:
        return answer_of(listing, request, operator)

    return page


def answer_of(
    listing: Listing[Row],
    request: HttpRequest,
    operator: Operator,
    more: Mapping[str, object] | None = None,
) -> HttpResponseBase:
    return listing.answer(request, "ops/base.html", {"operator": operator, **(more or {})})


def mode_of(search: Search[Any]) -> Mode:
    return Mode(search.mode or Mode.LIVE)


def _tenant(word: str) -> Tenant:
    tenant = tenant_as_shown(word)
    if tenant is None:
        raise ValueError(f"No tenant has the name or id “{word}”.")
    return tenant


MODES = {mode.query: mode.capitalize() for mode in Mode}
TENANT = Filter(
    label="Tenant, by name or id", chip="Tenant", read=_tenant, words=lambda tenant: tenant.name
)
