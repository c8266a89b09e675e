"""The fields of an images request and their types. What a contract allows is admission/rules.py.

What is common to all bodies, such as nulls and unknown fields: kit/api_bodies.py.
"""

import json
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from generation.channels.declaration import Task
from generation.pictures import MAX_IMAGES
from pictor.kit.api_bodies import (
    ApiBody,
    FileField,
    FilesField,
    FlagField,
    NumberField,
    TagField,
    TextField,
    WordField,
    of_these,
    optional,
    refuse,
    whole,
)
from pictor.kit.body import Body, check_text
from pictor.kit.errors import InvalidRequest, UnsupportedMediaType
from pictor.kit.forms import Form

MAX_COUNT = 10
USUAL_MODEL = "gpt-image-2-origin"
"""What the slash form of the generations path means when no model is named."""
VARIED_BY = "dall-e-2"
"""The model of a variation that names none: there is no other."""
MAX_DIGITS = 2
MAX_PASSED_ON_CHARS = 64_000
MAX_PROMPT_CHARS = 32_000
"""Of the models that take the longest ones."""

_TEXT = {"type": "string", "minLength": 1}
ONE_IMAGE = {
    "anyOf": [
        {**_TEXT, "description": "Base64, a data URI, or an address."},
        {
            "type": "object",
            "properties": {
                "b64_json": {**_TEXT, "description": "Base64, or a data URI."},
                "url": {**_TEXT, "description": "An address, or one of these."},
                "image_url": {**_TEXT, "description": "The same by another name."},
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}
"""As JSON Schema has it; that its bytes are an image is for `invalid_image` to say."""
_IS_GIVEN = {"not": {"type": "null"}}
A_FILE = "the bytes of a file"
"""Stands for one in an example, which is JSON."""


@extend_schema_field(
    {
        "type": ["integer", "string"],
        "minimum": 0,
        "maximum": MAX_COUNT,
        "pattern": "^0*(10|[0-9])$",
    }
)
class CountField(serializers.IntegerField):
    """How many images: an integer or a string of ASCII digits; 0 means 1."""

    @override
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.isascii() and data.isdigit():
            data = int(data[-MAX_DIGITS:]) if len(data.lstrip("0")) <= MAX_DIGITS else MAX_COUNT + 1
        data = whole(data)
        if isinstance(data, bool) or not isinstance(data, int):
            refuse(self, "invalid_type", "n must be an integer.")
        if not 0 <= data <= MAX_COUNT:
            refuse(self, "invalid_value", f"n must be between 1 and {MAX_COUNT}.")
        return data or 1


@extend_schema_field({"type": ["string", "object"], "maxLength": MAX_PASSED_ON_CHARS // 2})
class TextOrObjectField(serializers.JSONField):
    """A string or an object, sent on unchanged."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
        if len(json.dumps(data)) > MAX_PASSED_ON_CHARS:
            refuse(self, "string_above_max_length", f"{self.field_name} is too long.")
        return data


@extend_schema_field(
    {
        "anyOf": [
            *ONE_IMAGE["anyOf"],
            {"type": "array", "items": ONE_IMAGE, "minItems": 1, "maxItems": MAX_IMAGES},
        ]
    }
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


@extend_schema_field(
    {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": r"\S"}
)
class PromptField(TextField):
    """Words for an image; whether there must be any, and how many, is the contract's to say."""


@extend_schema_field(ONE_IMAGE)
class MaskField(serializers.JSONField):
    """One image: a string or an object."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
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
    together = {"required": ["model", "prompt"]}

    model = TextField(required=True, help_text="A model's name, as GET /v1/models lists them.")
    prompt = PromptField(required=False, help_text="What the image should show. Not blank.")
    n = optional(CountField, "How many images, 1 to 10. Default 1.")
    size = optional(TextField, "`WxH`, a preset such as `16:9`, or `auto` where the model has it.")
    quality = optional(TextField, "low, medium, high or auto; standard or hd for dall-e.")
    response_format = optional(
        WordField, "How images are answered.", words=("url", "b64_json", "base64")
    )
    style = optional(TextOrObjectField, "Sent to the upstream unchanged.")
    background = optional(TextOrObjectField, "Sent to the upstream unchanged.")
    watermark = optional(FlagField, "Absent, true and false are three different things.")
    image = optional(
        ImageField, "Reference image: base64, a data URI, an address, or an object with one."
    )
    mask = optional(MaskField, "As OpenAI.")
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
        FlagField,
        "Refuse, and pay nothing for, an image of another size than asked for. While every"
        " channel's last image of that size was another, the answer is a 503 and none is called.",
    )


class EditRequest(GenerationRequest):
    """The JSON body of POST /v1/images/edits."""

    example = {
        "model": "gpt-image-2",
        "prompt": "Put a small red boat on the water",
        "images": [{"image_url": "https://images.example.com/lighthouse.png"}],
        "size": "1024x1024",
        "quality": "medium",
    }
    together = {
        **GenerationRequest.together,
        "if": {"required": ["images"], **of_these({"images": _IS_GIVEN})},
        "then": of_these({"image": {"type": "null"}}),
        "else": {"required": ["image"], **of_these({"image": _IS_GIVEN})},
    }

    style = None  # leaves it out
    images = optional(ImageField, "Images to edit, 1 to 16: each as `image` of a generation.")
    image = optional(ImageField, "The same by another name.")
    mask = optional(
        MaskField,
        "What may change is transparent. As large as the first image; png or webp.",
    )


class EditForm(EditRequest):
    """The form of POST /v1/images/edits: files, and everything else as text."""

    example = {
        "model": "gpt-image-2",
        "prompt": "Put a small red boat on the water",
        "image": A_FILE,
    }
    together = GenerationRequest.together
    is_form = True

    images = None  # as above
    image = FileField(
        required=False,
        help_text="One image: png, jpeg or webp, at most 50 MiB. Several are sent as `image[]`.",
    )
    mask = FileField(
        required=False,
        help_text="What may change is transparent. As large as the first image; png or webp.",
    )

    @override
    def get_fields(self) -> dict[str, Any]:
        several = FilesField(
            required=False, help_text="Several images, at most 16, in place of `image`."
        )
        return {**super().get_fields(), "image[]": several}


class VariationForm(ApiBody):
    """The form of POST /v1/images/variations."""

    example = {"model": "dall-e-2", "image": A_FILE, "n": 1, "size": "1024x1024"}
    is_form = True

    model = TextField(required=False, help_text="Default dall-e-2, the only one there is.")
    image = FileField(help_text="The image to vary: a square png, at most 50 MiB. Required.")
    n = optional(CountField, "How many images, 1 to 10. Default 1.")
    size = optional(TextField, "256x256, 512x512 or 1024x1024. Default 1024x1024.")
    response_format = optional(
        WordField, "How images are answered.", words=("url", "b64_json", "base64")
    )
    output_format = optional(
        WordField, "Format of the bytes. Default png.", words=("png", "jpeg", "webp")
    )
    output_compression = optional(NumberField, "0 to 100, for jpeg and webp.", least=0, most=100)
    user = optional(TagField, "Your own tag for the end user.")
    strict_size = optional(
        FlagField, "Refuse, and pay nothing for, an image of another size than asked for."
    )


class QuoteRequest(GenerationRequest):
    """The body of POST /v1/images/quote: that of a generation, and what it is for."""

    task = optional(
        WordField,
        "What it is for, and `image` what it begins with. Default generate; all cost the same.",
        words=tuple(task.value for task in Task),
    )


def generation(body: Body, *, default_model: str | None = None) -> dict[str, Any]:
    """Of a generation."""
    return parse(body.fields(), default_model=default_model)


def quote(body: Body) -> dict[str, Any]:
    """Of a quote: refused as its generation would be, where it names no task."""
    fields = body.fields()
    if "task" not in fields:
        return parse(fields, default_model=None)
    request = QuoteRequest.parse(_with_model(fields, None))
    if request.get("task") == Task.GENERATE:
        del request["task"]
    return request


def edit(body: Body) -> dict[str, Any]:
    """Of an edit, by JSON or a form: the same fields either way, and `image` a list."""
    if body.form is None:
        request = EditRequest.parse(_with_model(body.fields(), None))
    else:
        texts = _with_model(_texts(body.form), None)
        request = EditForm.parse_form(Form(texts, body.form.files))
    return _with_images(request, Task.EDIT)


def variation(body: Body) -> dict[str, Any]:
    """Of a variation, which is a form."""
    if body.form is None:
        raise UnsupportedMediaType("Send the image as a file, in a multipart/form-data form.")
    texts = _with_model(_texts(body.form), VARIED_BY)
    return _with_images(VariationForm.parse_form(Form(texts, body.form.files)), Task.VARIATION)


def _texts(form: Form) -> dict[str, str]:
    for name, text in form.texts.items():
        check_text(name, name)
        check_text(text, name)
    return form.texts


def _with_images(request: dict[str, Any], task: Task) -> dict[str, Any]:
    given = [name for name in ("image", "image[]", "images") if name in request]
    if len(given) > 1:
        raise InvalidRequest(f"Send {given[0]} or {given[1]}, not both.", param=given[1])
    images = request.pop(given[0]) if given else []
    images = images if isinstance(images, list) else [images]
    if not images:
        raise InvalidRequest(
            "The image is missing.", code="missing_required_parameter", param="image"
        )
    if len(images) > MAX_IMAGES:
        raise InvalidRequest(
            f"{given[0]} holds more than {MAX_IMAGES} images.",
            code="invalid_image",
            param=given[0],
        )
    return {**request, "task": task.value, "image": images}


def parse(body: Mapping[str, Any], *, default_model: str | None) -> dict[str, Any]:
    """A generation's fields with their types checked, nulls dropped. Raises InvalidRequest."""
    return GenerationRequest.parse(_with_model(body, default_model))


def _with_model(body: Mapping[str, Any], default_model: str | None) -> dict[str, Any]:
    model = body.get("model") or default_model
    if not model:
        raise InvalidRequest(
            "The model is missing. GET /v1/models lists what this key may call.",
            code="missing_required_parameter",
            param="model",
        )
    return {**body, "model": model}
