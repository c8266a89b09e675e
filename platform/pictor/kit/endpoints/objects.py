"""Answers under /v1: objects that render and describe themselves.

An `ApiObject` is the only definition of an answer. `render` makes a value's JSON object from the
attributes that the fields' `source` name; the OpenAPI document uses the same fields. One object
serves all threads, because rendering only reads it (ADR 0011 has the costs).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, ClassVar

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.words.errors import ERROR_TYPES
from pictor.kit.words.money import to_decimal


class ApiObject(serializers.Serializer[Any]):
    """A JSON object. A field with `required=False` is left out where the value has None."""

    example: ClassVar[Mapping[str, Any]] = {}
    """Example for the OpenAPI document."""

    @override
    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = {}
        for name, source, draw, may_be_left_out in self._renderers:
            try:
                value = _value_at(source, instance)
            except (KeyError, AttributeError):
                if not may_be_left_out:
                    raise
                continue
            if value is not None:
                shown[name] = draw(value)
            elif not may_be_left_out:
                shown[name] = None
        return shown

    @cached_property
    def _renderers(self) -> Sequence[tuple[str, Sequence[str], Callable[[Any], Any], bool]]:
        """Name, source and renderer of each readable field, and whether None leaves it out.

        DRF works these out again for every value, which takes twice the CPU.
        """
        return [
            (
                str(field.field_name),
                field.source_attrs,
                field.to_representation,
                not field.required and not field.read_only,
            )
            for field in self._readable_fields
        ]

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        """Return a value's JSON object."""
        return _shared_object(cls).to_representation(value)


def _value_at(source: Sequence[str], instance: Any) -> Any:
    """Return the value at a field's source. Raises KeyError or AttributeError if missing."""
    for name in source:
        instance = instance[name] if _is_mapping(instance.__class__) else getattr(instance, name)
    return instance


@cache
def _is_mapping(kind: type) -> bool:
    return issubclass(kind, Mapping)


@cache
def _shared_object(kind: type[ApiObject]) -> ApiObject:
    return kind()


DOLLARS = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{6}$"}


@extend_schema_field(DOLLARS)
class Usd(serializers.Field[Any, Any, str, Any]):
    """Micro-USD as USD with six decimals: 10_250_000 -> '10.250000'."""

    @override
    def to_representation(self, value: int) -> str:
        return to_decimal(value)


@extend_schema_field({"type": "integer"})
class UnixSeconds(serializers.Field[Any, Any, int, Any]):
    """A time in Unix seconds."""

    @override
    def to_representation(self, value: datetime) -> int:
        return int(value.timestamp())


class Constant(serializers.Field[Any, Any, Any, Any]):
    """The same JSON value in every answer, such as the `object` of an object."""

    def __init__(self, value: Any) -> None:
        self._value = value
        super().__init__(source="*", read_only=True)
        words = {"type": "array", "items": {"type": "string", "enum": value}}
        set_override(self, "field", words if isinstance(value, list) else {"const": value})

    @override
    def to_representation(self, value: Any) -> Any:
        return self._value


class ErrorDetail(ApiObject):
    """The error."""

    message = serializers.CharField(help_text="One or two sentences for a person.")
    type = serializers.ChoiceField(choices=ERROR_TYPES)
    param = serializers.CharField(allow_null=True, help_text="The field at fault.")
    code = serializers.CharField(allow_null=True, help_text="The error code, for programs.")


class ErrorAnswer(ApiObject):
    """Every error, in OpenAI's shape."""

    error = ErrorDetail()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, newest first, and their public ids."""

    data: Sequence[Any]
    ids: Sequence[str]
    has_more: bool
    last_looked_at: str | None = None
    """The id of the last row that a filter looked at, if the page could not be filled."""

    @classmethod
    def of(cls, found: Sequence[Any], limit: int, shown: Callable[[Any], Any]) -> "Page":
        """Make a page of rows with public ids; a row beyond the limit means there are more."""
        rows = found[:limit]
        return cls(
            [shown(row) for row in rows], [row.public_id for row in rows], len(found) > limit
        )

    @property
    def first_id(self) -> str | None:
        """Id of the newest row."""
        return self.ids[0] if self.ids else None

    @property
    def last_id(self) -> str | None:
        """Id of the oldest row, after which the next page begins."""
        return self.last_looked_at or (self.ids[-1] if self.ids else None)


class PageObject(ApiObject):
    """A page, newest first. Each list says what its `data` is."""

    object = Constant("list")
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()

    @override
    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {"object": fields.pop("object"), "data": fields.pop("data"), **fields}


def page_example(element: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the example of a page with a single row, for the OpenAPI document."""
    ids = {"first_id": element["id"], "last_id": element["id"]}
    return {"object": "list", "data": [element], **ids, "has_more": False}
