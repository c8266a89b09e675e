"""A model as a TOML file: its contract, its prices, and what people read about it. Pure.

    model = "fox-1"
    tasks = ["generate"]
    prompt_max_chars = 4000
    default_size = "1024x1024"
    qualities = ["1K"]
    sizes.list = [{ size = "1024x1024", tier = "1K" }]
    prices.1024x1024 = { 1K = "0.03" }

docs/models.md lists all keys. A file says all: what it leaves out has its default.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from billing.price_rows import ANY, AUTO, INPUT, REFERENCE, BookRow, PriceKey
from billing.pricing import PriceTable
from billing.token_formula import GPT_IMAGE_2
from generation.catalogue.parameters import KEYS
from generation.catalogue.price_terms import price_row, terms_of
from generation.catalogue.toml_files import BadToml, document_of, key_of

MAX_PRICES = 2_000
MAX_SIZES = 200
_NEEDED = object()


class _Key(NamedTuple):
    """A key at the top of a file: the contract's column, its type, and its default if it has one.

    Without a default of its own (None), the column stays as it is.
    """

    column: str
    type: type
    default: Any


_KEYS: Mapping[str, _Key] = {
    "model": _Key("model", str, _NEEDED),
    "maker": _Key("maker", str, ""),
    "about": _Key("about", str, ""),
    "source": _Key("source", str, ""),
    "created": _Key("created", date, None),
    "position": _Key("position", int, None),
    "tasks": _Key("tasks", list, _NEEDED),
    "prompt_max_chars": _Key("prompt_max_chars", int, _NEEDED),
    "max_n": _Key("max_n", int, 1),
    "exact": _Key("is_exact", bool, False),  # noqa: FBT003 - a default
    "auto": _Key("accepts_auto", bool, False),  # noqa: FBT003 - a default
    "ratios": _Key("takes_ratio", bool, False),  # noqa: FBT003 - a default
    "default_size": _Key("default_size", str, _NEEDED),
    "qualities": _Key("qualities", list, _NEEDED),
    "default_quality": _Key("quality_default", str, _NEEDED),
    "aliases": _Key("quality_aliases", dict, {}),
    "formats": _Key("formats", list, ["png", "jpeg", "webp"]),
    "response_format_default": _Key("response_format_default", str, "url"),
    "tokens": _Key("token_rule", str, ""),
    "references": _Key("references", dict, {}),
    "parameters": _Key("parameters", dict, {}),
    "sizes": _Key("sizes", dict, _NEEDED),
    "prices": _Key("prices", dict, {}),
}
KEY_OF: Mapping[str, str] = {
    **{key.column: name for name, key in _KEYS.items()},
    "most_references": "references",
    "size_rule": "sizes.rule",
}
"""The key of a file for a column of Contract."""
_TYPES = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list of texts",
    dict: "a table",
    date: "a date such as 2026-11-30",
}
_TABLES = frozenset({"sizes", "parameters", "prices"})
_SIZE = frozenset({"size", "tier", "ratio", "preset"})


@dataclass(frozen=True, slots=True)
class ModelFile:
    """Columns of Contract, price rows if it has any, and how many sizes are `sizes.list`'s."""

    model: str
    columns: Mapping[str, Any]
    prices: Sequence[BookRow] = ()
    listed: int = field(default=MAX_SIZES, compare=False)


def read(text: str) -> ModelFile:
    """Read a file. The contract's own rules are checked when it is written. Raises BadToml."""
    reader = _Reader()
    file = reader.file_of(document_of(text))
    if reader.faults:
        raise BadToml([*dict.fromkeys(reader.faults)])
    return file


