"""Changes to contracts by operators: set, copy, switch on and off."""

from collections.abc import Mapping
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Q
from django.forms.models import model_to_dict

from accounts.selectors.office.audit import events_of
from accounts.services import By, Subject, record
from billing.price_rows import AUTO, price_words
from billing.price_stops import UNCONFIRMED, Confirmed, Stops, judged_by_cost
from billing.selectors import current_table
from billing.selectors.office.price_lists import is_in_a_book
from billing.services.office.prices import confirm
from billing.supply import supply, waits_for_upgrade
from generation.catalogue.contracts import ContractTerms, contract_from
from generation.catalogue.plans import prices_of
from generation.catalogue.services.contract_checks import (
    check_contract,
    check_name,
    to_be_followed_by,
)
from generation.models import Contract, Route, Serves
from pictor.kit.words import clock

_WORDS_OF_0_2 = frozenset({"low", "medium", "high", "standard", "hd", AUTO})


ContractColumns = dict[str, Any]
"""Columns of Contract, of those that a change may set; those not given stay as they are."""


def columns_of(contract: Contract) -> ContractColumns:
    """All columns that a change may set, as JSON values: not its name, and not its end."""
    return model_to_dict(contract, exclude=["model"])


@transaction.atomic
def set_contract(
    *, model: str, columns: Mapping[str, Any], **by: Unpack[By]
) -> tuple[Contract, bool]:
    """Create a contract, or change the given columns of one; True if it was created.

    A new one is disabled unless told otherwise. An enabled one must have a price for all it offers,
    so publish the price book with its rows first.

    Args:
        model: its public name, which is permanent: generations and prices refer to it.
        columns: the changes.
        by: the person who makes them.
    """
    contract = _lock_contract(model)
    is_new = contract is None
    if is_new:
        check_name(model)
    before = None if contract is None else model_to_dict(contract)
    contract = contract or Contract(model=model)
    for column, value in columns.items():
        setattr(contract, column, value)
    # A model whose only size is `auto` lists none; check_contract looks at the sizes.
    contract.full_clean(exclude=["sizes"], validate_unique=False)
    after = model_to_dict(contract)
    check_contract(after)
    if contract.is_enabled and (why := _waits(contract)):
        raise ValidationError(f"{model} {why}")
    contract.save(force_insert=is_new)
    if after != before:
        record(_subject(contract), "contract.set", before=before, after=after, **by)
    return contract, is_new


@transaction.atomic
def copy_contract(*, model: str, source: str, **by: Unpack[By]) -> tuple[Contract, bool]:
    """Copy a model's contract under a new name, last in the order and switched off.

    Returns True with a new copy, False with the one that a first click made.
    """
    model, like = model.strip(), Contract.objects.filter(model=source).first()
    if like is None:
        raise ValidationError({"source": f"there is no model {source[:100]!r}"})
    columns = columns_of(like) | {"is_enabled": False}
    del columns["created"]
    known = _lock_contract(model)
    if known is not None:
        if columns_of(known) | {"position": like.position} == columns_of(known) | columns:
            return known, False
        raise ValidationError({"model": f"a model named {model} exists already"})
    last = Contract.objects.aggregate(last=Max("position"))["last"] or 0
    columns["position"] = last + 1
    return set_contract(model=model, columns=columns, **by)


@transaction.atomic
def set_offered(
    *, model: str, is_offered: bool, confirmed: Confirmed = UNCONFIRMED, **by: Unpack[By]
) -> Contract:
    """Offer a model, or refuse it with 404 from the next request on. Safe to call twice.

    Raises ValidationError if a model to offer has ended, lacks a price, is served by no channel, or
    is sold below cost, unless that is `confirmed`; and if a model to switch off is the successor of
    another.
    """
    contract = _lock_contract(model)
    if contract is None:
        raise ValidationError(f"there is no model {model[:100]!r}")
    if contract.is_enabled == is_offered:
        return contract
    if not is_offered and (ending := to_be_followed_by(model)):
        followed = ", ".join(ending)
        raise ValidationError(f"{model} is to follow {followed}: name another successor first")
    contract.is_enabled = is_offered
    if is_offered and (why := "; ".join(_why_not(contract))):
        raise ValidationError(f"{model} {why}")
    if is_offered:
        confirm(_subject(contract), stops_of_offer(model), confirmed, **by)
    contract.save(update_fields=["is_enabled"])
    action = "contract.enable" if is_offered else "contract.disable"
    before, after = {"is_enabled": not is_offered}, {"is_enabled": is_offered}
    record(_subject(contract), action, before=before, after=after, **by)
    return contract


