"""The form of a channel and its routes, with the errors of the services beside their fields."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from typing_extensions import override

from console.parts.form_fields import (
    CheckboxesField,
    ConfirmationInput,
    DollarsField,
    LimitField,
    LineField,
    MapField,
    PairsField,
    dressed,
    line,
    take_errors,
)
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.channels.declaration import REFUSABLE
from generation.channels.registry import DEFAULT_KIND, KINDS
from generation.models import Channel, Contract, Serves

NEVER: Mapping[str, date] = MappingProxyType({})
_NAMES = MappingProxyType({"quality_map": "words", "cost_micros": "cost"})
"""Names of fields in the route form, if they differ from the columns."""
_TYPED = ("upstream_model", "sizes", "words", "cost", "retires_on")
_ALLOWANCES = ("allows_exact_crop", "allows_redispatch", "retry_is_free", "keeps_credentials")
_FOLDED = (
    *("timeout_seconds", "queue_seconds", "max_concurrency", "max_images", "sizes"),
    *("ignored_fields", "refused_tasks", "class_overrides"),
)
_COLUMNS = ("name", "kind", "base_url", "settings", "serves", *_FOLDED, *_ALLOWANCES)


class ChannelForm(forms.Form):
    """An account at a vendor. Its key can be typed in and is never shown again."""

    name = forms.CharField(max_length=64, widget=line())
    kind = forms.ChoiceField(label="Kind of API", initial=DEFAULT_KIND)
    base_url = forms.CharField(
        label="Address",
        max_length=500,
        widget=line("https://api.example.com/v1", inputmode="url"),
    )
    api_key = forms.CharField(
        label="API key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    settings = PairsField(label="Settings of the account", widget=line())
    serves = forms.ChoiceField(label="It serves", choices=Serves.choices, initial=Serves.LIVE)
    timeout_seconds = LimitField(label="Time-out, seconds", initial=240, required=True)
    queue_seconds = LimitField(label="Wait in its queue, seconds", initial=60, required=True)
    max_concurrency = LimitField(label="Calls at once in a worker")
    max_images = LimitField(label="Images an edit may begin with")
    sizes = LineField(label="Sizes of every model")
    class_overrides = PairsField(label="HTTP statuses with another class", widget=line())
    allows_exact_crop = forms.BooleanField(
        required=False, label="May serve exact models by cropping a larger size"
    )
    allows_redispatch = forms.BooleanField(
        required=False, initial=True, label="May be called again after one of our processes crashed"
    )
    retry_is_free = forms.BooleanField(
        required=False, label="Charges nothing for a bad result, so retry once"
    )
    keeps_credentials = forms.BooleanField(
        required=False, initial=True, label="Keeps the Content Credentials of its pictures"
    )
    cost_again = DollarsField(label="Type the highest of them again, USD", widget=ConfirmationInput)

    @override
    def __init__(self, data: QueryDict | None, *, has_key: bool = False, **kwargs: Any) -> None:
        """Make the key optional if `has_key` is set; an empty key then leaves the stored one.

        It stays required after a form with a typed key was refused.
        """
        super().__init__(data, **kwargs)
        was_typed = data is not None and bool(data.get("api_key") or data.get("wants_key"))
        self.wants_key = was_typed or not has_key
        cast(forms.ChoiceField, self.fields["kind"]).choices = [(name, name) for name in KINDS]
        self.fields["api_key"].required = self.wants_key
        self.fields["ignored_fields"] = CheckboxesField(
            [(word, word) for word in services.narrowable()],
            required=False,
            label="Request fields that it ignores",
        )
        self.fields["refused_tasks"] = CheckboxesField(
            [(word, word.capitalize()) for word in REFUSABLE],
            required=False,
            label="Tasks that it refuses",
        )
        dressed(self)

    @property
    def allowances(self) -> list[forms.BoundField]:
        """The checkboxes shown on their own."""
        return [self[name] for name in _ALLOWANCES]

    @property
    def has_trouble_within(self) -> bool:
        """True if a folded field has an error."""
        return any(name in self.errors for name in _FOLDED)

    @property
    def is_asked_again(self) -> bool:
        """True if a cost is in doubt, or was when the form was sent."""
        return bool(self["cost_again"].errors or self["cost_again"].value())

    def options(self) -> ChannelOptions:
        """Return the cleaned values except the name; an empty key or amount is left out."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "name"}
        for name in ("api_key", "cost_again"):
            if not data[name]:
                del data[name]
        return cast(ChannelOptions, data)

    def refuse(self, error: ValidationError) -> None:
        """Show a service's refusal beside its field."""
        if getattr(error, "code", None) == services.DOUBTFUL_COST:
            error = ValidationError({"cost_again": error.messages})
        take_errors(self, error)


