"""What comes in a JSON body: parsed and documented by the same fields. Raises InvalidRequest.

A field that is null counts as absent, but for bodies that say otherwise. Every refusal names its
field; an unknown field is refused with the nearest known name.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, NoReturn

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.bytes.multipart import REPEATED, Form, FormFile
from pictor.kit.words.errors import InvalidRequest
from pictor.kit.words.money import Micros, from_decimal

MAX_TAG_CHARS = 1000
MAX_WORDS = 100
LIKENESS = 0.75
"""Of a misspelt name: 'promt' is as like 'prompt', and 'seed' is not as like 'user'."""
_DIGITS = re.compile("[0-9]{1,9}", re.ASCII)
LATEST = 4_102_444_800
"""The year 2100, in Unix seconds."""


class ApiBody(serializers.Serializer[Any]):
    """The JSON object that an operation takes."""

    example: ClassVar[Mapping[str, Any]] = {}
    """One as the OpenAPI document shows it."""
    together: ClassVar[Mapping[str, Any]] = {}
    """What of JSON Schema holds for its fields together, in the document."""
    is_form = False
    """Whether it comes as multipart/form-data, which has no nulls."""
    null_counts = False
    """Whether a field that is null is one that was given, as None."""

    @classmethod
    def parse_form(cls, form: Form) -> dict[str, Any]:
        """The same of a form: its text by each field's type; empty text counts as null.

        A file is a FormFile, several of one name are a list.
        """
        fields = _fields(cls)
        given: dict[str, Any] = {
            name: from_text(fields.get(name), text) if text else None
            for name, text in form.texts.items()
        }
        for name, files in form.files.items():
            given[name] = files if name.endswith(REPEATED) else files[0]
        return cls.parse(given)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that were given, with their types checked; nulls are dropped, or None."""
        fields = _fields(cls)
        values = {
            name: value for name, value in given.items() if value is not None or cls.null_counts
        }
        for name in given:
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
    """The fields keep nothing of a request, so one set serves all; DRF copies them each time."""
    return dict(kind().fields)


def unknown(name: str, known: Iterable[str]) -> InvalidRequest:
    """What refuses a name that is none of these, with the one that may have been meant."""
    names = [*known]
    nearest = difflib.get_close_matches(name[:100], names, n=1, cutoff=LIKENESS)
    there = f"Known: {', '.join(names)}." if names else "None is taken here."
    hint = f" Did you mean {nearest[0]!r}?" if nearest else f" {there}"
    message = f"Unknown parameter: {name[:100]!r}.{hint}"
    return InvalidRequest(message, code="unknown_parameter", param=name[:100])


def from_text(field: serializers.Field[Any, Any, Any, Any] | None, text: str) -> Any:
    """What a form's text is where its field is a flag or a number; other text stays as it is."""
    if isinstance(field, FlagField):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(field, NumberField) and _DIGITS.fullmatch(text):
        return int(text)
    return text


def optional(field: type[Any], help_text: str, **kwargs: Any) -> Any:
    """A field that may be absent or null."""
    return field(required=False, allow_null=True, help_text=help_text, **kwargs)


def of_these(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of these properties, among others: for the conditions of a schema that has those.

    Linters that refuse what a schema does not name take each condition for a schema of its own.
    """
    return {"properties": {**properties}, "additionalProperties": True}


def refuse(field: serializers.Field[Any, Any, Any, Any], code: str, message: str) -> NoReturn:
    """Raise InvalidRequest for a field."""
    raise InvalidRequest(message, code=code, param=field.field_name)


class TextField(serializers.CharField):
    """A JSON string, as it came: not stripped, not converted from a number."""

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            refuse(self, "invalid_type", f"{self.field_name} must be a string.")
        if "\x00" in data:
            refuse(self, "invalid_value", f"{self.field_name} must not contain NUL characters.")
        return data


class TagField(TextField):
    """A short string of the caller's own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TAG_CHARS, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if len(text) > MAX_TAG_CHARS:
            refuse(
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
    """A JSON boolean, and nothing that merely looks like one."""

    @override
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            refuse(self, "invalid_type", f"{self.field_name} must be true or false.")
        return data


def whole(number: Any) -> Any:
    """An integer for a number that is one to JSON Schema, such as 1.0; anything else as it is."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class NumberField(serializers.IntegerField):
    """A JSON integer from `least` to `most`, with or without a point."""

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
        if not isinstance(data, list) or not all(isinstance(one, FormFile) for one in data):
            refuse(self, "invalid_type", f"{self.field_name} must be files.")
        return data


class WordsField(serializers.ListField):
    """A JSON array of strings, each once; of `words`, where they are given."""

    def __init__(self, *, words: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.words = words
        child = serializers.ChoiceField(choices=words) if words else serializers.CharField()
        super().__init__(child=child, min_length=1, max_length=MAX_WORDS, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(word, str) for word in data):
            refuse(self, "invalid_type", f"{self.field_name} must be an array of strings.")
        if not 0 < len(data) <= MAX_WORDS or any("\x00" in word for word in data):
            refuse(self, "invalid_value", f"{self.field_name} must have 1 to {MAX_WORDS} words.")
        if self.words and (unknown := [word for word in data if word not in self.words]):
            refuse(
                self,
                "invalid_value",
                f"{self.field_name} has {unknown[0][:100]!r}; there are {', '.join(self.words)}.",
            )
        return list(dict.fromkeys(data))


class MomentField(NumberField):
    """A moment in Unix seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(least=0, most=LATEST, **kwargs)

    @override
    def to_internal_value(self, data: Any) -> datetime:  # type: ignore[override]  # a moment here
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
