"""The fields of an images request and their types. What a contract allows is admission/rules.py.

A field that is null counts as absent. Every refusal names its field; an unknown field is refused
with the nearest known name.
"""

import difflib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

from rest_framework import serializers
from typing_extensions import override

from pictor.kit.errors import InvalidRequest

MAX_COUNT = 10
MAX_DIGITS = 2
MAX_TAG_CHARS = 1000
MAX_PASSED_ON_CHARS = 64_000


def _refuse(field: serializers.Field[Any, Any, Any, Any], code: str, message: str) -> NoReturn:
    raise InvalidRequest(message, code=code, param=field.field_name)


class TextField(serializers.CharField):
    """A JSON string, as it came: not stripped, not converted from a number."""

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            _refuse(self, "invalid_type", f"{self.field_name} must be a string.")
        if "\x00" in data:
            _refuse(self, "invalid_value", f"{self.field_name} must not contain NUL characters.")
        return data


class TagField(TextField):
    """A short string of the caller's own."""

    @override
    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if len(text) > MAX_TAG_CHARS:
            _refuse(
                self,
                "string_above_max_length",
                f"{self.field_name} must have at most {MAX_TAG_CHARS} characters.",
            )
        return text


class WordField(TextField):
    """One of a few words."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    @override
    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.words:
            _refuse(
                self, "invalid_value", f"{self.field_name} must be one of {', '.join(self.words)}."
            )
        return word


class FlagField(serializers.BooleanField):
    """A JSON boolean, and nothing that merely looks like one."""

    @override
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            _refuse(self, "invalid_type", f"{self.field_name} must be true or false.")
        return data


class NumberField(serializers.IntegerField):
    """A JSON integer from `least` to `most`."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(min_value=least, max_value=most, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            _refuse(self, "invalid_type", f"{self.field_name} must be an integer.")
        if not self.least <= data <= self.most:
            _refuse(
                self,
                "invalid_value",
                f"{self.field_name} must be between {self.least} and {self.most}.",
            )
        return data


class CountField(serializers.IntegerField):
    """How many images: an integer or a string of ASCII digits; 0 means 1."""

    @override
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.isascii() and data.isdigit():
            data = int(data[-MAX_DIGITS:]) if len(data.lstrip("0")) <= MAX_DIGITS else MAX_COUNT + 1
        if isinstance(data, bool) or not isinstance(data, int):
            _refuse(self, "invalid_type", "n must be an integer.")
        if not 0 <= data <= MAX_COUNT:
            _refuse(self, "invalid_value", f"n must be between 1 and {MAX_COUNT}.")
        return data or 1


class TextOrObjectField(serializers.JSONField):
    """A string or an object, sent on unchanged."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            _refuse(self, "invalid_type", f"{self.field_name} must be a string or an object.")
        if self.field_name != "mask" and len(json.dumps(data)) > MAX_PASSED_ON_CHARS:
            _refuse(self, "string_above_max_length", f"{self.field_name} is too long.")
        return data


class ImageField(serializers.JSONField):
    """A reference image: a string, an object, or an array of these."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        for item in data if isinstance(data, list) else [data]:
            if not isinstance(item, str | dict):
                _refuse(
                    self,
                    "invalid_type",
                    f"{self.field_name} must be a string, an object or an array of these.",
                )
        return data


def _optional(field: type[Any], help_text: str, **kwargs: Any) -> Any:
    return field(required=False, allow_null=True, help_text=help_text, **kwargs)


class GenerationRequest(serializers.Serializer[Any]):
    """The body of POST /v1/images/generations."""

    model = TextField(
        required=True, allow_null=True, help_text="Public model name. The slash form has a default."
    )
    prompt = _optional(TextField, "What the image should show. Required, not blank.")
    n = _optional(CountField, "How many images, 1 to 10. Default 1.")
    size = _optional(TextField, "`WxH`, a preset such as `16:9`, or `auto` where the model has it.")
    quality = _optional(TextField, "low, medium, high or auto; standard or hd for dall-e.")
    response_format = _optional(
        WordField, "How images are answered.", words=("url", "b64_json", "base64")
    )
    style = _optional(TextOrObjectField, "Sent to the upstream unchanged.")
    background = _optional(TextOrObjectField, "Sent to the upstream unchanged.")
    watermark = _optional(FlagField, "Absent, true and false are three different things.")
    image = _optional(ImageField, "Reference image: base64, data URI, or an object with one.")
    mask = _optional(TextOrObjectField, "As OpenAI.")
    output_format = _optional(
        WordField, "Format of the bytes. Default png.", words=("png", "jpeg", "webp")
    )
    output_compression = _optional(NumberField, "0 to 100, for jpeg and webp.", least=0, most=100)
    user = _optional(TagField, "Your own tag for the end user.")
    safety_identifier = _optional(TagField, "As OpenAI.")
    moderation = _optional(WordField, "As OpenAI.", words=("auto", "low"))
    stream = _optional(FlagField, "Answer as server-sent events.")
    partial_images = _optional(NumberField, "0 to 3, with stream.", least=0, most=3)
    input_fidelity = _optional(WordField, "As OpenAI.", words=("high", "low"))
    strict_size = _optional(
        FlagField, "Refuse, and pay nothing for, an image of another size than asked for."
    )


def parse(body: Mapping[str, Any], *, default_model: str | None) -> dict[str, Any]:
    """The request's fields with their types checked, nulls dropped. Raises InvalidRequest."""
    fields = _fields()
    values = {name: value for name, value in body.items() if value is not None}
    if values.get("model") in (None, "") and default_model:
        values["model"] = default_model
    if values.get("model") in (None, ""):
        raise InvalidRequest(
            "The model is missing. GET /v1/models lists what this key may call.",
            code="missing_required_parameter",
            param="model",
        )
    for name in body:
        if name not in fields:
            raise InvalidRequest(
                _unknown(name, tuple(fields)), code="unknown_parameter", param=name[:100]
            )
    return {name: fields[name].to_internal_value(value) for name, value in values.items()}


@cache
def _fields() -> Mapping[str, serializers.Field[Any, Any, Any, Any]]:
    """The fields keep nothing of a request, so one set serves all; DRF copies them each time."""
    return GenerationRequest().fields


def _unknown(name: str, known: tuple[str, ...]) -> str:
    nearest = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else f" Known: {', '.join(known)}."
    return f"Unknown parameter: {name[:100]!r}.{hint}"
