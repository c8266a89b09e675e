"""GET /v1/models and /v1/models/{id}: the models that a key may call, and their contracts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework import serializers
from typing_extensions import override

from accounts import rates
from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from billing.pricing import PriceTable
from generation.admission.quoting import no_such_model
from generation.api.render import of_life
from generation.catalogue.contracts import AUTO, Catalogue, ContractTerms
from generation.catalogue.life import life_headers, sunset_of
from generation.catalogue.plans import prices_of
from generation.catalogue.snapshot import catalogue_at, prices_at
from generation.channels.declaration import OUTPUT_FORMATS, Task
from pictor.kit.endpoints.objects import ApiObject, Constant, UnixSeconds, Usd
from pictor.kit.words import clock
from pictor.kit.words.errors import ModelSunset, NotFound

MODEL_EXAMPLE = {
    "id": "dall-e-3",
    "object": "model",
    "created": 1_777_075_200,
    "owned_by": "pictor",
    "description": "One detailed image from a long prompt.",
    "sizes": [{"size": "1024x1024", "preset": None, "ratio": "1:1", "tier": "base"}],
    "size_rule": None,
    "accepts_auto_size": False,
    "default_size": "1024x1024",
    "qualities": ["standard", "hd"],
    "default_quality": "standard",
    "output_formats": ["png", "jpeg", "webp"],
    "default_response_format": "url",
    "prices": [{"size": "1024x1024", "quality": "standard", "price": "0.040000"}],
    "parameters": {"seed": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295}},
    "tasks": ["generate"],
    "max_n": 1,
    "prompt_max_chars": 4000,
    "deprecated_at": 1_796_083_200,
    "sunset_at": 1_803_859_200,
    "successor": "gpt-image-2",
}


@dataclass(frozen=True, slots=True)
class SoldModel:
    """A model and what it costs a tenant."""

    terms: ContractTerms
    table: PriceTable
    successor: str | None

    @property
    def prices(self) -> Iterator[Mapping[str, Any]]:
        """The price of each size and quality, in the contract's order."""
        for size in sorted(self.terms.priced_sizes, key=lambda size: size != AUTO):
            rows = prices_of(self.terms, self.table, size)
            for quality in self.terms.qualities:
                if quality in rows:
                    yield {"size": size, "quality": quality, "price": rows[quality].unit}


class SizeObject(ApiObject):
    """One accepted size."""

    size = serializers.CharField(help_text="Pixels, `WxH`.")
    preset = serializers.CharField(allow_null=True, help_text="Another accepted name for it.")
    ratio = serializers.CharField()
    tier = serializers.CharField(help_text="Price class: base, 1K, 2K or 4K.")


class SizeRuleObject(ApiObject):
    """Further accepted sizes `WxH`, of tier `any`; all bounds are inclusive."""

    step = serializers.IntegerField(help_text="Divides width and height.")
    min_side = serializers.IntegerField(help_text="Least width and height.")
    max_side = serializers.IntegerField(help_text="Largest width and height.")
    min_pixels = serializers.IntegerField(help_text="Least width times height.")
    max_pixels = serializers.IntegerField(help_text="Largest width times height.")
    max_ratio = serializers.FloatField(help_text="Most that the longer side is of the shorter.")


class ModelPriceObject(ApiObject):
    """The price of one image for this workspace now."""

    size = serializers.CharField(
        help_text="Pixels, `WxH`, or one of maximum price: `auto`, `any` for those of `size_rule`."
    )
    quality = serializers.CharField()
    price = Usd(help_text="USD.")


class QualitiesField(serializers.ListField):
    """The words for qualities, without `auto`."""

    @override
    def to_representation(self, data: Sequence[str]) -> list[str]:
        return [word for word in data if word != AUTO]


class TasksField(serializers.ListField):
    """The tasks that a model can do, the usual one first."""

    @override
    def to_representation(self, data: Collection[Task]) -> list[str]:
        return [task.value for task in Task if task in data]


