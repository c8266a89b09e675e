"""JSON bodies, parsed and documented by the same fields. Raises InvalidRequest.

A null field counts as absent, unless the body sets `null_counts`. Every refusal names its field; an
unknown field is refused with the nearest known name.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, NoReturn

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.bytes.multipart import REPEATED, Form, FormFile, FormText
from pictor.kit.words.errors import InvalidRequest, unknown
from pictor.kit.words.money import Micros, from_decimal

MAX_TAG_CHARS = 1000
MAX_LIST_ENTRIES = 100
_DIGITS = re.compile("[0-9]{1,9}", re.ASCII)
MAX_UNIX_SECONDS = 4_102_444_800
"""The year 2100, in Unix seconds."""


class ApiBody(serializers.Serializer[Any]):
    """The JSON object that an operation takes."""

    example: ClassVar[Mapping[str, Any]] = {}
    """Example for the OpenAPI document."""
    together: ClassVar[Mapping[str, Any]] = {}
    """JSON Schema for the fields together, for the document."""
    is_form = False
    """True if it comes as multipart/form-data, which has no nulls."""
    null_counts = False
    """True if a null field counts as given, with the value None."""

    @classmethod
    def parse_form(cls, form: Form) -> dict[str, Any]:
        """Parse a form: texts are converted by their field's type, and empty text counts as null.

        A file becomes a FormFile, and the files of a repeated field become a list.
        """
        fields = _fields(cls)
        sent: dict[str, Any] = {
            name: from_text(fields.get(name), text) if text else None
            for name, text in form.texts.items()
        }
        for name, files in form.files.items():
            sent[name] = files if name.endswith(REPEATED) else files[0]
        return cls.parse(sent)

    @classmethod
    def knows(cls, name: str) -> bool:
        """True if the body has a field of that name."""
        return name in _fields(cls)

    @classmethod
    def parse(cls, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the given fields, with their types checked; nulls are dropped, or become None."""
        fields = _fields(cls)
        values = {
            name: value for name, value in sent.items() if value is not None or cls.null_counts
        }
        for name in sent:
            if name not in fields:
                raise unknown(name, fields)
        for name, field in fields.items():
            if field.required and name not in values:
                raise InvalidRequest(
                    f"{name} is missing.", code="missing_required_parameter", param=name
                )
            if name in values and values[name] is None and not field.allow_null:
                refuse(field, "invalid_type", f"{name} must not be null.")
        return {
            name: None if value is None else fields[name].to_internal_value(value)
            for name, value in values.items()
        }


@cache
def _fields(kind: type[ApiBody]) -> Mapping[str, serializers.Field[Any, Any, Any, Any]]:
    """Return one shared set of fields: they hold no request's state, and DRF would copy them."""
    return dict(kind().fields)


def from_text(field: serializers.Field[Any, Any, Any, Any] | None, text: str) -> Any:
    """Convert a form's text for a flag or a number; other text is returned unchanged.

    That of an unknown field is a FormText.
    """
    if field is None:
        return FormText(text)
    if isinstance(field, FlagField):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(field, NumberField) and _DIGITS.fullmatch(text):
        return int(text)
    return text


def optional(field: type[Any], help_text: str, **kwargs: Any) -> Any:
    """Return a field that may be absent or null."""
    return field(required=False, allow_null=True, help_text=help_text, **kwargs)


