"""The bodies of images requests: parsed and documented by the fields of admission/fields.py.

What is common to all bodies, such as nulls and unknown fields: kit/endpoints/bodies.py.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from generation.admission import fields
from generation.admission.fields import MAX_COUNT
from generation.catalogue.parameters import MAX_PARAMETERS
from generation.channels.declaration import MAX_IMAGES, Task
from pictor.kit.bytes.multipart import Form
from pictor.kit.endpoints.bodies import (
    ApiBody,
    FileField,
    FilesField,
    FlagField,
    NumberField,
    TagField,
    TextField,
    WordField,
    of_these,
    refuse,
    whole,
)
from pictor.kit.endpoints.body import Body, check_text
from pictor.kit.words.errors import InvalidRequest, UnsupportedMediaType, unknown
from storage.selectors import DIGEST

DEFAULT_MODEL = "gpt-image-2-origin"
"""The model of the generations path with a slash if the body names none."""
VARIED_BY = "dall-e-2"
"""The model of a variation that names none: the only one."""
MAX_DIGITS = 2

_TEXT = {"type": "string", "minLength": 1}
ONE_IMAGE = {
    "anyOf": [
        {**_TEXT, "description": "Base64, a data URI, or an address."},
        {
            "type": "object",
            "properties": {
                "b64_json": {**_TEXT, "description": "Base64, or a data URI."},
                "url": {**_TEXT, "description": "An address, or an object with one."},
                "image_url": {**_TEXT, "description": "The same under another name."},
            },
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
    ]
}
"""The form as JSON Schema; `invalid_image` reports bytes that are no image."""
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


@extend_schema_field({"type": ["string", "object"], "maxLength": fields.MAX_PASSED_ON_CHARS})
class TextOrObjectField(serializers.JSONField):
    """A string or an object, sent on unchanged."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        if len(text) > fields.MAX_PASSED_ON_CHARS:
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
    {"type": "string", "minLength": 1, "maxLength": fields.MAX_PROMPT_CHARS, "pattern": r"\S"}
)
class PromptField(TextField):
    """The prompt; the contract decides whether it is needed, and how long it may be."""


@extend_schema_field(ONE_IMAGE)
class MaskField(serializers.JSONField):
    """One image: a string or an object."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
        return data


_SHAPES: Mapping[fields.Shape, Callable[..., Any]] = {
    "text": TextField,
    "prompt": PromptField,
    "count": CountField,
    "word": WordField,
    "number": NumberField,
    "flag": FlagField,
    "tag": TagField,
    "long_text": partial(TextField, max_length=fields.MAX_PASSED_ON_CHARS),
    "text_or_object": TextOrObjectField,
    "image_or_images": ImageField,
    "image": MaskField,
    "file": FileField,
    "files": FilesField,
}


class ImagesBody(ApiBody):
    """A body whose fields are rows of admission/fields.py."""

    rows: ClassVar[Sequence[fields.Field]] = ()

    @override
    def get_fields(self) -> dict[str, Any]:
        return {row.name: _field_of(row) for row in self.rows}

    @classmethod
    @override
    def parse(cls, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the given fields; unknown ones are `parameters`, which only contracts know."""
        known = {name: value for name, value in sent.items() if cls.knows(name)}
        more = {name: value for name, value in sent.items() if name not in known}
        if len(more) > MAX_PARAMETERS + 2:  # a ratio and a resolution among them
            raise unknown(min(more), [row.name for row in cls.rows])
        return {**super().parse(known), **({"parameters": more} if more else {})}


def _field_of(row: fields.Field) -> Any:
    number = {"least": 0, "most": row.most} if row.most else {}
    bounds = {"words": row.words} if row.words else number
    return _SHAPES[row.shape](
        required=row.is_required, allow_null=row.is_nullable, help_text=row.about, **bounds
    )


class GenerationRequest(ImagesBody):
    """The body of POST /v1/images/generations."""

    rows: ClassVar[Sequence[fields.Field]] = fields.GENERATION
    example = {
        "model": "gpt-image-2-origin",
        "prompt": "A lighthouse at dawn, painted in warm colours",
        "size": "1024x1024",
        "quality": "medium",
        "n": 1,
    }
    together = {"required": ["model", "prompt"]}


class EditRequest(ImagesBody):
    """The JSON body of POST /v1/images/edits."""

    rows = fields.EDIT
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