def stops_of_offer(model: str) -> Stops:
    """The confirmations needed to offer a model: its prices below cost, were it on."""
    now = clock.now()
    served = supply().served([now], also_off=True)[now]
    cells = [cell for cell in served if cell.key[0] == model]
    below, unknown = judged_by_cost(current_table(None, now).rows, cells)
    return Stops(below=below, unknown=unknown)


@transaction.atomic
def delete_contract(*, model: str, **by: Unpack[By]) -> None:
    """Delete a model that was never on. Raises ValidationError if anything refers to it."""
    contract = Contract.objects.select_for_update().get(pk=model)
    if why := why_kept(contract):
        raise ValidationError(why)
    before = model_to_dict(contract)
    record(_subject(contract), "contract.delete", before=before, after={}, **by)
    contract.delete()


def why_kept(contract: Contract) -> str:
    """The reason not to delete a model, as a sentence; empty if there is none.

    A model that was never on has no generations.
    """
    model, was_on = contract.model, Q(before__is_enabled=True) | Q(after__is_enabled=True)
    events = events_of("contract.set", "contract.enable", "contract.disable").filter(was_on)
    routes = contract.routes.filter(channel__archived_at=None).values_list("channel__name")
    if contract.is_enabled or events.filter(object_id=_subject(contract).id).exists():
        return f"{model} was on: it can only be switched off."
    if channels := [name for (name,) in routes.order_by("channel__name")]:
        return f"Take the model from {', '.join(channels)} first."
    if is_in_a_book(model):
        return f"Price books have prices of {model}."
    if ending := Contract.objects.filter(successor=model).first():
        return f"{model} is to follow {ending}: name another successor first."
    return ""


def _why_not(contract: Contract) -> list[str]:
    """All reasons not to offer a model, as predicates of its name; empty if there are none."""
    reasons = []
    if contract.sunset_at is not None and contract.sunset_at <= clock.now():
        reasons.append(f"ended on {contract.sunset_at:%-d %B %Y}, for good")
    columns = model_to_dict(contract) | {"is_enabled": True}
    try:
        check_contract(columns)
    except ValidationError as error:
        reasons += error.messages
    else:
        reasons += _unquoted(contract_from(columns))
    reasons += [waits] if (waits := _waits(contract)) else []
    serving = Route.objects.filter(
        contract_id=contract.model, channel__is_enabled=True, is_approved=True
    )
    if not serving.exclude(channel__serves=Serves.TEST).exists():
        reasons.append(
            "is served by no channel: give an enabled channel a route for it, and test it"
        )
    return reasons


def _unquoted(terms: ContractTerms) -> list[str]:
    """The reason not to offer a model of which a cell cannot be quoted now; at most one."""
    table = current_table(None, clock.now())
    missing = [key for key in terms.price_keys if key[2] not in prices_of(terms, table, key[1])]
    return [f"cannot be quoted for {price_words(missing)}"] if missing else []


def _waits(contract: Contract) -> str:
    """Why a model that 0.2.0 would quote or charge wrongly may not be on yet; empty if it may."""
    words = {*contract.qualities}
    is_new = (
        not words <= _WORDS_OF_0_2
        or (AUTO in words and not contract.token_rule)
        or contract.takes_ratio
        or contract.parameters
        or contract.size_rule
    )
    return waits_for_upgrade() if is_new else ""


def _lock_contract(model: str) -> Contract | None:
    return Contract.objects.select_for_update(no_key=True).filter(pk=model).first()


def _subject(contract: Contract) -> Subject:
    return Subject("contract", contract.model[:60])
