"""Generations with their attempts, and workers, read-only."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin import NEWEST, LargeAdmin, MadeFilter, ReadOnlyAdmin
from generation.models import Attempt, Contract, Generation, State, Worker
from generation.selectors import is_named, named
from pictor.kit.words.money import to_decimal

STATE_LABELS = {
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.SUCCEEDED: "success",
    State.FAILED: "danger",
    State.CANCELED: "warning",
}
PROMPT_CHARS = 60


class _AttemptInline(TabularInline):
    model = Attempt
    extra = 0
    can_delete = False
    fields = (
        "dispatch",
        "number",
        "channel",
        "upstream_model",
        "upstream_size",
        "attempt_class",
        "http_status",
        "may_have_billed",
        "cost_usd",
        "detail",
        "started_at",
        "finished_at",
    )
    readonly_fields = fields

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        rows: QuerySet[Attempt] = super().get_queryset(request)
        return rows.select_related("channel").order_by("dispatch", "number")

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="cost (USD)")
    def cost_usd(self, obj: Attempt) -> str:
        """The call's cost to us, and its source."""
        known = obj.known_cost_micros
        return "unknown" if known is None else f"{to_decimal(known)} {obj.cost_source}".strip()


class _ModelFilter(SimpleListFilter):
    """A filter by the contracts' names, without reading every generation for them."""

    title = "model"
    parameter_name = "model"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in Contract.objects.values_list("model", flat=True)]

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Generation]
    ) -> QuerySet[Generation]:
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(Generation)
class GenerationAdmin(LargeAdmin):
    """Every admitted request, newest first."""

    list_display = (
        "public_id",
        "created_at",
        "state_label",
        "tenant",
        "model",
        "size",
        "n",
        "held_usd",
        "captured_usd",
        "channel",
        "prompt_begins",
    )
    list_filter = ("state", "livemode", _ModelFilter, MadeFilter)
    list_select_related = ("tenant", "channel")
    search_help_text = f"gen_…, a UUID, a request's req_…, or a tenant's name; {NEWEST}"
    inlines = (_AttemptInline,)

    @override
    def search_condition(self, text: str) -> Q:
        return named(text) if is_named(text) else super().search_condition(text)

    @display(description="state", label=STATE_LABELS, ordering="state")
    def state_label(self, obj: Generation) -> str:
        """The generation's state."""
        return obj.state

    @display(description="held (USD)", ordering="held_micros")
    def held_usd(self, obj: Generation) -> str:
        """The quote."""
        return to_decimal(obj.held_micros)

    @display(description="captured (USD)", ordering="captured_micros")
    def captured_usd(self, obj: Generation) -> str:
        """The charge; nothing until it is final."""
        return "" if obj.captured_micros is None else to_decimal(obj.captured_micros)

    @display(description="prompt")
    def prompt_begins(self, obj: Generation) -> str:
        """Its first characters."""
        is_long = len(obj.prompt) > PROMPT_CHARS
        return f"{obj.prompt[:PROMPT_CHARS]}…" if is_long else obj.prompt


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """The lives of image workers, newest first."""

    list_display = ("epoch", "host", "pid", "started_at", "seen_at", "stopped_at")
    list_filter = (("stopped_at", admin.EmptyFieldListFilter), "host")
    ordering = ("-started_at",)
