"""`manage.py model list|show`: contracts, with their channels and sales."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from accounts.management.operator import found, print_table
from generation.catalogue import services
from generation.catalogue.traffic import OF_MODE
from generation.models import Contract
from generation.oversight.contract_review import promises_of
from generation.oversight.model_list import ListedModel, listed_models
from generation.selectors import contract_by_name
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

COLUMNS = (
    *("model", "state", "ends", "sizes", "served by", "prices", "tenants", "images", "revenue"),
    *("margin", "wrong"),
)
NONE = "-"


def add_arguments(actions: Any) -> None:
    every = actions.add_parser("list", help="list all models, those that need attention first")
    show = actions.add_parser("show", help="show its contract, its channels and its users")
    show.add_argument("model")
    for action in (every, show):
        action.add_argument(
            "--mode", choices=list(OF_MODE), default="live", help="whose sales to count"
        )
        action.add_argument("--json", action="store_true")


def model_named(name: str) -> Contract:
    return found(contract_by_name(name), f"there is no model {name!r}")


def facts_of(row: ListedModel) -> dict[str, Any]:
    """A model as JSON values; sales are of 30 UTC days, in USD."""
    terms, sold = row.terms, row.sold
    return {
        "model": terms.model,
        "state": row.life.value,
        "deprecated_at": terms.deprecated_at.isoformat() if terms.deprecated_at else None,
        "sunset_at": terms.sunset_at.isoformat() if terms.sunset_at else None,
        "successor": terms.successor or None,
        "sizes": len(terms.options) + terms.accepts_auto,
        "channels": {serving.channel: round(serving.share, 4) for serving in row.serving},
        "untested": list(row.untested),
        "unmade": list(row.unmade),
        "cells": row.cells,
        "priced": row.priced,
        "tenants": row.users,
        "images": sold.images,
        "revenue": to_decimal(sold.revenue),
        "margin": to_decimal(sold.margin),
        "unknown_cost": sold.unknown_images,
        "last_used": row.used_at.isoformat() if row.used_at else None,
        "wrong": row.troubles,
    }


def print_models(stdout: OutputWrapper, rows: list[ListedModel]) -> None:
    print_table(stdout, [COLUMNS, *(_line(facts_of(row)) for row in rows)])


def print_model(stdout: OutputWrapper, row: ListedModel, contract: Contract) -> None:
    facts = facts_of(row)
    print_table(stdout, [COLUMNS, _line(facts)])
    for name, value in promises_of(services.columns_of(contract)).items():
        stdout.write(f"{name}: {_words(value)}")
    if used := row.used(clock.now()):
        stdout.write(f"used: {used}")


def listed(options: Mapping[str, Any], model: str = "") -> list[ListedModel]:
    return listed_models(mode=options["mode"], now=clock.now(), model=model)


def _line(facts: Mapping[str, Any]) -> tuple[str, ...]:
    words = (
        facts["model"],
        facts["state"],
        (facts["sunset_at"] or NONE)[:10],
        str(facts["sizes"]),
        ",".join(facts["channels"]) or NONE,
        f"{facts['priced']}/{facts['cells']}",
        str(facts["tenants"]),
        str(facts["images"]),
        facts["revenue"],
        facts["margin"],
        "; ".join(facts["wrong"]) or NONE,
    )
    return tuple(words)


def _words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ",".join(map(str, value))
        case _:
            return str(value)
