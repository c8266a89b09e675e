"""Lists on pages of the operator's console, and the filters that several of them have."""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.models import Tenant
from accounts.selectors import tenant_as_shown
from console.ops.access import Operator, Permission, staff
from console.ops.generations.seeking import no_such_tenant
from console.parts.listing import Filter, Listing, Row
from console.parts.page_guards import View


def page_of(listing: Listing[Row], *, needs: Permission = Permission.SEE) -> View:
    """Return the view of a list, for roles with the permission."""

    @staff(needs)
    @require_safe
    def page(request: HttpRequest, operator: Operator) -> HttpResponseBase:
        return listing.answer(request, "ops/base.html", {"operator": operator})

    return page


def _tenant(word: str) -> Tenant:
    tenant = tenant_as_shown(word)
    if tenant is None:
        raise ValueError(no_such_tenant(word))
    return tenant


TENANT = Filter(label="Tenant, by name or id", read=_tenant, words=lambda tenant: tenant.name)
