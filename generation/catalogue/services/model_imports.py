"""A model's file is written: its contract, and a draft of its prices. Nothing is switched on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.forms.models import model_to_dict

from accounts.services import By
from billing import locks
from billing.models import PriceBook
from billing.price_rows import ANY, REFERENCE
from billing.pricing import PriceTable
from billing.selectors import book_in_force, rows_of
from billing.services.office.model_prices import draft_prices_of, prices_of
from generation.catalogue.contracts import contract_from
from generation.catalogue.model_files import KEY_OF, ModelFile, read
from generation.catalogue.services.contract_checks import check_contract, check_name, size_faults
from generation.catalogue.services.contracts import columns_of, set_contract
from generation.models import Contract
from pictor.kit.words import clock

SHIPPED = Path(__file__).parent.parent / "models"


@cache
def shipped_files() -> Mapping[str, str]:
    """The files that come with Pictor, by model."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.toml"))}


@dataclass(frozen=True, slots=True)
class ModelImport:
    """What writing a file would do.

    Attributes:
        stored: the contract of that name, None for a new model.
        columns: all columns of the contract after it.
        is_unpriced: True if the contract waits: it is on offer, and would promise what has no
            price yet. Only the prices are drafted then.
    """

    file: ModelFile
    stored: Contract | None
    columns: Mapping[str, Any]
    is_unpriced: bool


def import_of(file: ModelFile) -> ModelImport:
    """Return what writing a file would do. Raises ValidationError, with the paths of its keys."""
    stored = Contract.objects.filter(pk=file.model).first()
    last = Contract.objects.aggregate(last=Max("position"))["last"]
    new = {"position": 0 if last is None else last + 1, "is_enabled": False}
    columns = {**(columns_of(stored) if stored else columns_of(Contract()) | new), **file.columns}
    faults = _faults(Contract(model=file.model, **columns))
    is_unpriced = bool(faults.pop("is_enabled", ""))
    if wrong := size_faults(columns["sizes"]):
        faults.pop("sizes", None)
    words = [f"{_path(file, fault.place)}: {fault.words}" for fault in wrong]
    words += [f"{KEY_OF.get(name, name)}: {why}" for name in faults for why in faults[name]]
    if words:
        raise ValidationError(words)
    return ModelImport(file, stored, columns, is_unpriced)


def _path(file: ModelFile, place: int) -> str:
    """The path of a size's key in the file."""
    if place < file.listed:
        return f"sizes.list[{place}]"
    row = file.columns["sizes"][place]
    return f"sizes.table.{json.dumps(row['ratio'])}.{json.dumps(row['tier'])}"


def _faults(contract: Contract) -> dict[str, list[str]]:
    try:
        check_name(contract.model)
        contract.full_clean(exclude=["sizes"], validate_unique=False)
        check_contract(model_to_dict(contract))
    except ValidationError as error:
        return error.message_dict
    return {}


def is_written(file: ModelFile) -> bool:
    """True if the contract, and the prices of the next book, are as the file says."""
    stored = Contract.objects.filter(pk=file.model).first()
    if stored is None:
        return False
    columns = columns_of(stored)
    is_priced = not file.prices or set(prices_of(file.model)) == set(file.prices)
    return is_priced and columns == {**columns, **file.columns}


@transaction.atomic
def import_model(file: ModelFile, **by: Unpack[By]) -> tuple[ModelImport, PriceBook | None]:
    """Write a model's contract and a draft of its prices; a new model is off.

    Returns what was done, and the draft, None if prices stay as they are. Raises ValidationError.
    """
    locks.decisions_on_prices()  # two first imports at once: the second finds the first's model
    planned = import_of(file)
    book = draft_prices_of(file.model, file.prices, **by) if file.prices else None
    if not planned.is_unpriced:
        # Of a known model only what the file says: it may have been switched off meanwhile.
        given = file.columns if planned.stored else planned.columns
        set_contract(model=file.model, columns=given, **by)
    return planned, book


def file_of(contract: Contract) -> ModelFile:
    """A model's file as it is now, with everyone's prices in force."""
    columns = columns_of(contract)
    del columns["is_enabled"]
    rows = rows_of(book_in_force(None, clock.now()))
    known = {row.key: row for row in rows if row.model == contract.model}
    promised, table = contract_from(vars(contract)).price_keys, PriceTable.of_rows(known.values())
    if any(table.row_of(key) is None for key in promised):
        return ModelFile(contract.model, columns)  # a file prices all that it promises, or nothing
    of_any = [(model, ANY, word) for model, _, word in promised]
    of_references = [key for key in known if key[1] == REFERENCE]
    keys = dict.fromkeys([*promised, *of_any, *of_references])
    return ModelFile(contract.model, columns, [known[key] for key in keys if key in known])


def shipped(model: str) -> ModelFile:
    """Read a file that comes with Pictor. Raises KeyError."""
    return read(shipped_files()[model])
