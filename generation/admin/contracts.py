"""The contracts of models, read-only: /ops/models/ and commands change them."""

from django.contrib import admin
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from generation.catalogue.contracts import AUTO
from generation.models import Contract


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin):
    """The promise of each public model name. Prices are in the price books."""

    list_display = ("model", "sizes_offered", "quality_default", "max_n", "is_exact", "state")
    list_filter = ("is_enabled",)
    search_fields = ("model",)

    @display(description="sizes")
    def sizes_offered(self, obj: Contract) -> str:
        """The number of sizes, and auto if the upstream may choose."""
        return f"{len(obj.sizes)} + {AUTO}" if obj.accepts_auto else str(len(obj.sizes))

    @display(label={"enabled": "success", "disabled": "warning"}, ordering="is_enabled")
    def state(self, obj: Contract) -> str:
        """The model's state: a disabled one cannot be requested."""
        return "enabled" if obj.is_enabled else "disabled"
