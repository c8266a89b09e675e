"""Each contract's bounds of a request, as JSON Schema in the OpenAPI document.

Contracts are data, so the bounds come from the catalogue: the document names the existing models,
and for each its sizes, qualities, count and length of prompt. Descriptions say what a schema
cannot, such as that bytes must be an image.
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
        known = _widen(schemas[body.__name__]["properties"], able)
        if not body.is_form:  # tools that draw forms trip over conditions
            schemas[body.__name__]["allOf"] = _rules(able, known)
    for name in _KEYS if sold else ():
        schemas[name]["properties"]["models"]["items"]["enum"] = [
            contract.model for contract in sold
        ]
    return bounded


def _widen(fields: dict[str, Any], contracts: Sequence[ContractTerms]) -> Sequence[Bounds]:
    """Add the bounds of all models to a body's fields, and those of each model."""
    known = [_bounds(contract, fields) for contract in contracts]
    for name in known[0]:
        bound = _widest([bounds[name] for bounds in known])
        if "null" not in fields[name]["type"] and "enum" in bound:
            bound["enum"].remove(None)
        fields[name] |= bound
    fields["model"]["enum"] = [contract.model for contract in contracts]
    return known


def _rules(contracts: Sequence[ContractTerms], known: Sequence[Bounds]) -> list[dict[str, Any]]:
    return [
        {
            "if": {"required": ["model"], **of_these({"model": {"const": contract.model}})},
            "then": of_these(bounds),
        }
        for contract, bounds in zip(contracts, known, strict=True)
    ]


def _bounds(contract: ContractTerms, fields: Iterable[str]) -> Bounds:
    """This model's bounds of a body's fields."""
    words = {
        "size": contract.size_names,
        "quality": [*contract.qualities, *contract.quality_aliases],
        "task": [task.value for task in Task if task in contract.tasks],
    }
    bounds: Bounds = {
        "prompt": {"maxLength": contract.prompt_max_chars},
        "n": {"maximum": contract.max_n, "pattern": _digits(contract.max_n)},
        **{name: {"enum": [*dict.fromkeys(known), None]} for name, known in words.items()},
    }
    return {name: bound for name, bound in bounds.items() if name in fields}


def _widest(bounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The union of a field's bounds."""
    if "enum" in bounds[0]:
        words = dict.fromkeys(word for bound in bounds for word in bound["enum"])
        return {"enum": [*(word for word in words if word is not None), None]}
    return max(bounds, key=lambda bound: int(next(iter(bound.values()))))


def _digits(most: int) -> str:
    """A pattern of the numbers from 0."""
    return f"^0*({'|'.join(map(str, range(most + 1)))})$"
