"""Each contract's bounds of a request, as JSON Schema in the OpenAPI document.

Contracts are data, so the bounds come from the catalogue: the document names the existing models,
and for each its sizes, qualities, count, length of prompt and own parameters. Descriptions say what
a schema cannot, such as that bytes must be an image.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from generation.api.requests import (
    EditForm,
    EditRequest,
    GenerationRequest,
    QuoteRequest,
    VariationForm,
)
from generation.catalogue.contracts import ContractTerms
from generation.channels.declaration import Task
from pictor.kit.endpoints.bodies import ApiBody, of_these

_TASKS: Mapping[type[ApiBody], Task | None] = {
    GenerationRequest: Task.GENERATE,
    EditRequest: Task.EDIT,
    EditForm: Task.EDIT,
    VariationForm: Task.VARIATION,
    QuoteRequest: None,
}
"""The task of each body; a quote names its own."""
Bounds = dict[str, dict[str, Any]]
"""The bounds of fields, by name."""
_SIZE = "^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$"
_KEYS = ("NewKey", "PatchedKeyChange")
"""The bodies that name models for a key."""


def with_contracts(
    document: Mapping[str, Any], contracts: Iterable[ContractTerms]
) -> dict[str, Any]:
    """The document with the bounds of the contracts in it."""
    enabled = (contract for contract in contracts if contract.is_enabled)
    sold = sorted(enabled, key=lambda contract: contract.model)
    bounded = copy.deepcopy(dict(document))
    schemas = bounded["components"]["schemas"]
    for body, task in _TASKS.items():
        able = [contract for contract in sold if task is None or task in contract.tasks]
        if not able:
            continue
        known = _widen(schemas[body.__name__]["properties"], able, is_form=body.is_form)
        if not body.is_form:  # tools that draw forms trip over conditions
            schemas[body.__name__]["allOf"] = _rules(able, known)
    for name in _KEYS if sold else ():
        schemas[name]["properties"]["models"]["items"]["enum"] = [
            contract.model for contract in sold
        ]
    return bounded


def _widen(
    fields: dict[str, Any], contracts: Sequence[ContractTerms], *, is_form: bool
) -> Sequence[Bounds]:
    """Add the bounds of all models to a body's fields, and those of each model."""
    known = [_bounds(contract, fields) for contract in contracts]
    for name in known[0]:
        bound = _widest([bounds[name] for bounds in known])
        if "null" not in fields[name]["type"] and "enum" in bound:
            bound["enum"].remove(None)
        fields[name] |= bound
    fields["model"]["enum"] = [contract.model for contract in contracts]
    fields |= _parameters(contracts, is_nullable=not is_form)
    return known


def _parameters(
    contracts: Sequence[ContractTerms], *, is_nullable: bool
) -> Mapping[str, dict[str, Any]]:
    """The contracts' own parameters as fields; `_rules` says which model has which."""
    owners: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for contract in contracts:
        for one in contract.own_fields:
            schema = _nullable(one.schema) if is_nullable else one.schema
            owners.setdefault(one.name, []).append((contract.model, schema))
    return {
        name: {
            "description": f"A parameter of {', '.join(model for model, _ in them)} alone.",
            **(them[0][1] if all(schema == them[0][1] for _, schema in them) else {}),
        }
        for name, them in owners.items()
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **words}


def _rules(contracts: Sequence[ContractTerms], known: Sequence[Bounds]) -> list[dict[str, Any]]:
    return [
        {
            "if": {"required": ["model"], **of_these({"model": {"const": contract.model}})},
            "then": of_these({**_none_of(contracts), **bounds, **_own(contract)}),
        }
        for contract, bounds in zip(contracts, known, strict=True)
    ]


def _none_of(contracts: Sequence[ContractTerms]) -> Mapping[str, Any]:
    """No parameter at all, also not as null."""
    return {one.name: False for contract in contracts for one in contract.own_fields}


def _own(contract: ContractTerms) -> Mapping[str, Any]:
    none = {"type": "null", "description": f"{contract.model} takes no reference images."}
    return {
        **({"image": none} if contract.most_references == 0 else {}),
        **{one.name: _nullable(one.schema) for one in contract.own_fields},
    }


def _bounds(contract: ContractTerms, fields: Iterable[str]) -> Bounds:
    """This model's bounds of a body's fields."""
    words = {
        "size": contract.size_names,
        "quality": [*contract.qualities, *contract.quality_aliases],
        "output_format": contract.formats,
        "task": [task.value for task in Task if task in contract.tasks],
    }
    bounds: Bounds = {
        "prompt": {"maxLength": contract.prompt_max_chars},
        "n": {"maximum": contract.max_n, "pattern": _digits(contract.max_n)},
        **{name: {"enum": [*dict.fromkeys(known), None]} for name, known in words.items()},
    }
    if contract.size_rule:
        others = {"pattern": _SIZE, "description": f"Any size with {contract.size_rule}."}
        bounds["size"] = {"anyOf": [bounds["size"], others]}
    return {name: bound for name, bound in bounds.items() if name in fields}


def _widest(bounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The union of a field's bounds; none for sizes if any model has a rule of them."""
    if any("anyOf" in bound for bound in bounds):
        return {}
    if "enum" in bounds[0]:
        words = dict.fromkeys(word for bound in bounds for word in bound["enum"])
        return {"enum": [*(word for word in words if word is not None), None]}
    return max(bounds, key=lambda bound: int(next(iter(bound.values()))))


def _digits(most: int) -> str:
    """A pattern of the numbers from 0."""
    return f"^0*({'|'.join(map(str, range(most + 1)))})$"
