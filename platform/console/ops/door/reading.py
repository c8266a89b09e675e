"""What programs read at /ops/v1/: what is known about an id, and what their key may do."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from console.ops.access import Permission
from console.ops.declared import ACTS, LISTS
from console.ops.door.acting import Program, by_program
from console.ops.models.acts import MODEL
from console.parts.acts import Act
from console.parts.filters import MAX_TEXT
from console.parts.listing import Listing
from generation.catalogue import services
from generation.catalogue.model_files import written
from generation.oversight.id_lookup import trace
from pictor import __version__
from pictor.kit.words import typed
from pictor.kit.words.errors import InvalidRequest, NotFound

WORDS = frozenset({"prompt", "detail", "object_key"})
"""What customers and vendors wrote, and where images are: people look at these, and are logged."""
OBJECTS = {"objects/{kind}/{id}": "Trace an id", "models/{model}/file": "Read a model's file"}
KINDS = ("request", "generation", "image", "attempt", "key", "tenant", "transfer", "person")
MAX_ROWS = 200
"""The most rows of a page."""


@by_program("GET")
def rows(request: HttpRequest, program: Program, name: str) -> Mapping[str, Any]:
    """A page of a list, each row with all columns of its CSV."""
    listing = LISTS.get(name)
    if listing is None:
        raise NotFound(f"There is no list {name[:100]!r}. Known: {', '.join(LISTS)}.")
    program.check(listing.needs)
    query = request.GET.dict()
    after, limit = query.pop("after", ""), query.pop("limit", "50")
    known = {"mode", *listing.filters}
    if unknown := sorted(query.keys() - known):
        words = f"Unknown parameter: {unknown[0][:100]!r}. Known: {', '.join(sorted(known))}."
        raise InvalidRequest(words, param=unknown[0][:100], code="unknown_parameter")
    found, following, wrong = listing.page(query, after=after[:MAX_TEXT], limit=_limit(limit))
    if wrong:
        raise InvalidRequest(" ".join(wrong))
    data = [{name: _plain(value) for name, value in row.items()} for row in found]
    return {"object": "list", "data": data, "has_more": bool(following), "after": following}


def _limit(text: str) -> int:
    try:
        return typed.number(text, least=1, most=MAX_ROWS)
    except ValueError as error:
        raise InvalidRequest(f"{error}.", param="limit") from None


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int) else str(value)


@by_program("GET")
def one(request: HttpRequest, program: Program, kind: str, named: str) -> Mapping[str, Any]:
    """Everything known about an id, as Find shows it, without customers' words."""
    program.check(Permission.SEE)
    if kind not in KINDS:
        raise NotFound(f"There is no kind {kind[:100]!r}. Known: {', '.join(KINDS)}.")
    facts = trace(named)
    if facts is None:
        raise NotFound(f"Nothing is known about {named[:100]!r}.")
    return {"object": kind, "id": named[:100], **_without_words(dict(facts))}


@by_program("GET")
def model_file(request: HttpRequest, program: Program, named: str) -> Mapping[str, Any]:
    """A model's file, which the act `model.import` takes."""
    program.check(Permission.SEE)
    contract = MODEL.named(named)
    if contract is None:
        raise NotFound(f"There is no model {named[:100]!r}.")
    return {"object": "model.file", "model": named, "file": written(services.file_of(contract))}


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_words(one) for name, one in value.items() if name not in WORDS}
    return [_without_words(one) for one in value] if isinstance(value, list) else value


@by_program("GET")
def document(request: HttpRequest, program: Program) -> Mapping[str, Any]:
    """The OpenAPI document of what this key may do."""
    acts = [act for act in ACTS.values() if _may(program, act)]
    paths = {
        f"/ops/v1/acts/{act.name}{end}": {"post": _operation(act, is_preview=bool(end))}
        for act in acts
        for end in ("/preview", "")
    }
    paths |= {
        f"/ops/v1/lists/{one.name}": {"get": _reading(f"List {one.name}", "query", _words_of(one))}
        for one in LISTS.values()
        if one.needs in program.may
    }
    if Permission.SEE in program.may:
        for path, words in OBJECTS.items():
            named: dict[str, Mapping[str, Any]] = {one: {} for one in re.findall(r"{(\w+)}", path)}
            paths[f"/ops/v1/{path}"] = {"get": _reading(words, "path", named)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pictor, for operators", "version": __version__},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
        "paths": paths,
    }


def _words_of(listing: Listing[Any]) -> Mapping[str, Mapping[str, Any]]:
    """The words of a list's address, each with what the document says of it."""
    modes = {"mode": {"enum": [*listing.modes]}} if listing.modes else {}
    filters = {name: {"title": one.label} for name, one in listing.filters.items()}
    return {**modes, **filters, "after": {}, "limit": {"title": f"1 to {MAX_ROWS}"}}


def _reading(words: str, place: str, named: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    parameters = [
        {
            "name": name,
            "in": place,
            "required": place == "path",
            "schema": {"type": "string", **more},
        }
        for name, more in named.items()
    ]
    answers = {"200": {"description": "Found."}}
    return {"operationId": words, "parameters": parameters, "responses": answers}


def _may(program: Program, act: Act[Any]) -> bool:
    is_ticked = bool(act.not_fresh) or act.name in program.key.acts
    return act.needs in program.may and not act.never_by_key and is_ticked


def _operation(act: Act[Any], *, is_preview: bool) -> Mapping[str, Any]:
    fields = {
        name: {"type": ["string", "integer", "boolean", "array"], "title": str(field.label or name)}
        for name, field in act.typed.items()
    }
    required = [name for name, field in act.typed.items() if field.required]
    body = {
        **({"subject": {"type": "string"}} if act.about else {}),
        "fields": {"type": "object", "properties": fields, "required": required},
        **({} if is_preview else {"token": {"type": "string"}, "confirm": {"type": "string"}}),
    }
    needed = [*(["subject"] if act.about else []), *([] if is_preview else ["token"])]
    schema = {"type": "object", "properties": body, "required": needed}
    lead = act.lead.replace("{}", act.about.kind if act.about else "")
    return {
        "operationId": f"{'preview ' if is_preview else ''}{act.name}",
        "summary": f"{'Preview: ' if is_preview else ''}{act.verb}",
        "description": lead,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "The effect." if is_preview else "Done."}},
    }
