"""The search of the ledger by any id."""

from collections.abc import Sequence

from accounts.models import Tenant
from accounts.selectors.office.api_keys import api_key_by_id
from accounts.selectors.office.tenants import tenant_as_shown
from billing.models import Transfer
from billing.selectors.office.balances import transfer_numbered, transfers_of
from billing.selectors.office.hours import is_of_demo
from console.parts.entries import LedgerEntry
from generation.models import Generation
from generation.selectors import (
    attempts_of,
    demo_among,
    generation_by_image,
    generation_for_operator,
    generations_by_attempt,
)
from pictor.kit.endpoints.body import is_storable
from pictor.kit.words import ids

Meant = Transfer | Tenant | list[Transfer]


def meant_by_id(text: str) -> Meant:
    """Return the transfer or tenant with that id, or a generation's transfers; [] if none is found.

    A tenant is also found by its name and by the id of one of its keys. A generation is found by
    its own id, by those of its request, an image or an attempt, and by the id that an upstream gave
    a call.
    """
    if not is_storable(text):
        return []
    if transfer := transfer_numbered(text):
        return transfer
    if tenant := tenant_as_shown(text):
        return tenant
    if key := api_key_by_id(text):
        return key.tenant
    return [move for generation in _generations(text) for move in _transfers_for(generation)]


def _generations(text: str) -> Sequence[Generation]:
    generation = generation_for_operator(text)
    image = ids.parse(ids.IMAGE, text)
    if generation is None and image is not None:
        generation = generation_by_image(image)
    return generations_by_attempt(text) if generation is None else [generation]


def _transfers_for(generation: Generation) -> list[Transfer]:
    """Return the transfers for a generation, newest first."""
    attempts = [attempt.id for attempt in attempts_of(generation.id)]
    moved = transfers_of(generation.id, tenant_id=generation.tenant_id, attempt_ids=attempts)
    for transfer in moved:
        transfer.tenant = generation.tenant if transfer.tenant_id else None
    return moved[::-1]


def entries_of(moves: Sequence[Transfer]) -> list[LedgerEntry]:
    """Return the transfers for pages; those of demo data are marked."""
    demo_ids = demo_among({move.generation_id for move in moves if move.generation_id})
    return [
        LedgerEntry(move, move.generation_id in demo_ids or _is_of_a_demo_past(move))
        for move in moves
    ]


def _is_of_a_demo_past(move: Transfer) -> bool:
    """True if it is a refill in the past that a demo workspace began with."""
    tenant = move.tenant
    if tenant is None or move.generation_id or not is_of_demo(tenant.id, tenant.created_at):
        return False
    return move.created_at < ids.made_at(tenant.id)
