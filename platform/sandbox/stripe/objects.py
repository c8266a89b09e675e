"""Stripe's objects with all their fields, as of API version 2026-10-28.endive; its errors.

`objects.json` has of each kind the prefix of its ids, the fields that are null, and the values of
the others where nobody says otherwise. Amounts are cents.
"""

import json
import secrets
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

Thing = dict[str, Any]

VERSION: Final = "2026-10-28.endive"
_KINDS: Final = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


class Refusal(Exception):
    """An error to answer with; `facts` are its fields, such as `param` and `decline_code`."""

    def __init__(self, message: str, *, status: int = 400, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        known = {name: value for name, value in facts.items() if value is not None}
        self.error = {"type": "invalid_request_error", "message": message, **known}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def make(kind: str, **facts: Any) -> Thing:
    """An object of that kind."""
    usual = deepcopy(_KINDS[kind])
    nothing = dict.fromkeys(usual.pop("null", "").split())
    return {**usual, "id": new_id(usual["id"]), "object": kind, **nothing, **facts}


def listed(data: list[Any], url: str, *, has_more: bool = False) -> Thing:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def taxes(net: int, tax: int) -> list[Thing]:
    """The taxes of an invoice, of a line or of a credit note: all exclusive."""
    facts = {"taxability_reason": "standard_rated", "type": "tax_rate_details"}
    rate = {"tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_sandbox"}}
    return [{"amount": tax, "taxable_amount": net, **rate, **facts}] if tax else []


def automatic_tax(*, is_on: bool, is_known: bool = True) -> Thing:
    """Whether tax is added, and whether the customer's place is known."""
    if not is_on:
        return {"enabled": False, "liability": None, "provider": None, "status": None}
    status = "complete" if is_known else "requires_location_inputs"
    return {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": status}
