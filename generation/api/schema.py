"""The images endpoints in the OpenAPI document: their bodies, answers and errors.

The views are async and not DRF's, so each names one of these classes as its description; nothing
here is ever called. The fields themselves are the serializers that the views really use.
"""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from generation.api.serializers import GenerationRequest

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="1 to 255 visible ASCII characters, for 24 hours."
)
PREFER = OpenApiParameter(
    "Prefer", str, "header", description="`respond-async`, or `wait=N` to wait N seconds at most."
)


class ErrorDetail(serializers.Serializer[Any]):
    """What went wrong."""

    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class ErrorAnswer(serializers.Serializer[Any]):
    """Every error, in OpenAI's shape."""

    error = ErrorDetail()


class ImageItem(serializers.Serializer[Any]):
    """One image: exactly one of `url` and `b64_json`."""

    url = serializers.URLField(required=False)
    b64_json = serializers.CharField(required=False)
    revised_prompt = serializers.CharField(required=False)


class InputTokensDetails(serializers.Serializer[Any]):
    """Input tokens by kind."""

    text_tokens = serializers.IntegerField()
    image_tokens = serializers.IntegerField()


class Usage(serializers.Serializer[Any]):
    """Tokens as the upstream counted them, and what was charged."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    input_tokens_details = InputTokensDetails()
    images = serializers.IntegerField()
    cost = serializers.CharField(help_text="USD, six decimals.")


class Metadata(serializers.Serializer[Any]):
    """What was asked for, sent and delivered."""

    generation_id = serializers.CharField()
    requested_size = serializers.CharField()
    upstream_size = serializers.CharField()
    delivered_sizes = serializers.ListField(child=serializers.CharField())
    size_plan = serializers.ChoiceField(choices=["native", "closest", "auto"])
    ignored = serializers.ListField(child=serializers.CharField())
    url_expires_at = serializers.IntegerField(required=False)


class ImagesAnswer(serializers.Serializer[Any]):
    """The images, in OpenAI's shape."""

    created = serializers.IntegerField()
    data = ImageItem(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it
    size = serializers.CharField()
    quality = serializers.CharField(required=False)
    background = serializers.CharField(required=False)
    output_format = serializers.CharField()
    usage = Usage()
    metadata = Metadata()


class GenerationObject(serializers.Serializer[Any]):
    """A generation and where it stands. Money is USD with six decimals."""

    id = serializers.CharField()
    object = serializers.CharField()
    status = serializers.ChoiceField(
        choices=["queued", "running", "succeeded", "failed", "canceled"]
    )
    created = serializers.IntegerField()
    started = serializers.IntegerField(allow_null=True)
    finished = serializers.IntegerField(allow_null=True)
    model = serializers.CharField()
    size = serializers.CharField()
    quality = serializers.CharField()
    n = serializers.IntegerField()
    quoted = serializers.CharField()
    held = serializers.CharField()
    captured = serializers.CharField()
    currency = serializers.CharField()
    result = ImagesAnswer(allow_null=True)
    error = ErrorDetail(allow_null=True)


class GenerationList(serializers.Serializer[Any]):
    """A page, newest first."""

    object = serializers.CharField()
    data = GenerationObject(many=True)  # type: ignore[assignment]  # as above
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class Deleted(serializers.Serializer[Any]):
    """The images are gone."""

    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()


class Quote(serializers.Serializer[Any]):
    """What the same body would cost. Money is USD with six decimals."""

    object = serializers.CharField()
    model = serializers.CharField()
    size = serializers.CharField()
    requested_size = serializers.CharField()
    tier = serializers.CharField()
    quality = serializers.CharField()
    n = serializers.IntegerField()
    unit_price = serializers.CharField()
    price = serializers.CharField()
    hold = serializers.CharField()
    quality_held = serializers.CharField()
    is_final = serializers.BooleanField(help_text="Size and quality are known, so is the price.")
    size_plan = serializers.CharField()
    upstream_size = serializers.CharField()
    currency = serializers.CharField()


_ERRORS: dict[Any, Any] = {
    code: OpenApiResponse(ErrorAnswer) for code in (400, 401, 403, 404, 413, 422, 429, 503)
}
_UPSTREAM: dict[Any, Any] = {code: OpenApiResponse(ErrorAnswer) for code in (502, 504)}


class GenerationsDescription(APIView):
    """POST and GET /v1/images/generations."""

    @extend_schema(
        operation_id="create_generation",
        summary="Generate images",
        request=GenerationRequest,
        parameters=[IDEMPOTENCY_KEY, PREFER],
        responses={200: ImagesAnswer, 202: GenerationObject, **_ERRORS, **_UPSTREAM},
    )
    def post(self) -> None:
        """Generate images and wait for them; charged by what was really delivered.

        With `stream`, the answer is server-sent events: up to `partial_images` events
        `image_generation.partial_image` for each image while it is made, where the model's channel
        can do that, then one `image_generation.completed` for each. Partial images are free.
        """

    @extend_schema(
        operation_id="list_generations",
        summary="List generations",
        parameters=[
            OpenApiParameter("limit", int, description="1 to 100, default 20."),
            OpenApiParameter("after", str, description="An id; exclusive."),
        ],
        responses={200: GenerationList, **_ERRORS},
    )
    def get(self) -> None:
        """The tenant's generations, newest first."""


class GenerationDescription(APIView):
    """GET /v1/images/generations/{id}."""

    @extend_schema(
        operation_id="retrieve_generation",
        summary="Retrieve a generation",
        responses={200: GenerationObject, **_ERRORS},
    )
    def get(self) -> None:
        """One generation, with its result once there is one."""

    @extend_schema(
        operation_id="delete_generation",
        summary="Delete a generation's images",
        responses={200: Deleted, 409: OpenApiResponse(ErrorAnswer), **_ERRORS},
    )
    def delete(self) -> None:
        """Remove the stored images of a generation that has ended; its bill stays."""


class CancelDescription(APIView):
    """POST /v1/images/generations/{id}/cancel."""

    @extend_schema(
        operation_id="cancel_generation",
        summary="Cancel a generation",
        request=None,
        responses={200: GenerationObject, 409: OpenApiResponse(ErrorAnswer), **_ERRORS},
    )
    def post(self) -> None:
        """End what has not been sent to an upstream, and release its hold."""


class QuoteDescription(APIView):
    """POST /v1/images/quote."""

    @extend_schema(
        operation_id="quote_generation",
        summary="Quote",
        request=GenerationRequest,
        responses={200: Quote, **_ERRORS},
    )
    def post(self) -> None:
        """What the same body would cost. Spends and holds nothing."""


def one_path_each(endpoints: list[Any]) -> list[Any]:
    """A spectacular hook: the forms with a trailing slash are the same endpoints."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]
