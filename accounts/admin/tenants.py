"""Tenants with their members, read-only; they are changed at /ops/tenants/ and by command."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from typing_extensions import override
from unfold.admin import TabularInline

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import Membership, Tenant


class _MembershipInline(TabularInline):
    model = Membership
    fields = readonly_fields = ("user", "role", "created_at")
    extra = 0
    can_delete = False

    @override
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    """Tenants and their limits."""

    list_display = (
        *("name", "status", "requests_per_minute", "max_in_flight", "images_take", "created_at"),
    )
    list_filter = ("status",)
    search_fields = ("name", "id")
    readonly_fields = ("public_id", "images_take", "storage_full_at", "created_at")
    inlines = (_MembershipInline,)

    @admin.display(description="images take", ordering="stored_bytes")
    def images_take(self, tenant: Tenant) -> str:
        """The bytes of the tenant's images and its limit, as of the last hour."""
        most = filesizeformat(settings.STORED_BYTES_PER_TENANT)
        return f"{filesizeformat(tenant.stored_bytes)} of {most}"
