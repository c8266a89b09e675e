"""A request's body, and strict reading of its JSON.

The body gate gives the views a `Body`: the JSON with placeholders for long strings, and those
strings as spools; or a form (kit/bytes/multipart.py). `Body.fields()` reads the JSON. It refuses
everything that a lenient parser accepts and a database or an upstream does not: duplicate keys,
NaN, endless numbers, lone surrogates, nesting deeper than 32, encodings other than UTF-8.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pictor.kit.bytes.json_stream import MAX_DEPTH
from pictor.kit.bytes.multipart import Form
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words.errors import InvalidRequest

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST = 10**20
_MAX_DIGITS = 1000
"""Longest number that is parsed; one above _LARGEST is then refused with its field's name."""
MAX_SHORT_BYTES = 16 * 1024


class RawSink:
    """Writes one long JSON string, unescaped, into a spool."""

    def __init__(self, spool: SpoolFile) -> None:
        self.spool = spool

    def write(self, data: bytes) -> None:
        """Append."""
        self.spool.write(data)

    def finish(self) -> None:
        """Do nothing; the spool is complete."""


@dataclass
class Body:
    """A request's JSON with long strings replaced, and those strings as spools, in order.

    On the few paths that accept a form, `form` may replace both.
    """

    skeleton: bytes = b""
    long_strings: list[RawSink] = field(default_factory=list)
    index_of: Callable[[object], int | None] = lambda text: None
    form: Form | None = None

    @property
    def is_short(self) -> bool:
        """True if it is short enough to be parsed on an event loop."""
        return self.form is None and len(self.skeleton) <= MAX_SHORT_BYTES

    def fields(self) -> dict[str, Any]:
        """Return the JSON object. Raises InvalidRequest, `invalid_json` unless it names a field."""
        if not self.skeleton.strip():
            raise _invalid_json("The body is empty: send a JSON object.")
        value = _parse(self.skeleton)
        if not isinstance(value, dict):
            raise _invalid_json("The body must be a JSON object.")
        _check_depth(value)
        for name, item in value.items():
            check_text(name, name)
            check_text(item, name)
        return value

    def short_fields(self) -> dict[str, Any]:
        """Return the JSON object for an endpoint without images. Long strings are refused too."""
        fields = self.fields()
        for name, value in fields.items():
            if self.index_of(value) is not None:
                message = f"{name[:100]} is too long."
                raise InvalidRequest(message, code="string_above_max_length", param=name[:100])
        if self.long_strings:
            raise InvalidRequest("A string is too long.", code="string_above_max_length")
        return fields


def _invalid_json(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_json")


def _parse(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8"),
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_real,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise _invalid_json("The body is not UTF-8.") from None
    except RecursionError:
        raise _invalid_json(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:
        raise _invalid_json(f"The body is not JSON: {_reason(error)}.") from None


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return str(error)


def _constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number has more than {_MAX_DIGITS} digits")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("an object has the same key twice")
    return fields


def _check_depth(value: Any) -> None:
    """Refuse deep nesting, level by level, so that no input can exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise _invalid_json(f"The body is nested deeper than {MAX_DEPTH} levels.")


def is_storable(text: str) -> bool:
    """True if a database can hold the text."""
    return "\x00" not in text and not _SURROGATE.search(text)


def check_text(value: Any, param: str) -> None:
    """Raise InvalidRequest with `param` for text and numbers that a database cannot hold."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if not is_storable(item):
                raise InvalidRequest(
                    "Text must not contain NUL characters or lone surrogates.",
                    param=_SURROGATE.sub("?", param)[:100],
                )
        elif isinstance(item, int) and abs(item) > _LARGEST:
            raise InvalidRequest(
                "A number must have at most 20 digits.", param=_SURROGATE.sub("?", param)[:100]
            )
        elif isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            stack += item
