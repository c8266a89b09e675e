"""Query strings, parsed and documented by the same fields. Raises InvalidRequest."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.endpoints.bodies import ApiBody
from pictor.kit.words import ids
from pictor.kit.words.errors import InvalidRequest, unknown

MAX_PAGE = 100
DEFAULT_PAGE = 20


class ApiQuery(serializers.Serializer[Any]):
    """The parameters that an operation takes, and no others.

    A filter that is not there would answer everything to who believes in it.
    """

    @classmethod
    def parse(cls, sent: Mapping[str, str]) -> dict[str, Any]:
        """Return the value of every field, or its `default` if it was not given."""
        fields = _fields(cls)
        for name in sent:
            if name not in fields:
                raise unknown(name, fields)
        return {
            name: field.to_internal_value(sent[name]) if name in sent else field.default
            for name, field in fields.items()
        }


class NoQuery(ApiQuery):
    """The query of a list without filters and pages."""


@cache
def our_names() -> frozenset[str]:
    """Return the names of all fields that operations take in a body, a form or a query."""
    import_module(settings.API_URLCONF)  # defines every body and query
    kinds: list[type[serializers.Serializer[Any]]] = [ApiBody, ApiQuery]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return frozenset(name for kind in kinds for name in dict(kind().fields))


@cache
def _fields(kind: type[ApiQuery]) -> Mapping[str, serializers.Field[Any, Any, Any, Any]]:
    return kind().fields


class PageLimitField(serializers.IntegerField):
    """The most rows of a page."""

    def __init__(self, default: int = DEFAULT_PAGE) -> None:
        super().__init__(
            default=default, min_value=1, max_value=MAX_PAGE, help_text="Rows of a page."
        )

    @override
    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch("[1-9][0-9]?|100", data, re.ASCII):
            raise InvalidRequest("limit must be between 1 and 100.", param="limit")
        return int(data)


class OneWordField(serializers.ChoiceField):
    """A filter by one of some words; without it, any."""

    def __init__(self, choices: Sequence[str], help_text: str) -> None:
        super().__init__(choices=choices, default=None, help_text=help_text)

    @override
    def to_internal_value(self, data: Any) -> str:
        if data not in self.choices:
            words = ", ".join(self.choices)
            raise InvalidRequest(
                f"{self.field_name} must be one of {words}.", param=self.field_name
            )
        return str(data)


class AfterField(serializers.CharField):
    """The id after which a page begins: `kind` is its prefix, `what` names the object."""

    def __init__(self, kind: str, what: str) -> None:
        self._kind, self._what = kind, what
        super().__init__(default=None, help_text="An id; exclusive.")
        set_override(self, "field", {"type": "string", "pattern": ids.pattern(kind)})

    @override
    def to_internal_value(self, data: Any) -> UUID:  # type: ignore[override]  # ids are UUIDs here
        parsed = ids.parse(self._kind, data)
        if parsed is None:
            raise InvalidRequest(f"after must be the id of {self._what}.", param="after")
        return parsed
