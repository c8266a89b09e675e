"""Stripe's objects, as of API version 2026-10-28.endive, and its errors. Amounts are cents.

`objects.json` declares each kind: the prefix of its ids, the fields that it takes from what it is
made of, those that are null, and the values of the others where nobody says otherwise. A field that
begins with `_` is the sandbox's own.
"""

import json
import secrets
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

Thing = dict[str, Any]

VERSION: Final = "2026-10-28.endive"
KINDS: Final = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


class Refusal(Exception):
    """An error to answer with; `facts` are its fields, such as `param` and `decline_code`."""

    def __init__(self, message: str, *, status: int = 400, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        known = {name: value for name, value in facts.items() if value is not None}
        error = {"type": "invalid_request_error", "message": message, **known}
        self.body: Thing = {"error": error}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def make(kind: str, source: Thing) -> Thing:
    """An object of that kind, with the fields that it takes from a source."""
    made: Thing = deepcopy(KINDS[kind])
    made |= {"id": new_id(made["id"]), "object": kind}
    made |= dict.fromkeys(made.pop("null", "").split())
    made.pop("takes", "")
    write(made, source)
    return made


def write(thing: Thing, source: Thing) -> None:
    """Copy the fields that the object takes; an empty text is null, metadata adds to what is."""
    for name in KINDS[thing["object"]].get("takes", "").split():
        if name == "metadata":
            thing[name] |= source.get(name) or {}
        elif name in source:
            thing[name] = deepcopy(source[name]) or None


def listed(data: list[Any], url: str, *, has_more: bool = False) -> Thing:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def taxes(net: int, tax: int) -> list[Thing]:
    """The taxes of an invoice or of a credit note: all exclusive."""
    facts = {"taxability_reason": "standard_rated", "type": "tax_rate_details"}
    rate = {"tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_sandbox"}}
    return [{"amount": tax, "taxable_amount": net, **rate, **facts}] if tax else []


def automatic_tax(*, is_on: bool, is_known: bool = True) -> Thing:
    """Whether tax is added, and whether the customer's place is known."""
    status = "complete" if is_known else "requires_location_inputs"
    return {"enabled": is_on, "liability": None, "provider": None, "status": status * is_on or None}
