"""Channels and their routes, read-only: /ops/channels/ and commands change them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from accounts.admin.money import dollars
from generation.models import Channel, Route


class _RouteInline(TabularInline):
    model = Route
    fields = readonly_fields = (
        *("contract", "upstream_model", "sizes", "quality_map", dollars("cost_micros")),
        "is_approved",
    )
    extra = 0
    can_delete = False

    @override
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    """The accounts at vendors, in the order they are tried."""

    inlines = (_RouteInline,)
    list_display = ("name", "state", "base_url", "priority", "weight", "timeout_seconds", "models")
    list_filter = ("is_enabled", "serves", "kind")
    search_fields = ("name", "base_url")
    fields = (
        *("name", "kind", "base_url", "is_enabled", "serves", "priority", "weight"),
        *("timeout_seconds", "max_concurrency", "sizes", "ignored_fields", "refused_tasks"),
        *("max_images", "allows_exact_crop", "allows_redispatch", "retry_is_free"),
        *("class_overrides", "reset_count", "created_at", "archived_at"),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        rows: QuerySet[Channel] = super().get_queryset(request)
        return rows.prefetch_related("routes")

    @display(label={"enabled": "success", "disabled": "warning"}, ordering="is_enabled")
    def state(self, obj: Channel) -> str:
        """The channel's state: a disabled one gets no requests."""
        return "enabled" if obj.is_enabled else "disabled"

    @display(description="models")
    def models(self, obj: Channel) -> str:
        """All models that it serves."""
        return ", ".join(sorted(route.contract_id for route in obj.routes.all()))