class ModelObject(ApiObject):
    """A model as OpenAI lists it, and its contract in further fields."""

    example = MODEL_EXAMPLE

    id = serializers.CharField(source="terms.model")
    object = Constant("model")
    created = serializers.IntegerField(source="terms.created", help_text="Unix seconds.")
    owned_by = serializers.CharField(source="terms.made_by", help_text="Who made it.")
    description = serializers.CharField(
        source="terms.about", help_text="What it is good for; may be empty."
    )
    sizes = SizeObject(source="terms.options", many=True)
    size_rule = SizeRuleObject(
        source="terms.size_rule", allow_null=True, help_text="Null if only `sizes` are accepted."
    )
    accepts_auto_size = serializers.BooleanField(source="terms.accepts_auto")
    default_size = serializers.CharField(source="terms.default_size")
    qualities = QualitiesField(source="terms.qualities", child=serializers.CharField())
    default_quality = serializers.CharField(source="terms.quality_default")
    output_formats = serializers.ListField(
        source="terms.formats", child=serializers.ChoiceField(choices=OUTPUT_FORMATS)
    )
    default_response_format = serializers.CharField(source="terms.response_format_default")
    prices = ModelPriceObject(many=True)
    parameters = serializers.DictField(
        source="terms.parameter_schemas",
        child=serializers.DictField(),
        help_text="Further fields of its requests, each as JSON Schema.",
    )
    tasks = TasksField(source="terms.tasks", child=serializers.ChoiceField(choices=list(Task)))
    max_n = serializers.IntegerField(source="terms.max_n")
    prompt_max_chars = serializers.IntegerField(source="terms.prompt_max_chars")
    deprecated_at = UnixSeconds(
        source="terms.deprecated_at",
        allow_null=True,
        help_text="The time from which nothing new should use it.",
    )
    sunset_at = UnixSeconds(
        source="terms.sunset_at",
        allow_null=True,
        help_text="The time from which it answers 410 `model_sunset`. Null if no end is announced.",
    )
    successor = serializers.CharField(
        allow_null=True,
        help_text="The model to use instead; null if no end is announced.",
    )


class ModelList(ApiObject):
    """Every model, in one page."""

    example = {"object": "list", "data": [MODEL_EXAMPLE]}

    object = Constant("list")
    data = ModelObject(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


class ModelsView(Endpoint):
    """/v1/models."""

    @operation(
        "list_models",
        summary="List models",
        scope="images:read",
        answer=ModelList,
        rate=rates.take_query,
    )
    def get(self, caller: Caller) -> Answer:
        """Every model that this key may call."""
        catalogue, now = catalogue_at(caller.revision), clock.now()
        prices = prices_at(caller.revision, caller.tenant_id, now=now)
        callable_now = [
            contract for contract in catalogue.on_offer(now) if caller.may_use(contract.model)
        ]
        return Answer(
            {"data": [_sold_model(contract, prices, catalogue, now) for contract in callable_now]}
        )


class ModelView(Endpoint):
    """/v1/models/{model}."""

    @operation(
        "retrieve_model",
        summary="Retrieve a model",
        scope="images:read",
        answer=ModelObject,
        errors=[NotFound, ModelSunset],
        headers=of_life([200, 410]),
    )
    def get(self, caller: Caller, model: str) -> Answer:
        """One model that this key may call; others are not found. An ended one answers 410."""
        catalogue, now = catalogue_at(caller.revision), clock.now()
        contract = catalogue.known(model, now)
        if contract is None or not caller.may_use(model):
            raise no_such_model(catalogue, caller, model, now)
        if contract.has_ended(now):
            raise sunset_of(catalogue, contract, now)
        prices = prices_at(caller.revision, caller.tenant_id, now=now)
        sold = _sold_model(contract, prices, catalogue, now)
        return Answer(sold, headers=life_headers(catalogue, model, now))


def _sold_model(
    contract: ContractTerms, prices: PriceTable, catalogue: Catalogue, now: datetime
) -> SoldModel:
    return SoldModel(contract, prices, catalogue.successor_of(contract, now) or None)
