"""The API reference: the OpenAPI document as a guide, in words and tables, without a script."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from console.site.guides import ORIGIN, Guide, anchor, rendered
from pictor.kit.words.untyped import Json

MOST_VALUES = 12
"""The most values of a field that its row lists."""
_FIRST = "create_generation"
_BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {} character{}",
    "maxItems": "at most {} item{}",
}  # fmt: skip
_HEAD = """# API reference

Every endpoint, field and answer; programs read the same at [/openapi.json](/openapi.json).

Send `Authorization: Bearer` and a key to the paths below `/v1`. There is a guide to
[errors](/docs/errors/).
"""


@lru_cache(maxsize=1)
def reference_of(document: bytes) -> Guide:
    """Render an OpenAPI document."""
    return rendered("api", "\n".join(_lines(json.loads(document))))


def _lines(document: Json) -> Iterator[str]:
    calls = [
        (f"{method.upper()} {path}", call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    order, schemas = [tag["name"] for tag in document["tags"]], document["components"]["schemas"]
    calls.sort(key=lambda one: (order.index(one[1]["tags"][0]), one[1]["operationId"] != _FIRST))
    # The links are first because a phone cuts off the paths.
    rows = [(_link(call["summary"]), f"`{name}`") for name, call in calls]
    yield from (_HEAD, *_table("What it does | Path", rows))
    for tag in document["tags"]:
        yield f"## {tag['name']}\n\n{tag['description']}\n"
        for name, call in calls:
            yield from _call(name, call, schemas) if call["tags"] == [tag["name"]] else ()
    yield "## Events\n\nThey are posted to your [webhook endpoints](/docs/webhooks/).\n"
    for name, event in document["webhooks"].items():
        yield from _event(name, event["post"])
    yield "## Objects\n\n### All objects\n"
    for name, schema in schemas.items():
        yield from (f"#### {name}\n\n{schema.get('description', '')}\n", *_fields(schema))


def _event(name: str, event: Json) -> Iterator[str]:
    (body,) = event["requestBody"]["content"].values()
    yield f"### {name}\n\n{event['description']} {_type(body['schema'])}.\n"
    yield from _fence("json", _example(body))


def _call(name: str, call: Json, schemas: Json) -> Iterator[str]:
    yield f"### {call['summary']}\n\n`{name}`\n\n{call.get('description', '')}\n"
    given = [
        (f"`{one['name']}`", f"{one['in']}, {_type(one['schema'])}", one.get("description", ""))
        for one in call.get("parameters", ())
    ]
    yield from _table("Parameter | Type | What it is", given)
    bodies = call.get("requestBody", {}).get("content", {})
    for kind, body in bodies.items():
        yield f"Body, `{kind}`:\n"
        yield from _fields(schemas[_name(body["schema"])])
    contents = [answer.get("content", {}) for answer in call["responses"].values()]
    # Fences that follow each other are tabs of one box.
    yield from _fence("sh", _curl(name, bodies))
    yield from _fence("json", _example(next(iter(contents[0].values()), {})))
    answers = [
        (status, answer["description"], " or ".join(_type(one["schema"]) for one in of.values()))
        for (status, answer), of in zip(call["responses"].items(), contents, strict=True)
    ]
    yield from _table("Status | When | Answer", answers)


def _curl(name: str, bodies: Json) -> str:
    method, _, path = name.partition(" ")
    parts = [f"curl -X {method} {ORIGIN}{path}"]
    if path.startswith("/v1"):
        parts.append('-H "Authorization: Bearer $PICTOR_API_KEY"')
    for kind, body in [*bodies.items()][:1]:
        if kind == "application/json":
            parts += [f"-H 'Content-Type: {kind}'", f"-d '{_example(body)}'"]
        else:
            (example,) = body["examples"].values()
            parts += [f"-F '{field}={value}'" for field, value in example["value"].items()]
    return " \\\n  ".join(parts)


def _example(content: Json) -> str:
    """The first example of a body or an answer; empty without one."""
    values = [one["value"] for one in content.get("examples", {}).values()]
    return json.dumps(values[0], indent=2, ensure_ascii=False) if values else ""


def _fence(language: str, text: str) -> list[str]:
    return [f"```{language}\n{text}\n```\n"] if text else []


def _fields(schema: Json) -> list[str]:
    required = schema.get("required", ())
    patterns = {
        pattern.strip("^$").replace("\\", ""): field  # ^image\[\]$ is the field image[]
        for pattern, field in schema.get("patternProperties", {}).items()
    }
    fields = {**schema.get("properties", {}), **patterns}
    rows = [
        (
            f"`{name}`",
            _type(field) + (", required" if name in required else ""),
            field.get("description", ""),
        )
        for name, field in fields.items()
    ]
    return _table("Field | Type | What it is", rows) if rows else [f"{_type(schema)}\n"]


def _type(schema: Json) -> str:
    """A schema in words: 'string or null, at most 3', or a link to its object."""
    if "$ref" in schema:
        return _link(_name(schema))
    if "enum" in schema or "const" in schema:
        return _values(schema.get("enum", [schema.get("const")]))
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return " or ".join(dict.fromkeys(map(_type, several)))
    given = schema.get("type", "any")
    kinds = given if isinstance(given, list) else [given]
    words = " or ".join(_array(schema) if kind == "array" else kind for kind in kinds)
    bounds = [
        text.format(schema[bound], "" if schema[bound] == 1 else "s")
        for bound, text in _BOUNDS.items()
        if bound in schema
    ]
    return ", ".join([words, *bounds])


def _array(schema: Json) -> str:
    items = _type(schema.get("items", {}))
    return f"array of ({items})" if " or " in items else f"array of {items}"


def _values(values: Sequence[Any]) -> str:
    words = ["null" if value is None else f"`{value}`" for value in values]
    more = len(words) - MOST_VALUES
    return ", ".join(words[:MOST_VALUES]) + (f" and {more} more" if more > 0 else "")


def _name(schema: Json) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _link(title: str) -> str:
    return f"[{title}](#{anchor(title)})"


def _table(heads: str, rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {heads} |", "|" + "---|" * len(rows[0])]
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return ["\n".join(lines) + "\n"]
