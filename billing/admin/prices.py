"""Price books in Django's admin, read-only. Staff decide on them at /ops/prices/."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import TabularInline

from accounts.admin import DollarForms, ReadOnlyAdmin
from billing.models import Price, PriceBook
from billing.selectors import with_states
from pictor.kit.words import clock


class _PriceInline(DollarForms, TabularInline):
    model = Price
    extra = 0
    per_page = 50
    ordering = ("model", "size", "quality")
    fields = ("model", "size", "quality", "micros", "kind", "width", "height")

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PriceBook)
class PriceBookAdmin(ReadOnlyAdmin):
    """Every price book with its state."""

    list_display = ("name", "version", "tenant", "markup", "effective_from", "state")
    list_filter = (("published_at", admin.EmptyFieldListFilter), "name")
    list_select_related = ("tenant",)
    search_fields = ("name", "tenant__name")
    readonly_fields = ("state",)
    ordering = ("-effective_from", "-version")
    inlines = (_PriceInline,)

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceBook]:
        return with_states(super().get_queryset(request), clock.now())

    @admin.display(description="state")
    def state(self, obj: PriceBook) -> str:
        """The state: draft, scheduled, current, past or withdrawn."""
        return obj.state
