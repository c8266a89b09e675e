"""The ledger, balances and usage in Django's admin, read-only."""

from datetime import UTC, datetime, timedelta

from django.contrib import admin
from django.db.models import Q
from typing_extensions import override

from accounts.admin import (
    MAX_SCANNED_ROWS,
    NEWEST,
    LargeAdmin,
    ReadOnlyAdmin,
    dollars,
    words_filter,
)
from accounts.models import Tenant
from billing.latency import quantile
from billing.models import KeyBudget, TenantBalance, Transfer, UnchargedCost, UsageRollup
from billing.selectors import newest_of_tenant, of_generation
from pictor.kit.words import ids

MAX_DIGITS = 18
"""The most digits of a searched transfer id: PostgreSQL's bigint cannot hold all numbers of 19."""


@admin.register(TenantBalance)
class TenantBalanceAdmin(ReadOnlyAdmin):
    """Tenants' balances; changed only by transfers."""

    list_display = ("tenant", dollars("available"), dollars("held"), "in_flight", "seq")
    money = ("available", "held")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name",)


@admin.register(Transfer)
class TransferAdmin(LargeAdmin):
    """The ledger, newest first."""

    list_display = (
        "id",
        "created_at",
        "kind",
        dollars("amount"),
        "tenant",
        "generation_id",
        "reason",
    )
    money = ("amount", "available_after", "held_after")
    list_filter = ("kind",)
    list_select_related = ("tenant",)
    search_help_text = f"a transfer's or a generation's id, or a tenant's name; {NEWEST}"

    @override
    def search_condition(self, text: str) -> Q:
        if text.isdecimal() and len(text) <= MAX_DIGITS:
            return Q(pk=int(text))
        generation_id = ids.parse_either(ids.GENERATION, text)
        if generation_id is not None:
            return of_generation(generation_id)
        return super().search_condition(text)

    @override
    def of_tenant(self, tenant: Tenant) -> Q:
        return newest_of_tenant(tenant.id, MAX_SCANNED_ROWS)


@admin.register(KeyBudget)
class KeyBudgetAdmin(ReadOnlyAdmin):
    """Keys' use of their budgets."""

    list_display = (
        "key",
        "in_flight",
        "day",
        dollars("day_used_micros"),
        "month",
        dollars("month_used_micros"),
    )
    list_select_related = ("key",)


@admin.register(UsageRollup)
class UsageRollupAdmin(LargeAdmin):
    """Usage by the hour."""

    list_display = (
        "hour",
        "tenant",
        "model",
        "tier",
        "channel",
        "status",
        "images",
        dollars("captured_micros"),
        "median",
        "slowest",
    )
    exclude = ("times",)
    list_filter = (words_filter("status", "succeeded", "failed", "canceled"),)
    list_select_related = ("tenant",)
    ordering = ("-hour",)
    search_help_text = f"a UTC day (2026-11-26), or a tenant's name; {NEWEST}"

    @override
    def search_condition(self, text: str) -> Q:
        try:
            start = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            return super().search_condition(text)
        return Q(hour__gte=start, hour__lt=start + timedelta(days=1))

    @admin.display(description="p50 (s)")
    def median(self, obj: UsageRollup) -> str:
        """The median of seconds to the image."""
        return _seconds(obj, 0.5)

    @admin.display(description="p95 (s)")
    def slowest(self, obj: UsageRollup) -> str:
        """The 95th percentile of seconds to the image."""
        return _seconds(obj, 0.95)


@admin.register(UnchargedCost)
class UnchargedCostAdmin(ReadOnlyAdmin):
    """Tenants' costs to us without a charge, the dearest of each day first."""

    list_display = ("day", "tenant", "loss", "attempts", dollars("cost_micros"))
    list_filter = ("loss", "day")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name",)
    ordering = ("-day", "-cost_micros")


def _seconds(usage: UsageRollup, share: float) -> str:
    seconds = quantile({int(bucket): times for bucket, times in usage.latency.items()}, share)
    return "" if seconds is None else f"{seconds:.1f}"
