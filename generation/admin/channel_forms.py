"""The forms of a channel and its routes: they parse, and show what the service refuses."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from typing_extensions import override
from unfold.widgets import UnfoldAdminPasswordWidget

from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.channels.registry import USUAL_KIND
from generation.models import Channel, Route

if TYPE_CHECKING:
    _OfChannel = forms.ModelForm[Channel]
    _OfRoute = forms.ModelForm[Route]
else:
    _OfChannel = _OfRoute = forms.ModelForm  # generic for the type checker alone


class ChannelForm(_OfChannel):
    """A channel; its key is typed in and never shown again."""

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
            "serves",
            "priority",
            "weight",
            "timeout_seconds",
            "max_concurrency",
            "sizes",
            "ignored_fields",
            "refused_tasks",
            "max_images",
            "allows_exact_crop",
            "allows_redispatch",
            "retry_is_free",
            "class_overrides",
        )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].initial = USUAL_KIND
        self.fields["api_key"].required = not self.instance.credentials

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            if self.instance.pk is not None:
                services.refuse_pending(self.instance)
            said = services.check_channel(self.options(), kind=self.instance.kind)
            services.refuse_untested_change(self.instance, said)
            services.check_name(self.instance, columns.get("name", self.instance.name))
        except ValidationError as error:
            self.add_error(None, error)
        return columns

    def options(self) -> ChannelOptions:
        """What was typed in and could be read, but for the name; an empty key is none."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "name"}
        if not said.get("api_key"):
            said.pop("api_key", None)
        if "sizes" in said:
            said["sizes"] = said["sizes"] or None
        return cast(ChannelOptions, said)


class RouteForm(_OfRoute):
    """That the channel serves a model."""

    class Meta:
        model = Route
        fields = ("contract", "upstream_model", "sizes", "quality_map", "cost_micros")

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                qualities = self.cleaned_data["contract"].qualities
                terms = services.check_route(self.terms(), qualities=qualities)
                services.check_flat_cost(terms, was=self.instance.cost_micros)
            except ValidationError as error:
                self.add_error(None, error)
        return columns

    def terms(self) -> RouteTerms:
        """What was typed in."""
        said = self.cleaned_data
        return RouteTerms(
            model=said["contract"].model,
            upstream_model=said["upstream_model"],
            sizes=said["sizes"] or None,
            quality_map=said["quality_map"] or {},
            cost_micros=said["cost_micros"],
        )
