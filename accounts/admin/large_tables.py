"""Pages for tables to which every request adds rows: no list counts or reads all of them."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from typing_extensions import override

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import Tenant
from accounts.selectors import tenant_by_name_or_id
from pictor.kit.words import clock, ids

MAX_SCANNED_ROWS = 20_000
"""Filters look only at this many of the newest rows that match the time and the search."""
NEWEST = f"only the newest {MAX_SCANNED_ROWS:,} matches are listed"
HOUR = timedelta(hours=1)


class Newest(ChangeList):
    """A list of only the newest rows."""

    @override
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        newest, _ = self.model_admin.get_search_results(request, self.root_queryset, self.query)
        for chosen in self.filter_specs:
            if isinstance(chosen, MadeFilter):
                newest = chosen.queryset(request, newest)
        last = (
            newest.order_by("-pk")
            .values_list("pk", flat=True)[MAX_SCANNED_ROWS - 1 : MAX_SCANNED_ROWS]
            .first()
        )
        return rows if last is None else rows.filter(pk__gte=last)


class LargeAdmin(ReadOnlyAdmin):
    """A list of the newest rows, or of the rows that `search_condition` finds by index."""

    ordering = ("-pk",)
    search_fields = ("pk",)  # makes the admin show a search field
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def search_condition(self, text: str) -> Q:
        """A condition for the typed text that an index serves. Usually a tenant's rows."""
        tenant = tenant_by_name_or_id(text)
        return Q(pk__in=()) if tenant is None else self.of_tenant(tenant)

    def of_tenant(self, tenant: Tenant) -> Q:
        """A condition for a tenant's rows."""
        return Q(tenant=tenant)

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Newest

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.filter(self.search_condition(text)) if text else queryset), False


class MadeFilter(SimpleListFilter):
    """A filter by a row's age according to its id, for tables whose ids are UUIDv7."""

    title = "made"
    parameter_name = "made"
    SPANS = (("hour", HOUR), ("day", 24 * HOUR), ("week", 7 * 24 * HOUR), ("month", 30 * 24 * HOUR))

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, f"in the last {name}") for name, _ in self.SPANS]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = dict(self.SPANS).get(self.value() or "")
        return (
            queryset if span is None else queryset.filter(pk__gte=ids.first_at(clock.now() - span))
        )


def words_filter(name: str, *words: str) -> type[SimpleListFilter]:
    """A filter by a column with only these values; Django would read every row to list them."""

    class Filter(SimpleListFilter):
        title = name
        parameter_name = name

        @override
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(word, word) for word in words]

        @override
        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return Filter
