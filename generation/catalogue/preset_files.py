"""A preset as a TOML file: how an account at a vendor is connected, without its key. Pure.

    about = "Fox Labs' own API"
    kind = "openai"
    base_url = "https://{resource}.foxlabs.example/v1"
    settings = { max_n = "1" }
    costs = "foxlabs"

    [routes."fox-1"]
    upstream_model = "fox-large"

What only the operator knows stands in braces. docs/models.md lists all keys.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.catalogue.toml_files import BadToml, document_of, key_of
from pictor.kit.words import typed

_OPTIONS: Mapping[str, type] = {
    "kind": str,
    "base_url": str,
    "settings": dict,
    "sizes": list,
    "ignored_fields": list,
    "refused_tasks": list,
    "max_images": int,
    "timeout_seconds": int,
    "queue_seconds": int,
    "retry_is_free": bool,
}
"""Options of a channel, by the names that they have there."""
_MAP = "field_map"
"""Its kind checks what it holds."""
_ROUTE: Mapping[str, type] = {
    "upstream_model": str,
    "sizes": list,
    "words": dict,
    "cost": str,
    _MAP: dict,
}
_COLUMNS = {"words": "quality_map", "cost": "cost_micros"}
_KEYS = {"about": str, "costs": str, "routes": dict, **_OPTIONS}
_NEEDED = ("about", "kind", "base_url")
_SECRETS = ("api_key", "credentials")
_TYPES = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset.

    Attributes:
        about: a line for people who choose one.
        options: of the channel, by the names that they have there.
        routes: columns of each route, by our model.
        costs: the name of published costs, empty for none.
    """

    name: str
    about: str
    kind: str
    options: Mapping[str, Any]
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    costs: str = ""


def read(name: str, text: str) -> Preset:
    """Read a file. Its kind checks the rest when a channel is written. Raises BadToml."""
    document = document_of(text)
    routes = document.get("routes", {})
    faults = [*_faults("", {**document, "routes": {}}, _KEYS, _NEEDED)]
    if not isinstance(routes, dict):
        raise BadToml([*faults, "routes must be a table"])
    columns = {
        model: _columns(f"routes.{key_of(model)}", routes[model], faults) for model in routes
    }
    if faults:
        raise BadToml(faults)
    options = {key: document[key] for key in _OPTIONS if key in document}
    return Preset(
        name, document["about"], document["kind"], options, columns, document.get("costs", "")
    )


def _columns(path: str, row: object, faults: list[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        faults.append(f"{path} must be a table")
        return {}
    found = [*_faults(f"{path}.", row, _ROUTE, ["upstream_model"])]
    columns: dict[str, Any] = {_COLUMNS.get(key, key): row[key] for key in map(str, row)}
    if "cost" in row and not found:
        try:
            columns["cost_micros"] = typed.amount(row["cost"])
        except ValueError as error:
            found.append(f"{path}.cost: {error}")
    faults += found
    return columns


def _faults(
    path: str, table: Mapping[str, Any], known: Mapping[str, type], needed: Collection[str]
) -> Iterator[str]:
    yield from (f"{path}{key} is missing" for key in needed if key not in table)
    for key, value in table.items():
        if key in _SECRETS:
            yield f"{path}{key}: a preset holds no key; give it as --api-key"
        elif key not in known:
            yield f"{path}{key_of(key)} is no key of a preset"
        elif type(value) is not known[key]:
            yield f"{path}{key} must be {_TYPES[known[key]]}"
        elif key != _MAP and not all(isinstance(part, str) for part in _parts(value)):
            yield f"{path}{key} must be {_TYPES[known[key]]} of texts"


def _parts(value: object) -> Collection[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