class EditForm(ImagesBody):
    """The form of POST /v1/images/edits: files, and everything else as text."""

    rows = fields.EDIT_FORM
    example = {
        "model": "gpt-image-2",
        "prompt": "Put a small red boat on the water",
        "image": A_FILE,
    }
    together = GenerationRequest.together
    is_form = True


class VariationForm(ImagesBody):
    """The form of POST /v1/images/variations."""

    rows = fields.VARIATION_FORM
    example = {"model": "dall-e-2", "image": A_FILE, "n": 1, "size": "1024x1024"}
    is_form = True


class QuoteRequest(GenerationRequest):
    """The body of POST /v1/images/quote: a generation's body, and its task."""

    rows = fields.QUOTE


@extend_schema_field({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"})
class DigestField(TextField):
    """A sha256 in hexadecimal digits; its value has small ones."""

    @override
    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not DIGEST.fullmatch(text):
            refuse(self, "invalid_value", f"{self.field_name} must be 64 hexadecimal digits.")
        return text.lower()


class ProvenanceRequest(ApiBody):
    """The JSON body of POST /v1/images/provenance."""

    example = {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}

    sha256 = DigestField(help_text="Of the file's bytes.")


class ProvenanceForm(ApiBody):
    """The form of POST /v1/images/provenance: a file, or its digest."""

    example = {"file": A_FILE}
    together = {
        "oneOf": [
            {"required": [name], **of_these({"file": {}, "sha256": {}})}
            for name in ("file", "sha256")
        ]
    }
    is_form = True

    file = FileField(required=False, help_text="At most 50 MiB, of any kind.")
    sha256 = DigestField(required=False, help_text="Of the file's bytes.")

    @classmethod
    @override
    def parse(cls, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the one field. Raises InvalidRequest for none or both."""
        given = super().parse(sent)
        if not given:
            raise InvalidRequest(
                "Send the file, or its sha256.", code="missing_required_parameter", param="file"
            )
        if len(given) > 1:
            raise InvalidRequest("Send file or sha256, not both.", param="sha256")
        return given


def generation(body: Body, *, default_model: str | None = None) -> dict[str, Any]:
    return parse(body.fields(), default_model=default_model)


def quote(body: Body) -> dict[str, Any]:
    """Parse the body of a quote; without a field of its own, as its generation's."""
    sent = body.fields()
    if "task" not in sent and "explain" not in sent:
        return parse(sent, default_model=None)
    request = QuoteRequest.parse(_with_model(sent, None))
    if request.get("task") == Task.GENERATE:
        del request["task"]
    return request


def edit(body: Body) -> dict[str, Any]:
    """Parse the body of an edit, JSON or a form; `image` is a list either way."""
    if body.form is None:
        request = EditRequest.parse(_with_model(body.fields(), None))
    else:
        texts = _with_model(_texts(body.form), None)
        request = EditForm.parse_form(Form(texts, body.form.files))
    return _with_images(request, Task.EDIT)


def variation(body: Body) -> dict[str, Any]:
    """Parse the form of a variation."""
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
    sent = [name for name in ("image", "image[]", "images") if name in request]
    if len(sent) > 1:
        raise InvalidRequest(f"Send {sent[0]} or {sent[1]}, not both.", param=sent[1])
    images = request.pop(sent[0]) if sent else []
    images = images if isinstance(images, list) else [images]
    if not images:
        raise InvalidRequest(
            "The image is missing.",
            code="missing_required_parameter",
            param=sent[0] if sent else "image",
        )
    if len(images) > MAX_IMAGES:
        raise InvalidRequest(
            f"{sent[0]} holds more than {MAX_IMAGES} images.",
            code="invalid_image",
            param=sent[0],
        )
    return {**request, "task": task.value, "image": images}


def parse(body: Mapping[str, Any], *, default_model: str | None) -> dict[str, Any]:
    """A generation's fields with their types checked, nulls dropped. Raises InvalidRequest."""
    return GenerationRequest.parse(_with_model(body, default_model))


def _with_model(body: Mapping[str, Any], default_model: str | None) -> dict[str, Any]:
    model = body.get("model")
    if model is None or model == "":
        model = default_model
    if model is None:
        raise InvalidRequest(
            "The model is missing. GET /v1/models lists what this key may call.",
            code="missing_required_parameter",
            param="model",
        )
    return {**body, "model": model}
