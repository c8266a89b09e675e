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


def is_on(params: Params, name: str) -> bool:
    """True if `name[enabled]` is true."""
    return (params.get(name) or {}).get("enabled") == "true"
