"""What each public model name promises: edited here, changed by the catalogue's service."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from typing_extensions import override
from unfold.decorators import display

from accounts.admin import ServiceAdmin, by
from generation.catalogue import services
from generation.catalogue.contracts import AUTO
from generation.catalogue.services import ContractColumns
from generation.models import Contract

if TYPE_CHECKING:
    _OfContract = forms.ModelForm[Contract]
else:
    _OfContract = forms.ModelForm  # generic for the type checker alone


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
            "tasks",
            "qualities",
            "quality_default",
            "quality_aliases",
            "prompt_max_chars",
            "max_n",
            "response_format_default",
        )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sizes"].required = False  # a model whose only size is `auto` lists none

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                services.check_contract({"model": self.instance.pk, **columns})
            except ValidationError as error:
                self.add_error(None, error)
        return columns


@admin.register(Contract)
class ContractAdmin(ServiceAdmin):
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
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        columns = {name: value for name, value in form.cleaned_data.items() if name != "model"}
        services.set_contract(
            model=str(obj.pk), columns=cast(ContractColumns, columns), **by(request)
        )

    @display(description="sizes")
    def sizes_offered(self, obj: Contract) -> str:
        """How many, and whether the upstream may choose."""
        return f"{len(obj.sizes)} + {AUTO}" if obj.accepts_auto else str(len(obj.sizes))

    @display(label={"enabled": "success", "disabled": "warning"}, ordering="is_enabled")
    def state(self, obj: Contract) -> str:
        """Whether it can be asked for."""
        return "enabled" if obj.is_enabled else "disabled"
