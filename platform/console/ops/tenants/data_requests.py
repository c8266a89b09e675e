"""A tenant's data: exported as a file, or erased."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.services import end_tenant
from console.ops.access import Operator, Permission, by, done, staff
from console.ops.tenants.one import page
from console.ops.tenants.rows import tenant_of
from pictor.kit.words import clock
from storage.exports import ask_for_export


@staff(Permission.TENANTS)
@require_POST
def export(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Request an export, which the tenant's owners and admins download in their settings."""
    found = tenant_of(tenant)
    settings_page = reverse("workspace:settings", args=[found.public_id])
    actor = by(request, operator)
    try:
        ask_for_export(
            tenant=found,
            user=operator.user,
            page_url=request.build_absolute_uri(settings_page),
            now=clock.now(),
            ip=actor["ip"],
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages))
    words = "The export is being made: owners and admins get a mail when it is ready"
    return done(request, words, "tenant", found.public_id)


@staff(Permission.ERASE)
@require_POST
def erase(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """End a tenant for good, once its name is typed; the short-work worker erases it."""
    found = tenant_of(tenant)
    try:
        end_tenant(
            tenant=found,
            confirmation=request.POST.get("name", ""),
            now=clock.now(),
            **by(request, operator),
        )
    except ValidationError as error:
        return page(request, operator, found, refusal=" ".join(error.messages).capitalize())
    return done(request, f"{found.name} is being erased", "tenant", found.public_id)