@dataclass(slots=True)
class _Reader:
    faults: list[str] = field(default_factory=list)

    def file_of(self, document: Mapping[str, Any]) -> ModelFile:
        self.faults += [f"{name} is no key of a model's file" for name in document.keys() - _KEYS]
        known = {key.column: self._value(name, key, document) for name, key in _KEYS.items()}
        if self.faults:
            return ModelFile("", {})
        model, prices, references = map(known.pop, ("model", "prices", "references"))
        columns = {column: value for column, value in known.items() if value is not None}
        columns["size_rule"] = columns["sizes"].get("rule")
        columns["sizes"] = self._sizes(columns["sizes"])
        columns["parameters"] = [*self._parameters(columns["parameters"])]
        if created := known["created"]:
            columns["created"] = int(datetime.combine(created, time(), UTC).timestamp())
        rows = [*self._rows(model, prices)]
        if (prices or references.keys() - {"most"}) and not self.faults:
            self._check_cells(model, columns, rows)
        columns["most_references"] = self._most(references)
        if terms := {key: references[key] for key in references if key != "most"}:
            rows += self._row("references", (model, REFERENCE, INPUT), terms)
        self._check_rule(columns, rows)
        return ModelFile(model, columns, rows, len(known["sizes"].get("list", ())))

    def _value(self, name: str, key: _Key, document: Mapping[str, Any]) -> Any:
        value = document.get(name, key.default)
        if value is _NEEDED:
            self.faults.append(f"{name} is missing")
        elif name in document:
            is_right = type(value) is key.type
            if key.type is list:
                is_right = is_right and all(isinstance(word, str) for word in value)
            self.faults += [] if is_right else [f"{name} must be {_TYPES[key.type]}"]
        return value

    def _sizes(self, table: Mapping[str, Any]) -> list[dict[str, str]]:
        known = {"list", "table", "rule"}
        self.faults += [f"sizes.{name} is no key of sizes" for name in table if name not in known]
        rows, by_ratio = table.get("list", []), table.get("table", {})
        if isinstance(rows, list) and isinstance(by_ratio, dict):
            rows = [*rows, *self._of_ratios(by_ratio)]
        if not isinstance(rows, list) or len(rows) > MAX_SIZES:
            self.faults.append(f"sizes.list must be a list of at most {MAX_SIZES} sizes")
            return []
        for place, row in enumerate(rows):
            path = f"sizes.list[{place}]"
            if not isinstance(row, dict) or not all(isinstance(word, str) for word in row.values()):
                self.faults.append(f"{path} must be a table of texts")
            else:
                self.faults += [f"{path}.{name} is no key of a size" for name in row.keys() - _SIZE]
        return [row for row in rows if isinstance(row, dict)]

    def _most(self, references: Mapping[str, Any]) -> int | None:
        most = references.get("most")
        if most is not None and type(most) is not int:
            self.faults.append("references.most must be a whole number")
        return most

    def _of_ratios(self, table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The sizes of a table of ratios and tiers, each with both as its preset."""
        for ratio, sizes in table.items():
            if not isinstance(sizes, dict):
                self.faults.append(f"sizes.table.{key_of(ratio)} must be a table of tiers")
                continue
            for tier, size in sizes.items():
                preset = f"{ratio}({tier})"
                yield {"size": size, "tier": tier, "ratio": ratio, "preset": preset}

    def _parameters(self, table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for name, row in table.items():
            if isinstance(row, dict) and "name" not in row:
                yield {"name": name, **row}
            else:
                self.faults.append(f"parameters.{key_of(name)} must be a table without a name")

    def _rows(self, model: str, table: Mapping[str, Any]) -> Iterator[BookRow]:
        wrong = [size for size, row in table.items() if not isinstance(row, dict)]
        self.faults += [f"prices.{key_of(size)} must be a table of qualities" for size in wrong]
        rows = {size: row for size, row in table.items() if size not in wrong}
        if sum(map(len, rows.values())) > MAX_PRICES:
            self.faults.append(f"prices are more than {MAX_PRICES}")
            return
        for size, row in rows.items():
            for quality, value in row.items():
                yield from self._row(_path(size, quality), (model, size, quality), value)

    def _check_rule(self, columns: Mapping[str, Any], rows: Sequence[BookRow]) -> None:
        if not columns["token_rule"] and any(row.kind == "formula" for row in rows):
            self.faults.append(f'prices by formula or tokens need tokens = "{GPT_IMAGE_2}"')

    def _row(self, path: str, key: PriceKey, value: Any) -> Iterator[BookRow]:
        try:
            yield price_row(key, value if isinstance(value, dict) else {"price": value})
        except ValueError as error:
            self.faults.append(f"{path}: {error}")

    def _check_cells(self, model: str, columns: Mapping[str, Any], rows: Sequence[BookRow]) -> None:
        """Find promised cells without a price, and prices of what is not promised."""
        sizes = [row.get("size", "") for row in columns["sizes"]]
        sizes += [AUTO] if columns["accepts_auto"] else []
        sizes += [ANY] if columns["size_rule"] else []
        words = [word for word in columns["qualities"] if word != AUTO]
        cells = dict.fromkeys((model, size, word) for size in sizes for word in words)
        priced = PriceTable.of_rows(rows)
        promised = {*cells, *((model, ANY, word) for word in words)}
        for _, size, word in sorted({row.key for row in rows} - promised):
            self.faults.append(f"{_path(size, word)}: the model does not promise it")
        for key in cells:
            if priced.row_of(key) is None:
                self.faults.append(f"{_path(*key[1:])} is missing")


def written(file: ModelFile) -> str:
    """The text of a file, which `read` reads back."""
    known = {"model": file.model, **file.columns}
    if "created" in known:
        known["created"] = datetime.fromtimestamp(known["created"], UTC).date()
    prices: dict[str, dict[str, Any]] = {}
    most = known.pop("most_references", None)
    known["references"] = {} if most is None else {"most": most}
    for row in file.prices:
        if row.size == REFERENCE:
            known["references"] |= terms_of(row)
        else:
            terms = terms_of(row)
            prices.setdefault(row.size, {})[row.quality] = (
                terms["price"] if terms.keys() == {"price"} else terms
            )
    lines = [
        f"{name} = {_value(known[key.column])}"
        for name, key in _KEYS.items()
        if key.column not in _TABLES and known.get(key.column, key.default) != key.default
    ]
    lines += ["", "[sizes]", "list = [", *(f"  {_value(row)}," for row in known["sizes"]), "]"]
    if rule := known["size_rule"]:
        lines += [f"rule = {_value(dict(sorted(rule.items())))}"]
    lines += ["", "[parameters]"] if known["parameters"] else []
    for row in known["parameters"]:
        lines.append(f"{row['name']} = {_value({key: row[key] for key in KEYS if key in row})}")
    lines += ["", "[prices]"] if prices else []
    lines += [f"{key_of(size)} = {_value(row)}" for size, row in prices.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case dict():
            pairs = ", ".join(f"{key_of(name)} = {_value(one)}" for name, one in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, ensure_ascii=False)


def _path(size: str, quality: str) -> str:
    return f"prices.{key_of(size)}.{key_of(quality)}"
