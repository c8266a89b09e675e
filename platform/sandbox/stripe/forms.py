"""Parameters: `a[b][0]=c` as nested dictionaries and lists."""

import re
from collections.abc import Iterable
from typing import Any

Params = dict[str, Any]


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """The parameters of a form or a query; a name that is a value and a place is a ValueError."""
    root: Params = {}
    for name, value in pairs:
        key, *rest = re.split(r"\]?\[", name.removesuffix("]"))
        place = root
        for word in rest:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ValueError(name)  # noqa: TRY004 - of the caller, not of ours
            key = word or str(len(place))  # `types[]=` takes the next place
        place[key] = value
    return {key: _with_lists(value) for key, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if all(key == str(index) for index, key in enumerate(value)):
        return [_with_lists(item) for item in value.values()]
    return {key: _with_lists(item) for key, item in value.items()}


def taken(params: Params, names: str) -> Params:
    """The parameters of these names, None where one was not sent."""
    return {name: params.get(name) or None for name in names.split()}


def is_on(params: Params, name: str) -> bool:
    """True if `name[enabled]` is true."""
    return (params.get(name) or {}).get("enabled") == "true"


def metadata(params: Params, old: dict[str, str] | None = None) -> dict[str, str]:
    """Metadata after a call: an empty value takes its name away, an empty text takes all."""
    new = params.get("metadata", {})
    if new == "":
        return {}
    return {name: value for name, value in {**(old or {}), **dict(new)}.items() if value != ""}
