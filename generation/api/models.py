"""GET /v1/models and /v1/models/{id}: what this key may call, and what each name promises."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import require_scope
from accounts.selectors import Caller
from generation.admission.rules import OUTPUT_FORMATS
from generation.catalogue.contracts import AUTO, ContractTerms
from generation.catalogue.snapshot import catalogue_at
from pictor.kit.errors import NotFound

CREATED = 1_777_075_200
"""25 April 2026: when these contracts were first published."""


class SizeObject(serializers.Serializer[Any]):
    """One legal size."""

    size = serializers.CharField(help_text="Pixels, `WxH`.")
    preset = serializers.CharField(allow_null=True, help_text="Another legal word for it.")
    ratio = serializers.CharField()
    tier = serializers.CharField(help_text="Price class: base, 1K, 2K or 4K.")


class ModelObject(serializers.Serializer[Any]):
    """A model as OpenAI lists it, and its contract in further fields."""

    id = serializers.CharField()
    object = serializers.CharField(default="model")
    created = serializers.IntegerField()
    owned_by = serializers.CharField()
    sizes = SizeObject(many=True)
    accepts_auto_size = serializers.BooleanField()
    default_size = serializers.CharField()
    qualities = serializers.ListField(child=serializers.CharField())
    default_quality = serializers.CharField()
    output_formats = serializers.ListField(child=serializers.CharField())
    default_response_format = serializers.CharField()
    max_n = serializers.IntegerField()
    prompt_max_chars = serializers.IntegerField()


class ModelList(serializers.Serializer[Any]):
    """Every model, in one page."""

    object = serializers.CharField(default="list")
    data = ModelObject(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


def model_object(contract: ContractTerms) -> dict[str, Any]:
    """A contract as callers read it."""
    return {
        "id": contract.model,
        "object": "model",
        "created": CREATED,
        "owned_by": "pictor",
        "sizes": [
            {
                "size": str(option.size),
                "preset": option.preset,
                "ratio": option.ratio,
                "tier": option.tier,
            }
            for option in contract.options
        ],
        "accepts_auto_size": contract.accepts_auto,
        "default_size": contract.default_size,
        "qualities": [quality for quality in contract.qualities if quality != AUTO],
        "default_quality": contract.quality_default,
        "output_formats": list(OUTPUT_FORMATS),
        "default_response_format": contract.response_format_default,
        "max_n": contract.max_n,
        "prompt_max_chars": contract.prompt_max_chars,
    }


def _callable_by(caller: Caller) -> dict[str, ContractTerms]:
    contracts = catalogue_at(caller.revision).contracts
    return {
        model: contract
        for model, contract in contracts.items()
        if contract.is_enabled and (caller.models is None or model in caller.models)
    }


class ModelsView(APIView):
    """The list."""

    @extend_schema(operation_id="list_models", responses=ModelList)
    def get(self, request: Request) -> Response:
        """Every model this key may call."""
        caller = cast("Caller", request.auth)
        require_scope(caller, "images:read")
        found = _callable_by(caller).values()
        return Response({"object": "list", "data": [model_object(one) for one in found]})


class ModelView(APIView):
    """One of them."""

    @extend_schema(operation_id="retrieve_model", responses=ModelObject)
    def get(self, request: Request, model: str) -> Response:
        """One model this key may call; any other is as unknown as none."""
        caller = cast("Caller", request.auth)
        require_scope(caller, "images:read")
        contract = _callable_by(caller).get(model)
        if contract is None:
            raise NotFound(
                f"The model {model[:100]!r} does not exist.", code="model_not_found", param="model"
            )
        return Response(model_object(contract))
