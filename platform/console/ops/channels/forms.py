"""The form of a channel and its routes: what a person types, and what services refuse of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from typing_extensions import override

from console.parts.form_fields import (
    DollarsField,
    LimitField,
    LineField,
    PairsField,
    WordsField,
    dressed,
    line,
    take_errors,
)
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, RouteTerms
from generation.channels.declaration import REFUSABLE
from generation.channels.registry import KINDS, USUAL_KIND
from generation.models import Channel, Contract, Serves

NEVER: Mapping[str, date] = MappingProxyType({})
_NAMES = MappingProxyType({"quality_map": "words", "cost_micros": "cost"})
"""Where the form of a route calls a column otherwise."""
_TYPED = ("upstream_model", "sizes", "words", "cost", "retires_on")
_ALLOWANCES = ("allows_exact_crop", "allows_redispatch", "retry_is_free")
_FOLDED = (
    *("timeout_seconds", "max_concurrency", "max_images", "sizes"),
    *("ignored_fields", "refused_tasks", "class_overrides"),
)
_COLUMNS = ("name", "kind", "base_url", "serves", *_FOLDED, *_ALLOWANCES)


class ChannelForm(forms.Form):
    """An account at a vendor. Its key is typed in and never shown again."""

    name = forms.CharField(max_length=64, widget=line())
    kind = forms.ChoiceField(label="Kind of API", initial=USUAL_KIND)
    base_url = forms.CharField(
        label="Address",
        max_length=500,
        widget=line("https://api.example.com/v1", inputmode="url"),
    )
    api_key = forms.CharField(
        label="API key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    serves = forms.ChoiceField(label="It serves", choices=Serves.choices, initial=Serves.LIVE)
    timeout_seconds = LimitField(label="Time-out, seconds", initial=240)
    max_concurrency = LimitField(label="Calls at once in a worker")
    max_images = LimitField(label="Images an edit may begin with")
    sizes = LineField(label="Sizes of every model")
    class_overrides = PairsField(label="HTTP statuses read otherwise", widget=line())
    allows_exact_crop = forms.BooleanField(
        required=False, label="May serve exact models by cropping a larger size"
    )
    allows_redispatch = forms.BooleanField(
        required=False, initial=True, label="May be called again after a crash of ours"
    )
    retry_is_free = forms.BooleanField(
        required=False, label="Charges nothing for a bad result, so ask once more"
    )
    cost_again = DollarsField(label="Type the highest of them again, USD")

    @override
    def __init__(self, data: QueryDict | None, *, has_key: bool = False, **kwargs: Any) -> None:
        """`has_key`: an empty one leaves it as it is, but where one was typed and refused."""
        super().__init__(data, **kwargs)
        was_typed = data is not None and bool(data.get("api_key") or data.get("wants_key"))
        self.wants_key = was_typed or not has_key
        cast(forms.ChoiceField, self.fields["kind"]).choices = [(name, name) for name in KINDS]
        self.fields["api_key"].required = self.wants_key
        self.fields["timeout_seconds"].required = True
        self.fields["ignored_fields"] = WordsField(
            [(word, word) for word in services.narrowable()],
            required=False,
            label="Fields of a request that it ignores",
        )
        self.fields["refused_tasks"] = WordsField(
            [(word, word.capitalize()) for word in REFUSABLE],
            required=False,
            label="Tasks that it refuses",
        )
        dressed(self)

    @property
    def allowances(self) -> list[forms.BoundField]:
        """The boxes that stand for themselves."""
        return [self[name] for name in _ALLOWANCES]

    @property
    def has_trouble_within(self) -> bool:
        """Whether something is refused that is folded away."""
        return any(name in self.errors for name in _FOLDED)

    @property
    def is_asked_again(self) -> bool:
        """Whether a cost is in doubt, or was when this was sent."""
        return bool(self["cost_again"].errors or self["cost_again"].value())

    def options(self) -> ChannelOptions:
        """What was typed, but for the name; an empty key is none."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "name"}
        for name in ("api_key", "cost_again"):
            if not said[name]:
                del said[name]
        return cast(ChannelOptions, said)

    def refuse(self, error: ValidationError) -> None:
        """Show what the service refused, beside its field."""
        if getattr(error, "code", None) == services.DOUBTFUL_COST:
            error = ValidationError({"cost_again": error.messages})
        take_errors(self, error)


class WeighedForm(ChannelForm):
    """That of a new channel, which says where it stands among others."""

    priority = LimitField(least=0, initial=10)
    weight = LimitField(initial=1)

    @override
    def __init__(self, data: QueryDict | None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["priority"].required = self.fields["weight"].required = True


class RouteForm(forms.Form):
    """A line: whether a model is served, and how the vendor is asked for it."""

    is_served = forms.BooleanField(required=False)
    upstream_model = forms.CharField(required=False, label="Vendor's name", widget=line())
    sizes = LineField(label="Sizes")
    words = PairsField(label="Quality words", widget=line("as ours"))
    cost = DollarsField(label="Cost of an image, USD", may_be_zero=True)
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
            field.widget.attrs["aria-label"] = f"{field.label or 'Serve'} of {self.model}"
            if name in self.errors:
                field.widget.attrs["aria-invalid"] = "true"

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        if not columns.get("is_served"):
            self.errors.clear()  # nothing of it is saved
        elif not self.errors:
            try:
                services.check_route(self.terms(), qualities=self._qualities)
            except ValidationError as error:
                take_errors(self, error, _NAMES)
        return columns

    @property
    def typed(self) -> list[forms.BoundField]:
        """What stands beside the box."""
        return [self[name] for name in _TYPED]

    def terms(self) -> RouteTerms:
        """What was typed."""
        said = self.cleaned_data
        return RouteTerms(
            model=self.model,
            upstream_model=said["upstream_model"],
            sizes=said["sizes"],
            quality_map=said["words"],
            cost_micros=said["cost"],
        )


def route_forms(
    data: QueryDict | None,
    contracts: Iterable[Contract],
    routes: Mapping[str, RouteTerms],
    *,
    retires: Mapping[str, date] = NEVER,
) -> list[RouteForm]:
    """A line for each model, as these routes have it; the others go by our own name."""
    return [
        RouteForm(
            data,
            contract=contract,
            initial=_initial(contract.model, routes) | {"retires_on": retires.get(contract.model)},
        )
        for contract in contracts
    ]


def served(rows: Sequence[RouteForm], form: ChannelForm) -> list[RouteTerms] | None:
    """The routes that were ticked; None where one is refused, or the form without any."""
    if any(row.errors for row in rows):
        return None
    ticked = [row.terms() for row in rows if row.cleaned_data["is_served"]]
    if not ticked:
        form.add_error(None, "Tick at least one model.")
    return ticked or None


def retirements(rows: Iterable[RouteForm]) -> dict[str, date | None]:
    """When vendors end the models of the routes that were ticked."""
    return {
        row.model: row.cleaned_data["retires_on"] for row in rows if row.cleaned_data["is_served"]
    }


def initial_of(channel: Channel) -> dict[str, Any]:
    """What the form of a channel begins with."""
    return {name: getattr(channel, name) for name in _COLUMNS}


def _initial(model: str, routes: Mapping[str, RouteTerms]) -> dict[str, Any]:
    if model not in routes:
        return {"upstream_model": model}
    terms = routes[model]
    return {
        "is_served": True,
        "upstream_model": terms.upstream_model,
        "sizes": terms.sizes,
        "words": terms.quality_map,
        "cost": terms.cost_micros,
    }
