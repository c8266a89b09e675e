"""Parameters: `a[b][0]=c` as nested dictionaries and lists, and values read from them."""

import re
from collections.abc import Iterable
from typing import Any

from sandbox.stripe import refusals

Params = dict[str, Any]


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """The parameters of a form or a query."""
    root: Params = {}
    for name, value in pairs:
        first, *rest = re.split(r"\]?\[", name.removesuffix("]"))
        place, key = root, first
        for word in rest:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise refusals.invalid(name, "Invalid hash", "parameter_invalid_hash")
            key = word or str(len(place))  # `types[]=` takes the next place
        place[key] = value
    return {key: _with_lists(value) for key, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if all(key == str(index) for index, key in enumerate(value)):
        return [_with_lists(item) for item in value.values()]
    return {key: _with_lists(item) for key, item in value.items()}


def whole(params: Params, name: str, default: int | None = None) -> int:
    """A whole number; without a default it is required."""
    text = params.get(name, default)
    if text is None:
        raise refusals.missing(name)
    try:
        return int(text)
    except (TypeError, ValueError):
        message = f"Invalid integer: {text}"
        raise refusals.invalid(name, message, "parameter_invalid_integer") from None


def required(params: Params, name: str) -> Any:
    """A value that must have been sent."""
    if params.get(name) in (None, ""):
        raise refusals.missing(name)
    return params[name]


def is_on(params: Params, name: str) -> bool:
    """True if `name[enabled]` is true."""
    part = params.get(name)
    return isinstance(part, dict) and part.get("enabled") == "true"


def merged(old: dict[str, str] | None, new: Any) -> dict[str, str]:
    """Metadata after an update: empty values take names away, and an empty one takes all."""
    if new in (None, ""):
        return {} if new == "" else dict(old or {})
    return {name: value for name, value in {**(old or {}), **new}.items() if value != ""}
