"""The search of the ledger: by any id, or by filters."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.http import QueryDict

from accounts.models import Tenant
from accounts.selectors import api_key_by_id, tenant_as_shown
from billing.models import Transfer
from billing.selectors import TransferFilter, is_of_demo, transfer_numbered, transfers_of
from console.parts.entries import LedgerEntry
from console.parts.filters import period_choices, words_in
from console.parts.periods import DAY, TO, UTC_ZONE, WORDS, Period, period_in, period_of
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

NO_TENANT = UUID(int=0)
"""Used for an unknown tenant name, so that its list is empty instead of showing all tenants."""
MONTHS = 12
"""Number of full months to choose from."""
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


def sought_by(
    query: QueryDict, now: datetime
) -> tuple[dict[str, str], TransferFilter, Tenant | None]:
    """Return the filters in an address as typed and as parsed, and the tenant among them."""

    def period(word: str) -> Period | None:
        return period_of(word, now, UTC_ZONE) if word in WORDS else period_in(word, UTC_ZONE)

    texts, meant = words_in(
        query,
        {
            "tenant": lambda word: (is_storable(word) and tenant_as_shown(word)) or False,
            "kind": lambda word: word if word in Transfer.Kind.values else None,
            "period": period,
        },
    )
    tenant: Tenant | None = meant.get("tenant") or None
    of_none = NO_TENANT if "tenant" in texts else None
    span: Period | None = meant.get("period")
    return (
        texts,
        TransferFilter(
            tenant_id=tenant.id if tenant else of_none,
            kind=meant.get("kind"),
            since=span.start if span else None,
            until=span.end if span else None,
        ),
        tenant,
    )


def periods_of(word: str, now: datetime) -> dict[str, str]:
    """Return the periods to choose from with their words; the list's own, `word`, is among them."""
    months = _full_months(now)
    span = None if word in WORDS or word in months else period_in(word, UTC_ZONE)
    return {**dict(period_choices("", None)), **months, **dict(period_choices(word, span))}


def _full_months(now: datetime) -> dict[str, str]:
    """Return the last full months, the latest first."""
    months: dict[str, str] = {}
    first = now.astimezone(UTC).date().replace(day=1)
    for _ in range(MONTHS):
        last = first - DAY
        first = last.replace(day=1)
        months[f"{first}{TO}{last}"] = f"{first:%B %Y}"
    return months
