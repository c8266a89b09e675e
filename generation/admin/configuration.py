"""Contracts, channels and routes: edited here, and audited. Felt by every process at once.

A channel's API key is typed in and never shown again. Forms refuse whatever a process could not
load: one unreadable row would keep every process from the new configuration.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.admin import AuditedAdmin, actor_of
from generation.catalogue import services
from generation.catalogue.contracts import AUTO, contract_from
from generation.catalogue.credentials import encrypted
from generation.channels.errors import AttemptClass
from generation.channels.registry import KINDS
from generation.models import Channel, Contract, Route

if TYPE_CHECKING:
    _OfContract = forms.ModelForm[Contract]
    _OfChannel = forms.ModelForm[Channel]
    _OfRoute = forms.ModelForm[Route]
else:
    _OfContract = _OfChannel = _OfRoute = forms.ModelForm  # generic for the type checker alone

USABLE = {"enabled": "success", "disabled": "warning"}


class _ContractForm(_OfContract):
    class Meta:
        model = Contract
        fields = (
            "model",
            "position",
            "is_enabled",
            "sizes",
            "accepts_auto",
            "default_size",
            "is_exact",
            "qualities",
            "quality_default",
            "quality_aliases",
            "prompt_max_chars",
            "max_n",
            "response_format_default",
        )

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse what a process could not load, and defaults that are not legal."""
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return columns
        row = {"model": self.instance.pk, **columns}
        try:
            contract = contract_from(row)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValidationError(f"the sizes or aliases cannot be read: {error!r}") from None
        if contract.default_size not in contract.size_names:
            self.add_error("default_size", "is none of the sizes")
        if contract.quality_default not in contract.qualities:
            self.add_error("quality_default", "is none of the qualities")
        if not set(contract.quality_aliases.values()) <= set(contract.qualities):
            self.add_error("quality_aliases", "must all stand for one of the qualities")
        return columns


@admin.register(Contract)
class ContractAdmin(AuditedAdmin):
    """What each public model name promises. Prices are in the price books."""

    form = _ContractForm
    list_display = ("model", "sizes_offered", "quality_default", "max_n", "is_exact", "state")
    list_filter = ("is_enabled",)
    search_fields = ("model",)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A public name is for good: generations and prices know it."""
        return () if obj is None else ("model",)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description="sizes")
    def sizes_offered(self, obj: Contract) -> str:
        """How many, and whether the upstream may choose."""
        return f"{len(obj.sizes)} + {AUTO}" if obj.accepts_auto else str(len(obj.sizes))

    @display(label=USABLE, ordering="is_enabled")
    def state(self, obj: Contract) -> str:
        """Whether it can be asked for."""
        return "enabled" if obj.is_enabled else "disabled"


class _ChannelForm(_OfChannel):
    api_key = forms.CharField(
        label="API key",
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Never shown again. Empty: unchanged.",
    )

    class Meta:
        model = Channel
        fields = (
            "name",
            "kind",
            "base_url",
            "is_enabled",
            "priority",
            "weight",
            "timeout_seconds",
            "max_concurrency",
            "sizes",
            "ignored_fields",
            "allows_exact_crop",
            "allows_redispatch",
            "retry_is_free",
            "class_overrides",
        )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_key"].required = not self.instance.credentials

    def clean_api_key(self) -> str:
        """A key that can be sent."""
        key: str = self.cleaned_data["api_key"]
        return services.checked_api_key(key) if key else ""

    def clean_kind(self) -> str:
        """A kind that there is an adapter for."""
        kind: str = self.cleaned_data["kind"]
        if kind not in KINDS:
            raise ValidationError(f"there are only: {', '.join(KINDS)}")
        return kind

    def clean_class_overrides(self) -> dict[str, str]:
        """HTTP statuses to attempt classes."""
        overrides = _words(self.cleaned_data["class_overrides"])
        for status, name in overrides.items():
            if not (status.isascii() and status.isdigit()) or name not in set(AttemptClass):
                raise ValidationError(f"{status!r}: {name!r} is no HTTP status and attempt class")
        return overrides

    def clean_base_url(self) -> str:
        """An address that can be called."""
        return services.checked_base_url(self.cleaned_data["base_url"])

    def clean_sizes(self) -> list[str] | None:
        """Legal sizes; none is every size."""
        return _sizes(self.cleaned_data["sizes"])

    @override
    def save(self, commit: bool = True) -> Channel:
        if key := self.cleaned_data["api_key"]:
            self.instance.credentials = encrypted(key)
        if {"api_key", "base_url"} & set(self.changed_data):
            self.instance.reset_count += 1
        channel: Channel = super().save(commit)
        return channel


class _RouteForm(_OfRoute):
    class Meta:
        model = Route
        fields = ("contract", "upstream_model", "sizes", "quality_map", "cost_micros")

    def clean_sizes(self) -> list[str] | None:
        """Legal sizes; none is the channel's."""
        return _sizes(self.cleaned_data["sizes"])

    def clean_quality_map(self) -> dict[str, str]:
        """Words to words."""
        return _words(self.cleaned_data["quality_map"])


class _RouteInline(TabularInline):
    model = Route
    form = _RouteForm
    extra = 0


@admin.register(Channel)
class ChannelAdmin(AuditedAdmin):
    """The accounts at vendors, in the order they are tried. A used one is disabled, not deleted."""

    form = _ChannelForm
    inlines = (_RouteInline,)
    list_display = ("name", "state", "base_url", "priority", "weight", "timeout_seconds", "models")
    list_filter = ("is_enabled", "kind")
    search_fields = ("name", "base_url")
    readonly_fields = ("reset_count", "created_at")
    actions = ("enable", "disable", "reset")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        rows: QuerySet[Channel] = super().get_queryset(request)
        return rows.prefetch_related("routes")

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def audit(
        self,
        request: HttpRequest,
        verb: str,
        obj: Model,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        """Say that the credentials changed, never what they are."""
        before, after = dict(before or {}), dict(after or {})
        if before.pop("credentials", None) != after.pop("credentials", None):
            after["api_key"] = "changed"
        super().audit(request, verb, obj, before or None, after)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = services.describe(form.instance)["models"] if change else []
        super().save_related(request, form, formsets, change)
        after = services.describe(form.instance)["models"]
        if any(formset.has_changed() for formset in formsets):
            self.audit(request, "routes", form.instance, {"models": before}, {"models": after})

    @display(label=USABLE, ordering="is_enabled")
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
            services.reset(channel=channel, actor=actor_of(request), ip=_ip(request))
        messages.success(request, "Reset in every process.")

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[Channel], *, is_enabled: bool
    ) -> None:
        for channel in queryset:
            services.set_enabled(
                channel=channel, is_enabled=is_enabled, actor=actor_of(request), ip=_ip(request)
            )
        messages.success(request, "Enabled." if is_enabled else "Disabled.")


def _sizes(sizes: list[str] | None) -> list[str] | None:
    return services.checked_sizes(sizes) if sizes else None


def _words(words: Any) -> dict[str, str]:
    """A JSON object of strings; empty for nothing."""
    if not words:
        return {}
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ValidationError('must be a JSON object of strings, as {"high": "hd"}')
    return words


def _ip(request: HttpRequest) -> str | None:
    ip: str | None = request.META.get("REMOTE_ADDR")
    return ip
