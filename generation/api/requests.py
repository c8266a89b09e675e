"""The fields of an images request and their types. What a contract allows is admission/rules.py.

What is common to all bodies, such as nulls and unknown fields: kit/api_bodies.py.
"""

import json
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.api_bodies import (
    ApiBody,
    FlagField,
    NumberField,
    TagField,
    TextField,
    WordField,
    optional,
    refuse,
)
from pictor.kit.errors import InvalidRequest

MAX_COUNT = 10
MAX_DIGITS = 2
MAX_PASSED_ON_CHARS = 64_000


@extend_schema_field({"type": ["integer", "string"], "minimum": 0, "maximum": MAX_COUNT})
class CountField(serializers.IntegerField):
    """How many images: an integer or a string of ASCII digits; 0 means 1."""

    @override
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.isascii() and data.isdigit():
            data = int(data[-MAX_DIGITS:]) if len(data.lstrip("0")) <= MAX_DIGITS else MAX_COUNT + 1
        if isinstance(data, bool) or not isinstance(data, int):
            refuse(self, "invalid_type", "n must be an integer.")
        if not 0 <= data <= MAX_COUNT:
            refuse(self, "invalid_value", f"n must be between 1 and {MAX_COUNT}.")
        return data or 1


@extend_schema_field({"type": ["string", "object"]})
class TextOrObjectField(serializers.JSONField):
    """A string or an object, sent on unchanged."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
        if self.field_name != "mask" and len(json.dumps(data)) > MAX_PASSED_ON_CHARS:
            refuse(self, "string_above_max_length", f"{self.field_name} is too long.")
        return data


@extend_schema_field(
    {"type": ["string", "object", "array"], "items": {"type": ["string", "object"]}}
)
class ImageField(serializers.JSONField):
    """A reference image: a string, an object, or an array of these."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        for item in data if isinstance(data, list) else [data]:
            if not isinstance(item, str | dict):
                refuse(
                    self,
                    "invalid_type",
                    f"{self.field_name} must be a string, an object or an array of these.",
                )
        return data


class GenerationRequest(ApiBody):
    """The body of POST /v1/images/generations."""

    example = {
        "model": "gpt-image-2-origin",
        "prompt": "A lighthouse at dawn, painted in warm colours",
        "size": "1024x1024",
        "quality": "medium",
        "n": 1,
    }

    model = TextField(
        required=True, allow_null=True, help_text="Public model name. The slash form has a default."
    )
    prompt = optional(TextField, "What the image should show. Required, not blank.")
    n = optional(CountField, "How many images, 1 to 10. Default 1.")
    size = optional(TextField, "`WxH`, a preset such as `16:9`, or `auto` where the model has it.")
    quality = optional(TextField, "low, medium, high or auto; standard or hd for dall-e.")
    response_format = optional(
        WordField, "How images are answered.", words=("url", "b64_json", "base64")
    )
    style = optional(TextOrObjectField, "Sent to the upstream unchanged.")
    background = optional(TextOrObjectField, "Sent to the upstream unchanged.")
    watermark = optional(FlagField, "Absent, true and false are three different things.")
    image = optional(ImageField, "Reference image: base64, data URI, or an object with one.")
    mask = optional(TextOrObjectField, "As OpenAI.")
    output_format = optional(
        WordField, "Format of the bytes. Default png.", words=("png", "jpeg", "webp")
    )
    output_compression = optional(NumberField, "0 to 100, for jpeg and webp.", least=0, most=100)
    user = optional(TagField, "Your own tag for the end user.")
    safety_identifier = optional(TagField, "As OpenAI.")
    moderation = optional(WordField, "As OpenAI.", words=("auto", "low"))
    stream = optional(FlagField, "Answer as server-sent events.")
    partial_images = optional(NumberField, "0 to 3, with stream.", least=0, most=3)
    input_fidelity = optional(WordField, "As OpenAI.", words=("high", "low"))
    strict_size = optional(
        FlagField, "Refuse, and pay nothing for, an image of another size than asked for."
    )


def parse(body: Mapping[str, Any], *, default_model: str | None) -> dict[str, Any]:
    """The request's fields with their types checked, nulls dropped. Raises InvalidRequest."""
    model = body.get("model") or default_model
    if not model:
        raise InvalidRequest(
            "The model is missing. GET /v1/models lists what this key may call.",
            code="missing_required_parameter",
            param="model",
        )
    return GenerationRequest.parse({**body, "model": model})
