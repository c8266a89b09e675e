"""Generations with their attempts, and workers: to look at, never to change."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from generation.models import Attempt, Contract, Generation, State, Worker
from generation.selectors import generation_id_of
from pictor.kit.money import to_decimal

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
        """What the call cost us."""
        return to_decimal(obj.cost_micros)


class _ModelFilter(SimpleListFilter):
    """By model: the contracts' names, without reading every generation for them."""

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
class GenerationAdmin(ReadOnlyAdmin):
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
    list_filter = ("state", "livemode", _ModelFilter, "created_at")
    list_select_related = ("tenant", "channel")
    search_fields = ("request_id__exact", "tenant__name__exact")
    search_help_text = "gen_…, a UUID, a request id or a tenant's name"
    inlines = (_AttemptInline,)
    ordering = ("-id",)
    show_full_result_count = False

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        generation_id = generation_id_of(search_term.strip())
        if generation_id is not None:
            return queryset.filter(id=generation_id), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found

    @display(description="state", label=STATE_LABELS, ordering="state")
    def state_label(self, obj: Generation) -> str:
        """Where it is."""
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
