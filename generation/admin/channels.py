"""Channels with their routes: edited here, changed by the catalogue's service. Felt at once."""

from collections.abc import Collection
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from accounts.admin import DollarForms, ServiceAdmin, by
from generation.admin.channel_forms import ChannelForm, RouteForm
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.models import Channel, Route
from generation.splits import foreseen


class _RouteInline(DollarForms, TabularInline):
    model = Route
    form = RouteForm
    extra = 0


@admin.register(Channel)
class ChannelAdmin(ServiceAdmin):
    """The accounts at vendors, in the order they are tried. A used one is never deleted."""

    form = ChannelForm
    inlines = (_RouteInline,)
    list_display = ("name", "state", "base_url", "priority", "weight", "timeout_seconds", "models")
    list_filter = ("is_enabled", "serves", "kind")
    search_fields = ("name", "base_url")
    readonly_fields = ("reset_count", "created_at")
    actions = ("enable", "disable", "reset")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        rows: QuerySet[Channel] = super().get_queryset(request)
        return rows.filter(archived_at=None).prefetch_related("routes")

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """One that was never used, on its own page."""
        return (
            isinstance(obj, Channel)
            and ModelAdmin.has_delete_permission(self, request, obj)
            and services.is_deletable(obj)
        )

    @override
    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        if isinstance(obj, Channel):
            services.delete_channel(channel=obj, **by(request))

    @override
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Not yet: the channel and its routes are one change, see save_related."""

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        options: ChannelOptions = form.options()
        for routes in formsets:  # none, or one that is only looked at, without the permission
            routes.save(commit=False)  # writes nothing: Django's own history asks what has changed
            if _may_change_routes(self, request):
                options["routes"] = _terms(routes)
        unserved = services.unserved_models()
        saving = partial(
            services.set_channel,
            name=form.cleaned_data["name"],
            channel_id=form.instance.pk,
            options=options,
            may_stop=True,  # which is said afterwards: nobody can be asked here
            **by(request),
        )
        splits = foreseen(saving)
        channel, _ = saving()
        form.instance.pk = channel.pk
        for split in splits:
            messages.info(request, str(split))
        waiting = services.untested_models(channel) if channel.is_enabled else []
        if waiting:
            messages.warning(
                request,
                f"{', '.join(waiting)}: not served before `manage.py channel test {channel.name}`"
                " has passed.",
            )
        if services.pending_of(channel) is not None:
            messages.warning(
                request,
                f"{channel.name} is called as before until its pending revision is tested, by"
                f" `manage.py channel test {channel.name} --pending`, and swapped.",
            )
        _warn_of_unserved(request, unserved)

    @display(label={"enabled": "success", "disabled": "warning"}, ordering="is_enabled")
    def state(self, obj: Channel) -> str:
        """Whether it is sent anything."""
        return "enabled" if obj.is_enabled else "disabled"

    @display(description="models")
    def models(self, obj: Channel) -> str:
        """Every model it serves."""
        return ", ".join(sorted(route.contract_id for route in obj.routes.all()))

    @admin.action(description="Enable the selected channels", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Let them serve."""
        self._switch(request, queryset, is_enabled=True)

    @admin.action(description="Disable the selected channels", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Send them nothing more."""
        self._switch(request, queryset, is_enabled=False)

    @admin.action(description="Reset breakers, gates and counters", permissions=["change"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        """Forget what is known of their health."""
        for channel in queryset:
            services.reset(channel=channel, **by(request))
        messages.success(request, "Reset in every process.")

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[Channel], *, is_enabled: bool
    ) -> None:
        unserved = services.unserved_models()
        for channel in queryset:
            try:
                services.set_enabled(
                    channel=channel, is_enabled=is_enabled, may_stop=True, **by(request)
                )
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
            else:
                done = "enabled" if is_enabled else "disabled"
                messages.success(request, f"{channel.name} is {done}.")
        _warn_of_unserved(request, unserved)


def _warn_of_unserved(request: HttpRequest, before: Collection[str]) -> None:
    """Say which models the change left without a channel."""
    if warning := services.unserved_warning(before):
        messages.warning(request, warning)


def _may_change_routes(page: ChannelAdmin, request: HttpRequest) -> bool:
    """All of it: a set of routes is written as a whole."""
    (inline,) = (one for one in page.get_inline_instances(request) if one.model is Route)
    return bool(
        inline.has_add_permission(request, None)
        and inline.has_change_permission(request)
        and inline.has_delete_permission(request)
    )


def _terms(routes: Any) -> list[RouteTerms]:
    """What the formset's rows say, less those that are empty or to be deleted."""
    filled = [form for form in routes.forms if form.cleaned_data]
    return [form.terms() for form in filled if not form.cleaned_data.get("DELETE")]
