"""Tenants with their members. Every change is a service's, with the service's audit event."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from typing_extensions import override
from unfold.admin import TabularInline

from accounts.admin.base import ServiceAdmin, by
from accounts.models import Membership, Tenant
from accounts.selectors import members_of
from accounts.services import (
    TenantLimits,
    add_member,
    change_tenant,
    create_tenant,
    remove_member,
    set_prompt_retention,
    set_time_zone,
)


class _MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Tenant)
class TenantAdmin(ServiceAdmin):
    """Tenants and their limits. Money is moved by `manage.py tenant top-up` and the like.

    Whoever suspends one gives a reason, which `manage.py tenant suspend` asks for.
    """

    list_display = (
        *("name", "status", "requests_per_minute", "max_in_flight", "images_take", "created_at"),
    )
    list_filter = ("status",)
    search_fields = ("name", "id")
    readonly_fields = ("public_id", "status", "images_take", "storage_full_at", "created_at")
    inlines = (_MembershipInline,)

    @admin.display(description="images take", ordering="stored_bytes")
    def images_take(self, tenant: Tenant) -> str:
        """Of how much they may, as of the last hour."""
        most = filesizeformat(settings.STORED_BYTES_PER_TENANT)
        return f"{filesizeformat(tenant.stored_bytes)} of {most}"

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        limits = TenantLimits(
            requests_per_minute=obj.requests_per_minute,
            images_per_minute=obj.images_per_minute,
            max_in_flight=obj.max_in_flight,
        )
        if change:
            tenant = self.get_queryset(request).get(pk=obj.pk)
            change_tenant(tenant=tenant, name=obj.name, limits=limits, **by(request))
        else:
            tenant = create_tenant(name=obj.name, limits=limits, **by(request))
        set_prompt_retention(tenant=tenant, days=obj.prompt_retention_days, **by(request))
        set_time_zone(tenant=tenant, name=obj.time_zone, **by(request))
        obj.pk = tenant.pk
        obj.refresh_from_db()

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        tenant = form.instance
        members = {member.pk: member for member in members_of(tenant.pk)}
        formset.save(commit=False)
        changed = [row for row, _ in formset.changed_objects]
        removed = formset.deleted_objects
        if not {row.pk for row in (*changed, *removed)} <= members.keys():
            raise ValidationError("A member was removed meanwhile. Look again.")
        replaced = [row for row in changed if row.user_id != members[row.pk].user_id]
        for row in (*removed, *replaced):
            remove_member(membership=members[row.pk], **by(request))
        for row in (*formset.new_objects, *changed):
            add_member(tenant=tenant, user=row.user, role=Membership.Role(row.role), **by(request))
