"""Changes to contracts, as operators make them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.models import model_to_dict

from accounts.services import Actor, Subject, record
from billing.pricing import price_words
from billing.selectors import without_price
from generation.catalogue.contracts import ContractTerms, contract_from
from generation.models import Contract
from pictor.kit import clock


class ContractColumns(TypedDict, total=False):
    """Columns of Contract; what is not named stays as it is."""

    position: int
    is_enabled: bool
    sizes: Sequence[Mapping[str, str]]
    accepts_auto: bool
    default_size: str
    is_exact: bool
    tasks: Sequence[str]
    qualities: Sequence[str]
    quality_default: str
    quality_aliases: Mapping[str, str]
    prompt_max_chars: int
    max_n: int
    response_format_default: str


@transaction.atomic
def set_contract(
    *, model: str, columns: ContractColumns, actor: Actor, ip: str | None = None
) -> tuple[Contract, bool]:
    """Create a contract, or change the given columns of one; True when it was created.

    A new one is disabled unless told otherwise. One that is enabled has a price for all it offers:
    publish the price book with its rows first.

    Args:
        model: its public name, which is for good: generations and prices know it.
        columns: what is to be changed.
        actor: who changes it.
        ip: where they are, for the audit log.
    """
    contract = Contract.objects.select_for_update(no_key=True).filter(pk=model).first()
    is_new = contract is None
    before = None if contract is None else model_to_dict(contract)
    contract = contract or Contract(model=model)
    for column, value in columns.items():
        setattr(contract, column, value)
    # A model whose only size is `auto` lists none; check_contract looks at the sizes.
    contract.full_clean(exclude=["sizes"], validate_unique=False)
    after = model_to_dict(contract)
    check_contract(after)
    contract.save(force_insert=is_new)
    if after != before:
        record(
            Subject("contract", contract.model[:60]),
            "contract.set",
            actor=actor,
            before=before,
            after=after,
            ip=ip,
        )
    return contract, is_new


def check_contract(columns: Mapping[str, Any]) -> None:
    """Refuse what a process could not load, defaults that are not legal, and what has no price.

    And to switch off what is to follow a model that ends. Takes all columns.
    """
    contract = _read(columns)
    refused = {}
    if contract.default_size not in contract.size_names:
        refused["default_size"] = "is not one of the sizes"
    if contract.quality_default not in contract.qualities:
        refused["quality_default"] = "is not one of the qualities"
    if not set(contract.quality_aliases.values()) <= set(contract.qualities):
        refused["quality_aliases"] = "must each stand for one of the qualities"
    if contract.is_enabled and (missing := without_price(contract.price_keys, clock.now())):
        refused["is_enabled"] = f"needs a published price first for {price_words(missing)}"
    if not contract.is_enabled and (ending := _to_be_followed_by(contract.model)):
        refused["is_enabled"] = f"is to follow {', '.join(ending)}: name another successor first"
    if refused:
        raise ValidationError(refused)


def _to_be_followed_by(model: str) -> list[str]:
    """The models that end, and send their users there."""
    ending = Contract.objects.filter(successor=model, sunset_at__gt=clock.now())
    return list(ending.values_list("model", flat=True))


def _read(columns: Mapping[str, Any]) -> ContractTerms:
    """The contract as a process would load it. Raises ValidationError where none could."""
    try:
        contract = contract_from(columns)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValidationError(f"the sizes, tasks or aliases cannot be read: {error!r}") from None
    if not all(isinstance(word, str) for word in contract.quality_aliases.values()):
        raise ValidationError({"quality_aliases": "must be words for words"})
    if not all(isinstance(option.preset, str | None) for option in contract.options):
        raise ValidationError({"sizes": "a preset must be a word"})
    return contract