class WeighedForm(ChannelForm):
    """The form of a new channel, with priority and weight."""

    priority = LimitField(least=0, initial=10, required=True)
    weight = LimitField(initial=1, required=True)


class RouteForm(forms.Form):
    """A route: whether a model is served, and how it is requested from the vendor."""

    is_served = forms.BooleanField(required=False, label="Serve")
    upstream_model = forms.CharField(required=False, label="Vendor's name", widget=line())
    sizes = LineField(label="Sizes")
    words = PairsField(label="Quality words", widget=line("as ours"))
    cost = DollarsField(label="Cost of an image, USD", may_be_zero=True)
    field_map = MapField(label="Field map")
    retires_on = forms.DateField(
        required=False,
        label="Vendor ends it on",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    @override
    def __init__(self, data: QueryDict | None, *, contract: Contract, **kwargs: Any) -> None:
        super().__init__(data, prefix=f"route-{contract.model}", **kwargs)
        self.model, self._qualities = contract.model, contract.qualities
        self.fields["sizes"].widget.attrs["placeholder"] = "every size"
        self.fields["cost"].widget.attrs["placeholder"] = "unknown"
        dressed(self)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{field.label} of {self.model}"
            if name in self.errors:
                field.widget.attrs["aria-invalid"] = "true"

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        if not columns.get("is_served"):
            self.errors.clear()  # an unticked route is not saved
        elif not self.errors:
            try:
                services.check_route(self.terms(), qualities=self._qualities)
            except ValidationError as error:
                take_errors(self, error, _NAMES)
        return columns

    @property
    def typed(self) -> list[forms.BoundField]:
        return [self[name] for name in _TYPED]

    def terms(self) -> RouteTerms:
        data = self.cleaned_data
        return RouteTerms(
            model=self.model,
            upstream_model=data["upstream_model"],
            sizes=data["sizes"],
            quality_map=data["words"],
            cost_micros=data["cost"],
            field_map=data["field_map"],
        )


def route_forms(
    data: QueryDict | None,
    contracts: Iterable[Contract],
    routes: Mapping[str, RouteTerms],
    *,
    retires: Mapping[str, date] = NEVER,
) -> list[RouteForm]:
    """Return a form for each model, filled from its route; else with our own name of the model."""
    return [
        RouteForm(
            data,
            contract=contract,
            initial=_initial(contract.model, routes) | {"retires_on": retires.get(contract.model)},
        )
        for contract in contracts
    ]


def served_routes(rows: Sequence[RouteForm], form: ChannelForm) -> list[RouteTerms] | None:
    """Return the ticked routes; None if a route has an error or none is ticked."""
    if any(row.errors for row in rows):
        return None
    ticked = [row.terms() for row in rows if row.cleaned_data["is_served"]]
    if not ticked:
        form.add_error(None, "Tick at least one model.")
    return ticked or None


def retirements(rows: Iterable[RouteForm]) -> dict[str, date | None]:
    """Return the dates on which vendors end the models of the ticked routes."""
    return {
        row.model: row.cleaned_data["retires_on"] for row in rows if row.cleaned_data["is_served"]
    }


def initial_of(channel: Channel) -> dict[str, Any]:
    columns = {name: getattr(channel, name) for name in _COLUMNS}
    return {**columns, "settings": channel.settings or {}}


def _initial(model: str, routes: Mapping[str, RouteTerms]) -> dict[str, Any]:
    terms = routes.get(model) or RouteTerms(model=model, upstream_model=model)
    return {
        "is_served": model in routes,
        "upstream_model": terms.upstream_model,
        "sizes": terms.sizes,
        "words": terms.quality_map,
        "cost": terms.cost_micros,
        "field_map": terms.field_map,
    }
