"""A preset as a TOML file: how an account at a vendor is connected, without its key. Pure.

    about = "Fox Labs' own API"
    kind = "openai"
    base_url = "https://{resource}.foxlabs.example/v1"
    settings = { max_n = "1" }

    [routes."fox-1"]
    upstream_model = "fox-large"

What only the operator knows stands in braces. docs/models.md lists all keys.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generation.catalogue.toml_files import BadToml, document_of, key_of
from pictor.kit.words import typed

_OPTIONS: Mapping[str, type] = {
    "kind": str, "base_url": str, "settings": dict, "sizes": list, "ignored_fields": list,
    "refused_tasks": list, "max_images": int, "timeout_seconds": int, "queue_seconds": int,
    "retry_is_free": bool,
}  # fmt: skip
"""Options of a channel, by the names that they have there."""
_FILE: Mapping[str, type] = {"about": str, "costs": str, "routes": dict, **_OPTIONS}
_ROUTE: Mapping[str, type] = {
    "upstream_model": str, "sizes": list, "words": dict, "cost": str, "field_map": dict,
}  # fmt: skip
_COLUMNS = {"words": "quality_map", "cost": "cost_micros"}
_NEEDED = ("about", "kind", "base_url")
_NESTED = ("routes", "field_map")
_TYPES = {str: "a text", int: "a whole number", bool: "true or false", list: "a list of texts",
          dict: "a table of texts"}  # fmt: skip


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
    options: Mapping[str, Any]
    routes: Mapping[str, Mapping[str, Any]]
    costs: str


def read(name: str, text: str) -> Preset:
    """Read a file. Its kind checks the rest when a channel is written. Raises BadToml."""
    document = document_of(text)
    faults = [*_faults("", document, _FILE, _NEEDED)]
    routes = {} if faults else document.get("routes", {})
    for model, row in routes.items():
        faults += _faults(f"routes.{key_of(model)}.", row, _ROUTE, ("upstream_model",))
    if faults:
        raise BadToml(faults)
    options = {key: document[key] for key in _OPTIONS if key in document}
    columns = {model: _columns(model, row) for model, row in routes.items()}
    return Preset(name, document["about"], options, columns, document.get("costs", ""))


def _columns(model: str, row: Mapping[str, Any]) -> dict[str, Any]:
    columns = {_COLUMNS.get(key, key): value for key, value in row.items()}
    readers = (("cost", "cost_micros", typed.amount), ("field_map", "field_map", typed.storable))
    for key, column, reader in readers:
        if key in row:
            try:
                columns[column] = reader(row[key])
            except ValueError as error:
                raise BadToml([f"routes.{key_of(model)}.{key}: {error}"]) from None
    return columns


def _faults(
    path: str, table: object, known: Mapping[str, type], needed: tuple[str, ...]
) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"{path.rstrip('.')} must be a table"
        return
    yield from (f"{path}{key} is missing" for key in needed if key not in table)
    for key, value in table.items():
        if key in {"api_key", "credentials"}:
            yield f"{path}{key}: a preset holds no key; give it as --api-key"
        elif key not in known:
            yield f"{path}{key_of(key)} is no key of a preset"
        elif type(value) is not known[key] or not (key in _NESTED or _holds_texts(value)):
            yield f"{path}{key} must be {_TYPES[known[key]]}"


def _holds_texts(value: object) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(isinstance(part, str) for part in parts)