def of_these(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema of these properties that allows others, for the conditions of a schema.

    Linters treat each condition as a complete schema and refuse properties that it does not name.
    """
    return {"properties": {**properties}, "additionalProperties": True}


def refuse(field: serializers.Field[Any, Any, Any, Any], code: str, message: str) -> NoReturn:
    """Raise InvalidRequest for a field."""
    raise InvalidRequest(message, code=code, param=field.field_name)


class TextField(serializers.CharField):
    """A JSON string of at most `max_length`, unchanged: not stripped, not made from a number."""

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            refuse(self, "invalid_type", f"{self.field_name} must be a string.")
        if "\x00" in data:
            refuse(self, "invalid_value", f"{self.field_name} must not contain NUL characters.")
        if self.max_length is not None and len(data) > self.max_length:
            refuse(
                self,
                "string_above_max_length",
                f"{self.field_name} must have at most {self.max_length} characters.",
            )
        return data


class TagField(TextField):
    """A short string that the caller chooses."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TAG_CHARS, **kwargs)


class WordField(TextField):
    """One of a few words."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)
        null = [None] if self.allow_null else []
        set_override(self, "field", {"type": "string", "enum": [*words, *null]})

    @override
    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.words:
            refuse(
                self, "invalid_value", f"{self.field_name} must be one of {', '.join(self.words)}."
            )
        return word


class FlagField(serializers.BooleanField):
    """A JSON boolean, without conversion from other types."""

    @override
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            refuse(self, "invalid_type", f"{self.field_name} must be true or false.")
        return data


def whole(number: Any) -> Any:
    """Return a float such as 1.0, an integer to JSON Schema, as int; other values unchanged."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class NumberField(serializers.IntegerField):
    """A JSON integer from `least` to `most`; 1.0 is one."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(min_value=least, max_value=most, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> int:
        data = whole(data)
        if isinstance(data, bool) or not isinstance(data, int):
            refuse(self, "invalid_type", f"{self.field_name} must be an integer.")
        if not self.least <= data <= self.most:
            refuse(
                self,
                "invalid_value",
                f"{self.field_name} must be between {self.least} and {self.most}.",
            )
        return data


@extend_schema_field({"type": "string", "format": "binary"})
class FileField(serializers.Field[Any, Any, Any, Any]):
    """A file of a form."""

    @override
    def to_internal_value(self, data: Any) -> FormFile:
        if not isinstance(data, FormFile):
            refuse(self, "invalid_type", f"{self.field_name} must be a file.")
        return data


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "binary"}})
class FilesField(serializers.Field[Any, Any, Any, Any]):
    """Several files of a form."""

    @override
    def to_internal_value(self, data: Any) -> list[FormFile]:
        if not isinstance(data, list) or not all(isinstance(value, FormFile) for value in data):
            refuse(self, "invalid_type", f"{self.field_name} must be files.")
        return data


class WordsField(serializers.ListField):
    """A JSON array of strings, from `words` if given; duplicates are dropped."""

    def __init__(self, *, words: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.words = words
        child = serializers.ChoiceField(choices=words) if words else serializers.CharField()
        super().__init__(child=child, min_length=1, max_length=MAX_LIST_ENTRIES, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(word, str) for word in data):
            refuse(self, "invalid_type", f"{self.field_name} must be an array of strings.")
        if not 0 < len(data) <= MAX_LIST_ENTRIES or any("\x00" in word for word in data):
            refuse(
                self, "invalid_value", f"{self.field_name} must have 1 to {MAX_LIST_ENTRIES} words."
            )
        if self.words and (unknown := [word for word in data if word not in self.words]):
            refuse(
                self,
                "invalid_value",
                f"{self.field_name} has {unknown[0][:100]!r}; it accepts {', '.join(self.words)}.",
            )
        return list(dict.fromkeys(data))


class UnixTimeField(NumberField):
    """A time in Unix seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(least=0, most=MAX_UNIX_SECONDS, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> datetime:  # type: ignore[override]  # a time here
        return datetime.fromtimestamp(super().to_internal_value(data), UTC)


class UsdField(TextField):
    """USD as a string with at most six decimals, 0 or more; its value is micros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pattern = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"
        set_override(self, "field", {"type": "string", "pattern": pattern})

    @override
    def to_internal_value(self, data: Any) -> Micros:  # type: ignore[override]  # micros here
        text = super().to_internal_value(data)
        try:
            amount = from_decimal(text)
        except ValueError as error:
            refuse(self, "invalid_value", f"{self.field_name}: {error}.")
        if amount < 0:
            refuse(self, "invalid_value", f"{self.field_name} must be 0 or more.")
        return amount
